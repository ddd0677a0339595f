// The macros of the language definition, of its two-variable comprehensions, cel.bind and the optional types.
#include <array>

#include "expr/parser.h"

namespace sluice::expr {

namespace {

struct Form {
  std::string_view name;
  std::size_t arguments;  // without the receiver
  std::size_t variables;
  Macro macro;
};

constexpr std::array<Form, 17> kForms = {{
    {"all", 2, 1, Macro::kAll},
    {"all", 3, 2, Macro::kAll},
    {"exists", 2, 1, Macro::kExists},
    {"exists", 3, 2, Macro::kExists},
    {"exists_one", 2, 1, Macro::kExistsOne},
    {"existsOne", 2, 1, Macro::kExistsOne},
    {"exists_one", 3, 2, Macro::kExistsOne},
    {"existsOne", 3, 2, Macro::kExistsOne},
    {"map", 2, 1, Macro::kMap},
    {"map", 3, 1, Macro::kMap},
    {"filter", 2, 1, Macro::kFilter},
    {"transformList", 3, 2, Macro::kMap},
    {"transformList", 4, 2, Macro::kMap},
    {"transformMap", 3, 2, Macro::kTransformMap},
    {"transformMap", 4, 2, Macro::kTransformMap},
    {"optMap", 2, 1, Macro::kOptMap},
    {"optFlatMap", 2, 1, Macro::kOptFlatMap},
}};

bool fail(const Node& node, std::string message, std::optional<CompileError>& error) {
  error = CompileError{"expression_syntax", std::move(message), node.range.begin, std::max(1U, node.range.end - node.range.begin)};
  return false;
}

bool is_variable(const Node& node) { return node.kind == Node::Kind::kIdentifier && !node.absolute; }

bool recognise_has(Node& node, std::optional<CompileError>& error) {
  if (node.children.size() != 1 || node.children[0]->kind != Node::Kind::kSelect) {
    return fail(node, "has() asks for a field: has(this.name)", error);
  }
  Node& select = *node.children[0];
  node.kind = Node::Kind::kHas;
  node.name = select.name;
  node.name_range = select.name_range;
  node.optional = select.optional;
  NodePtr operand = std::move(select.children[0]);
  node.children[0] = std::move(operand);
  return true;
}

// Takes the `count` variables that follow the range out of the children.
bool take_variables(Node& node, std::size_t count, std::optional<CompileError>& error) {
  for (std::size_t i = 0; i < count; ++i) {
    const Node& variable = *node.children[1 + i];
    if (!is_variable(variable)) return fail(variable, "expected a variable's name in " + node.name + "()", error);
    node.variables.push_back(variable.name);
  }
  if (count == 2 && node.variables[0] == node.variables[1])
    return fail(node, "the two variables of " + node.name + "() have the same name", error);
  node.children.erase(node.children.begin() + 1, node.children.begin() + 1 + static_cast<std::ptrdiff_t>(count));
  node.kind = Node::Kind::kMacro;
  return true;
}

bool recognise_bind(Node& node, std::optional<CompileError>& error) {
  if (!is_variable(*node.children[1])) return fail(*node.children[1], "cel.bind() takes a variable's name first", error);
  node.variables.push_back(node.children[1]->name);
  node.children.erase(node.children.begin(), node.children.begin() + 2);
  node.kind = Node::Kind::kMacro;
  node.macro = Macro::kBind;
  return true;
}

}  // namespace

bool recognise_macro(Node& node, std::optional<CompileError>& error) {
  if (!node.receiver) return node.name != "has" || node.absolute || recognise_has(node, error);
  const bool on_cel = is_variable(*node.children[0]) && node.children[0]->name == "cel";
  if (on_cel && node.name == "bind" && node.children.size() == 4) return recognise_bind(node, error);
  for (const Form& form : kForms) {
    if (form.name != node.name || form.arguments + 1 != node.children.size()) continue;
    node.macro = form.macro;
    return take_variables(node, form.variables, error);
  }
  return true;
}

}  // namespace sluice::expr
