// The tree to Code: names resolved, constants folded, the common comparison of a field with a constant made one op.
#include <algorithm>
#include <array>

#include "expr/arithmetic.h"
#include "expr/compare.h"
#include "expr/compile.h"
#include "expr/decimal.h"
#include "expr/special_values.h"

namespace sluice::expr {

namespace {

constexpr std::array<std::string_view, 6> kComparisons = {"==", "!=", "<", "<=", ">", ">="};

// The comparison with its sides exchanged.
constexpr std::array<Comparison, 6> kMirrored = {Comparison::kEqual,        Comparison::kNotEqual, Comparison::kGreater,
                                                 Comparison::kGreaterEqual, Comparison::kLess,     Comparison::kLessEqual};

// How a selection is used: as a value, in has(), or with .?
enum class Access : std::uint8_t { kValue, kHas, kOptional };

class Lowering {
 public:
  explicit Lowering(const CompileOptions& options) : options_(options), code_(std::make_unique<Code>()) {}

  std::unique_ptr<Code> run(const Ast& ast) {
    code_->root = lower(*ast.root);
    return std::move(code_);
  }

 private:
  std::uint32_t add(const Instruction& op) {
    code_->ops.push_back(op);
    return static_cast<std::uint32_t>(code_->ops.size() - 1);
  }

  std::uint32_t add(OpKind kind, std::span<const std::uint32_t> operands, std::uint32_t data = 0, std::uint8_t sub = 0) {
    Instruction op{kind, sub, Root::kThis, static_cast<std::uint32_t>(code_->operands.size()), static_cast<std::uint32_t>(operands.size()),
                   data};
    code_->operands.insert(code_->operands.end(), operands.begin(), operands.end());
    return add(op);
  }

  std::uint32_t constant(const Value& value, const Value& spelled = Value::null()) {
    code_->constants.push_back(value);
    code_->spelled.push_back(spelled);
    return add({OpKind::kConstant, 0, Root::kThis, 0, 0, static_cast<std::uint32_t>(code_->constants.size() - 1)});
  }

  std::uint32_t failure(std::string_view code, std::string_view text, const std::string& subject) {
    code_->failures.push_back(Failure{code, text, code_->arena.copy(subject)});
    return add({OpKind::kFail, 0, Root::kThis, 0, 0, static_cast<std::uint32_t>(code_->failures.size() - 1)});
  }

  std::uint32_t name(const std::string& text) {
    code_->names.push_back(text);
    return static_cast<std::uint32_t>(code_->names.size() - 1);
  }

  const Value* constant_of(std::uint32_t op) const {
    return code_->ops[op].kind == OpKind::kConstant ? &code_->constants[code_->ops[op].data] : nullptr;
  }

  std::uint32_t lower(const Node& node) {
    switch (node.kind) {
      case Node::Kind::kLiteral: return literal(node);
      case Node::Kind::kIdentifier: return identifier(node);
      case Node::Kind::kSelect: return selection(node, node.optional ? Access::kOptional : Access::kValue);
      case Node::Kind::kHas: return selection(node, Access::kHas);
      case Node::Kind::kIndex: return index(node);
      case Node::Kind::kCall: return call(node);
      case Node::Kind::kOperator: return operation(node);
      case Node::Kind::kAnd: return add(OpKind::kAnd, children(node));
      case Node::Kind::kOr: return add(OpKind::kOr, children(node));
      case Node::Kind::kConditional: return add(OpKind::kConditional, children(node));
      case Node::Kind::kList: return list(node);
      case Node::Kind::kMap: return map(node);
      case Node::Kind::kMacro: return macro(node);
    }
    return 0;
  }

  std::vector<std::uint32_t> children(const Node& node, std::size_t from = 0) {
    std::vector<std::uint32_t> result;
    for (std::size_t i = from; i < node.children.size(); ++i) result.push_back(lower(*node.children[i]));
    return result;
  }

  std::uint32_t literal(const Node& node) {
    Value spelled;
    if (!node.spelled.empty()) {
      if (const auto text = canonical_decimal(node.spelled)) spelled = Value::text_in(code_->arena, Value::Type::kDecimal, *text);
    }
    return constant(deep_copy(node.literal, code_->arena), spelled);
  }

  std::optional<std::uint32_t> local(const Node& node) const {
    if (node.kind != Node::Kind::kIdentifier || node.absolute) return std::nullopt;
    for (std::size_t i = scope_.size(); i > 0; --i) {
      if (scope_[i - 1] == node.name) return static_cast<std::uint32_t>(i - 1);
    }
    return std::nullopt;
  }

  // What a chain of names means as a whole; unknown if it is no such chain or its head is a macro's variable.
  Resolution resolution(const Node& node) const {
    const Node& head = chain_head(node);
    if (head.kind != Node::Kind::kIdentifier || local(head)) return {};
    return resolve(dotted_name(node), head.absolute, options_);
  }

