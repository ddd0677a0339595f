// Expressions, conditions and templates of a configuration: checked where they stand, with what YAML does to text in mind.
#include "core/config_binding.h"
#include "core/expression_traps.h"

namespace sluice {

namespace {

// At the end of what YAML left of the expression.
bool at_end(const ConfigNode& node, const Diagnostic& finding) {
  const Place end = node.place_in_text(node.text.size(), 1);
  return std::pair(finding.place.line, finding.place.column) >= std::pair(end.line, end.column);
}

void check(const ConfigNode& node, std::string_view source, std::size_t offset, ExpressionChecker::Expected expected,
           BindContext& context) {
  if (context.expressions == nullptr) return;
  Diagnostics found;
  context.expressions->check(node, source, offset, expected, found);
  for (Diagnostic finding : found.findings()) {
    if (node.comment_follows && finding.code == "expression_syntax" && at_end(node, finding)) {
      cut_by_comment(node, context);
      continue;
    }
    if (finding.code == "unset_variable" && context.allow_unset) {
      finding.severity = Diagnostic::Severity::kWarning;
      ++context.unset_values;
    }
    context.findings.add(std::move(finding));
  }
}

template <typename T>
bool bind_expression(const ConfigNode& node, T& out, ExpressionChecker::Expected expected, BindContext& context) {
  if (!node.is_scalar()) return wrong_type(node, "an expression", context), false;
  if (expression_trap(node, context)) return false;
  const std::size_t before = context.findings.findings().size();
  check(node, node.text, 0, expected, context);
  out.node = node;
  return !context.findings.has_errors_since(before);
}

}  // namespace

bool ConfigType<Expression>::bind(const ConfigNode& node, Expression& out, BindContext& context) {
  return bind_expression(node, out, ExpressionChecker::Expected::kAny, context);
}

bool ConfigType<Condition>::bind(const ConfigNode& node, Condition& out, BindContext& context) {
  return bind_expression(node, out, ExpressionChecker::Expected::kBool, context);
}

bool ConfigType<TemplateText>::bind(const ConfigNode& node, TemplateText& out, BindContext& context) {
  auto parts = expand_template(node, context);
  if (!parts) return false;
  const std::size_t before = context.findings.findings().size();
  for (const TemplateText::Part& part : *parts) {
    if (!part.is_expression || template_trap(node, part, context)) continue;
    check(node, part.text, part.offset, ExpressionChecker::Expected::kAny, context);
  }
  if (context.findings.has_errors_since(before)) return false;
  out.parts = std::move(*parts);
  out.node = node;
  return true;
}

}  // namespace sluice
