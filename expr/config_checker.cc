// Findings about expressions in a configuration, placed inside the YAML scalar.
#include <utility>

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
    for (CompileError& error : Program::check(source, options)) {
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
  EnvironmentLookup environment_;
};

}  // namespace

std::unique_ptr<ExpressionChecker> make_expression_checker() { return make_expression_checker(EnvironmentLookup()); }

std::unique_ptr<ExpressionChecker> make_expression_checker(EnvironmentLookup environment) {
  return std::make_unique<ConfigExpressionChecker>(std::move(environment));
}

}  // namespace sluice::expr