  std::uint32_t identifier(const Node& node) {
    if (const auto slot = local(node)) return add({OpKind::kLocal, 0, Root::kThis, 0, 0, *slot});
    const Resolution found = resolution(node);
    switch (found.kind) {
      case Resolution::Kind::kRoot: return add({OpKind::kRoot, static_cast<std::uint8_t>(found.root), found.root, 0, 0, 0});
      case Resolution::Kind::kMeta:
      case Resolution::Kind::kEnv: return failure("no_such_value", "only fields of this name have a value:", node.name);
      default: return variable_or_type(found, node.name);
    }
  }

  std::uint32_t variable_or_type(const Resolution& found, const std::string& text) {
    if (found.kind == Resolution::Kind::kVariable) return add({OpKind::kBinding, 0, Root::kThis, 0, 0, found.variable});
    if (found.kind == Resolution::Kind::kType) return constant(make_type(code_->arena, found.type_name));
    return failure("unknown_name", "undeclared reference to", text);
  }

  static OpKind pick(Access access, OpKind value, OpKind has, OpKind optional) {
    if (access == Access::kValue) return value;
    return access == Access::kHas ? has : optional;
  }

  // children[0] . name of a kSelect or kHas.
  std::uint32_t selection(const Node& node, Access access) {
    if (access == Access::kValue) {
      const Resolution whole = resolution(node);
      if (whole.kind == Resolution::Kind::kVariable || whole.kind == Resolution::Kind::kType) return variable_or_type(whole, node.name);
    }
    return field_of(*node.children[0], node.name, access);
  }

  std::uint32_t field_of(const Node& operand, const std::string& field, Access access) {
    const Resolution root = operand.kind == Node::Kind::kIdentifier ? resolution(operand) : Resolution{};
    switch (root.kind) {
      case Resolution::Kind::kRoot: {
        const OpKind kind = pick(access, OpKind::kField, OpKind::kHasField, OpKind::kOptionalField);
        return add({kind, static_cast<std::uint8_t>(root.root), root.root, 0, 0, field_reference(root.root, field)});
      }
      case Resolution::Kind::kMeta: return meta(field, access);
      case Resolution::Kind::kEnv: return environment(field, access);
      default: break;
    }
    const std::array<std::uint32_t, 1> operands = {lower(operand)};
    return add(pick(access, OpKind::kSelect, OpKind::kHasSelect, OpKind::kOptionalSelect), operands, name(field));
  }

  std::uint32_t field_reference(Root root, const std::string& field) {
    for (std::size_t i = 0; i < code_->fields.size(); ++i) {
      if (code_->fields[i].root == root && code_->fields[i].name == field) return static_cast<std::uint32_t>(i);
    }
    code_->fields.push_back({root, field});
    return static_cast<std::uint32_t>(code_->fields.size() - 1);
  }

  std::uint32_t meta(const std::string& field, Access access) {
    const auto names = meta_names();
    const auto found = std::find(names.begin(), names.end(), field);
    if (found == names.end()) return failure("no_such_field", "meta has no field", field);
    return add({pick(access, OpKind::kMeta, OpKind::kHasMeta, OpKind::kOptionalMeta), 0, Root::kThis, 0, 0,
                static_cast<std::uint32_t>(found - names.begin())});
  }

  std::uint32_t environment(const std::string& variable, Access access) {
    const auto value = environment_variable(options_, variable);
    if (access == Access::kHas) return constant(Value::boolean(value.has_value()));
    if (access == Access::kOptional)
      return constant(value ? make_optional(code_->arena, Value::string_in(code_->arena, *value)) : no_optional(code_->arena));
    if (!value) return failure("no_such_field", "the environment variable is not set:", variable);
    return constant(Value::string_in(code_->arena, *value));
  }

  std::uint32_t index(const Node& node) {
    const Node& key = *node.children[1];
    const bool is_root = node.children[0]->kind == Node::Kind::kIdentifier && resolution(*node.children[0]).kind == Resolution::Kind::kRoot;
    if (is_root && key.kind == Node::Kind::kLiteral && key.literal.type() == Value::Type::kString) {
      return field_of(*node.children[0], std::string(key.literal.as_text()), node.optional ? Access::kOptional : Access::kValue);
    }
    return add(node.optional ? OpKind::kOptionalIndex : OpKind::kIndex, children(node));
  }

  std::uint32_t call(const Node& node) {
    if (node.receiver) {
      const Node& target = *node.children[0];
      const std::string prefix = dotted_name(target);
      if (!prefix.empty() && !local(chain_head(target)) && resolution(target).kind == Resolution::Kind::kUnknown) {
        if (const Function* function = find_function(prefix + "." + node.name, false)) return call(node, *function, 1);
      }
    }
    const Function* function = find_function(node.name, node.receiver);
    if (function == nullptr) return failure("unknown_function", "unknown function", node.name);
    return call(node, *function, 0);
  }

  std::uint32_t call(const Node& node, const Function& function, std::size_t from) {
    const std::vector<std::uint32_t> arguments = children(node, from);
    if (!takes_arguments(function, arguments.size()))
      return failure("no_matching_overload", "the function does not take that many arguments:", node.name);
    if (const auto folded = fold(
            arguments, [&](Context& context, std::span<const Value> values, Value& out) { return function.body(context, values, out); },
            function.name == "matches")) {
      return *folded;
    }
    code_->max_arguments = std::max(code_->max_arguments, static_cast<std::uint32_t>(arguments.size()));
    code_->functions.push_back(&function);
    return add(OpKind::kCall, arguments, static_cast<std::uint32_t>(code_->functions.size() - 1));
  }

