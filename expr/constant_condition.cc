#include "expr/constant_condition.h"

#include <algorithm>

#include "expr/evaluator.h"
#include "expr/parser.h"

namespace sluice::expr {

namespace {

using Found = std::optional<ConstantCondition>;

class Search {
 public:
  Search(std::string_view source, const CompileOptions& options) : source_(source), options_(options) {
    options_.records = false;  // what names a root does not compile then, so it is no constant
    options_.must_be_bool = false;
    options_.checked = true;
  }

  Found of(const Node& node) const {
    switch (node.kind) {
      case Node::Kind::kAnd: return junction(node, false, "==");
      case Node::Kind::kOr: return junction(node, true, "!=");
      case Node::Kind::kConditional: return conditional(node);
      case Node::Kind::kOperator:
        if (node.name == "!") return inverted(of(*node.children[0]));
        return evaluated(node);
      default: return evaluated(node);
    }
  }

 private:
  std::string_view text(const Node& node) const { return source_.substr(node.range.begin, node.range.end - node.range.begin); }

  static Found inverted(Found found) {
    if (found) found->value = !found->value;
    return found;
  }

  // `deciding`: the value of one part that makes it the value of the whole.
  Found junction(const Node& node, bool deciding, std::string_view comparison) const {
    bool all = true;
    for (const NodePtr& child : node.children) {
      const Found found = of(*child);
      if (found && found->value == deciding) return found;
      all = all && found;
    }
    if (all) return ConstantCondition{!deciding, node.range};
    if (differing_literals(node, comparison)) return ConstantCondition{deciding, node.range, true};
    return std::nullopt;
  }

  Found conditional(const Node& node) const {
    const Found condition = of(*node.children[0]);
    return condition ? of(*node.children[condition->value ? 1 : 2]) : std::nullopt;
  }

  // x == "a" && x == "b", x != "a" || x != "b": the same x, two literals.
  bool differing_literals(const Node& node, std::string_view comparison) const {
    for (std::size_t i = 0; i < node.children.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        const Node& a = *node.children[i];
        const Node& b = *node.children[j];
        if (!compares_literal(a, comparison) || !compares_literal(b, comparison)) continue;
        if (text(*a.children[0]) == text(*b.children[0]) && differ(a.children[1]->literal, b.children[1]->literal)) return true;
      }
    }
    return false;
  }

  static bool compares_literal(const Node& node, std::string_view comparison) {
    return node.kind == Node::Kind::kOperator && node.name == comparison && node.children.size() == 2 &&
           node.children[1]->kind == Node::Kind::kLiteral;
  }

  static bool differ(const Value& a, const Value& b) {
    if (a.type() != b.type()) return false;  // 1 and 1.0 are equal
    if (a.type() == Value::Type::kString) return a.as_text() != b.as_text();
    return a.type() == Value::Type::kInt64 && a.as_int64() != b.as_int64();
  }

  Found evaluated(const Node& node) const {
    const CompileResult compiled = compile_source(text(node), options_);
    if (!compiled.errors.empty()) return std::nullopt;
    Evaluator evaluator(*compiled.code, options_.rules);
    Arena arena;
    Value value;
    if (!evaluator.evaluate({}, arena, value) || value.type() != Value::Type::kBool) return std::nullopt;
    return ConstantCondition{value.as_bool(), node.range};
  }

  std::string_view source_;
  CompileOptions options_;
};

}  // namespace

std::optional<ConstantCondition> constant_condition(std::string_view source, const CompileOptions& options) {
  std::optional<CompileError> error;
  const std::optional<Ast> ast = parse(source, error);
  return ast ? Search(source, options).of(*ast->root) : std::nullopt;
}

}  // namespace sluice::expr
