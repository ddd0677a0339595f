// Replaced by the evaluator.
#include "expr/expression.h"
namespace sluice::expr {
namespace {
Error unfinished() { return {ErrorKind::kInvalidConfig, "expression_syntax", "the evaluator is not built yet"}; }
class StubChecker : public ExpressionChecker {
  void check(const ConfigNode&, std::string_view, std::size_t, Expected, Diagnostics&) const override {}
};
class StubPredicate : public Predicate {
  void select(const Batch&, std::span<const std::uint32_t>, std::vector<std::uint32_t>&, Rejects&) override {}
};
}  // namespace
struct Program::Compiled {};
struct Template::Part {};
Program::Program(std::unique_ptr<Compiled> compiled) : compiled_(std::move(compiled)) {}
Program::~Program() = default;
Result<std::unique_ptr<Program>> Program::compile(std::string_view, const Options&) { return unfinished(); }
std::vector<CompileError> Program::check(std::string_view, const Options&) { return {}; }
Result<Value> Program::evaluate(const Batch&, const Record&, Arena&) { return unfinished(); }
Result<bool> Program::test(const Batch&, const Record&) { return unfinished(); }
Program::Availability Program::availability(const Batch&, const Record&) { return Availability::kAvailable; }
bool Program::lacks_fields(const Batch&, const Record&) { return false; }
std::unique_ptr<Predicate> make_predicate(std::vector<std::unique_ptr<Program>>) { return std::make_unique<StubPredicate>(); }
Template::Template(std::vector<Part> parts, Encoding encoding) : parts_(std::move(parts)), encoding_(encoding) {}
Template::~Template() = default;
Result<std::unique_ptr<Template>> Template::compile(const TemplateText&, Encoding) { return unfinished(); }
Status Template::render(const Batch&, const Record&, std::string&) { return unfinished(); }
bool Template::is_constant() const { return static_cast<int>(encoding_) < 3 && parts_.empty(); }
std::unique_ptr<ExpressionChecker> make_expression_checker() { return std::make_unique<StubChecker>(); }
std::unique_ptr<ExpressionChecker> make_expression_checker(EnvironmentLookup) { return std::make_unique<StubChecker>(); }
}  // namespace sluice::expr