  // A constant in place of an operation on constants.  What fails is left to the evaluation, where && and || may absorb it.
  template <typename Body>
  std::optional<std::uint32_t> fold(std::span<const std::uint32_t> operands, const Body& body, bool never = false) {
    std::vector<Value> values;
    for (const std::uint32_t operand : operands) {
      const Value* value = constant_of(operand);
      if (value == nullptr || never) return std::nullopt;
      values.push_back(*value);
    }
    Context context{&code_->arena, options_.rules};
    Value result;
    if (!body(context, values, result)) return std::nullopt;
    return constant(result);
  }

  std::uint32_t operation(const Node& node) {
    const std::vector<std::uint32_t> operands = children(node);
    if (operands.size() == 1) return unary(node, operands);
    const auto* const comparison = std::find(kComparisons.begin(), kComparisons.end(), node.name);
    if (comparison != kComparisons.end()) return compare(static_cast<Comparison>(comparison - kComparisons.begin()), operands);
    if (node.name == "in") return add(OpKind::kIn, operands);
    const char op = node.name.front();
    if (const auto folded = fold(operands, [op](Context& context, std::span<const Value> values, Value& out) {
          return arithmetic(context, op, values[0], values[1], out);
        })) {
      return *folded;
    }
    return add(OpKind::kArithmetic, operands, 0, static_cast<std::uint8_t>(op));
  }

  std::uint32_t unary(const Node& node, const std::vector<std::uint32_t>& operands) {
    if (node.name == "!") return add(OpKind::kNot, operands);
    if (const auto folded =
            fold(operands, [](Context& context, std::span<const Value> values, Value& out) { return negate(context, values[0], out); }))
      return *folded;
    return add(OpKind::kNegate, operands);
  }

  std::uint32_t compare(Comparison comparison, const std::vector<std::uint32_t>& operands) {
    const auto is_field = [&](std::uint32_t op) { return code_->ops[op].kind == OpKind::kField; };
    const bool mirrored = is_field(operands[1]) && constant_of(operands[0]) != nullptr;
    if (!mirrored && !(is_field(operands[0]) && constant_of(operands[1]) != nullptr)) {
      return add(OpKind::kCompare, operands, 0, static_cast<std::uint8_t>(comparison));
    }
    const Instruction& field = code_->ops[operands[mirrored ? 1 : 0]];
    const std::uint32_t value = code_->ops[operands[mirrored ? 0 : 1]].data;
    const Comparison sub = mirrored ? kMirrored[static_cast<std::size_t>(comparison)] : comparison;
    return add({OpKind::kCompareField, static_cast<std::uint8_t>(sub), field.root, value, 0, field.data});
  }

  bool all_constant(std::span<const std::uint32_t> operands) const {
    return std::all_of(operands.begin(), operands.end(), [&](std::uint32_t op) { return constant_of(op) != nullptr; });
  }

  std::uint32_t optional_items(const Node& node) {
    const auto first = static_cast<std::uint32_t>(code_->optional_items.size());
    code_->optional_items.insert(code_->optional_items.end(), node.optional_items.begin(), node.optional_items.end());
    return first;
  }

  static bool has_optional_items(const Node& node) {
    return std::find(node.optional_items.begin(), node.optional_items.end(), true) != node.optional_items.end();
  }

  std::uint32_t list(const Node& node) {
    const std::vector<std::uint32_t> items = children(node);
    if (has_optional_items(node) || !all_constant(items)) return add(OpKind::kList, items, optional_items(node));
    const std::span<Value> values = code_->arena.array<Value>(items.size());
    for (std::size_t i = 0; i < items.size(); ++i) values[i] = *constant_of(items[i]);
    return constant(Value::list(values));
  }

  std::uint32_t map(const Node& node) { return add(OpKind::kMap, children(node), optional_items(node)); }

  std::uint32_t macro(const Node& node) {
    MacroOp macro_op{node.macro, static_cast<std::uint32_t>(scope_.size()), node.variables.size() == 2};
    std::vector<std::uint32_t> operands = {lower(*node.children[0])};
    scope_.insert(scope_.end(), node.variables.begin(), node.variables.end());
    code_->locals = std::max(code_->locals, static_cast<std::uint32_t>(scope_.size()));
    for (std::size_t i = 1; i < node.children.size(); ++i) operands.push_back(lower(*node.children[i]));
    scope_.resize(macro_op.local);
    code_->macros.push_back(macro_op);
    return add(OpKind::kMacro, operands, static_cast<std::uint32_t>(code_->macros.size() - 1));
  }

  const CompileOptions& options_;
  std::unique_ptr<Code> code_;
  std::vector<std::string> scope_;  // macros' variables, innermost last; the index is the slot
};

}  // namespace

std::unique_ptr<Code> lower(const Ast& ast, const CompileOptions& options) { return Lowering(options).run(ast); }

}  // namespace sluice::expr
