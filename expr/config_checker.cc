// Findings about expressions in a configuration, placed inside the YAML scalar.
#include <utility>

#include "expr/compile.h"
#include "expr/constant_condition.h"
#include "expr/expression.h"

namespace sluice::expr {

namespace {

class ConfigExpressionChecker final : public ExpressionChecker {
 public:
  explicit ConfigExpressionChecker(EnvironmentLookup environment) : environment_(std::move(environment)) {}

  void check(const ConfigNode& node, std::string_view source, std::size_t offset, Expected expected, Diagnostics& findings) const override {
    Program::Options options;
    options.environment = environment_;
    options.must_be_bool = expected == Expected::kBool;
    auto errors = Program::check(source, options);
    if (errors.empty() && expected == Expected::kBool) warn_of_constant(node, source, offset, findings);
    for (CompileError& error : errors) {
      Diagnostic finding;
      finding.place = node.place_in_text(offset + error.offset, error.length);
      finding.path = node.path;
      finding.code = error.code;
      finding.message = std::move(error.message);
      finding.suggestion = std::move(error.suggestion);
      finding.hint = std::move(error.hint);
      findings.add(std::move(finding));
    }
  }

 private:
  void warn_of_constant(const ConfigNode& node, std::string_view source, std::size_t offset, Diagnostics& findings) const {
    CompileOptions options;
    options.environment = environment_;
    const auto constant = constant_condition(source, options);
    if (!constant) return;
    Diagnostic finding;
    finding.severity = Diagnostic::Severity::kWarning;
    finding.place = node.place_in_text(offset + constant->range.begin, constant->range.end - constant->range.begin);
    finding.path = node.path;
    finding.code = "constant_condition";
    finding.message = constant->value ? "this condition is always true" : "this condition is always false";
    if (constant->comparisons)
      finding.hint = constant->value ? "none of several: write && instead of ||, or !(x in [...])"
                                     : "one of several: write || instead of &&, or x in [...]";
    findings.add(std::move(finding));
  }

  EnvironmentLookup environment_;
};

}  // namespace

std::unique_ptr<ExpressionChecker> make_expression_checker() { return make_expression_checker(EnvironmentLookup()); }

std::unique_ptr<ExpressionChecker> make_expression_checker(EnvironmentLookup environment) {
  return std::make_unique<ConfigExpressionChecker>(std::move(environment));
}

}  // namespace sluice::expr
