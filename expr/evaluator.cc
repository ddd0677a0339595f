#include "expr/evaluator.h"

#include <array>
#include <cstring>

#include "expr/arithmetic.h"
#include "expr/compare.h"
#include "expr/special_values.h"

namespace sluice::expr {

namespace {

using Type = Value::Type;

Truth truth_of(bool value) { return value ? Truth::kTrue : Truth::kFalse; }

bool holds(Comparison comparison, std::partial_ordering order) {
  const unsigned bit = order < 0 ? 0 : order == 0 ? 1 : order > 0 ? 2 : 3;
  return ((comparison_bits(comparison) >> bit) & 1U) != 0;
}

constexpr std::array<std::string_view, 6> kComparisonText = {"==", "!=", "<", "<=", ">", ">="};

}  // namespace

Evaluator::Evaluator(const Code& code, Rules rules)
    : code_(code), ops_(code.ops.data()), operands_(code.operands.data()), access_(code), locals_(code.locals) {
  context_.rules = rules;
  context_.regexes = &regexes_;
}

void Evaluator::start(Arena& arena) {
  context_.arena = &arena;
  context_.bytes_left = Context::kMaxBytes;
  rounds_ = 0;
}

bool Evaluator::evaluate(const Batch& batch, const Record& record, Arena& arena, Value& out) {
  start(arena);
  access_.set(batch, record);
  return eval(code_.root, out);
}

Truth Evaluator::test(const Batch& batch, const Record& record, Arena& arena) {
  start(arena);
  access_.set(batch, record);
  return truth(code_.root);
}

bool Evaluator::evaluate(std::span<const Value> bindings, Arena& arena, Value& out) {
  start(arena);
  access_.clear();
  bindings_ = bindings;
  return eval(code_.root, out);
}

// && and ||: one part that is decisive (false or true) decides, whatever fails beside it.
template <Truth kDecisive>
Truth Evaluator::junction(const Instruction& op) {
  for (std::uint32_t i = 0; i < op.count; ++i) {
    const Truth part = truth(operands_[op.first + i]);
    if (part == kDecisive) return part;
    if (part == Truth::kFailed) return junction_after_failure<kDecisive>(op, i + 1);
  }
  return kDecisive == Truth::kFalse ? Truth::kTrue : Truth::kFalse;
}

template <Truth kDecisive>
Truth Evaluator::junction_after_failure(const Instruction& op, std::uint32_t next) {
  const Failure first = context_.failure;
  for (std::uint32_t i = next; i < op.count; ++i) {
    if (truth(operands_[op.first + i]) == kDecisive) return kDecisive;
  }
  context_.failure = first;
  return Truth::kFailed;
}

// The ops that answer true or false, without a Value in between.
Truth Evaluator::truth(std::uint32_t index) {
  const Instruction& op = ops_[index];
  switch (op.kind) {
    case OpKind::kCompareField: return compare_field(op);
    case OpKind::kAnd: return junction<Truth::kFalse>(op);
    case OpKind::kOr: return junction<Truth::kTrue>(op);
    case OpKind::kNot: return negation(op);
    case OpKind::kCompare: return compare(op);
    case OpKind::kIn: return contained(op);
    case OpKind::kHasField:
    case OpKind::kHasMeta:
    case OpKind::kHasSelect: return present(op);
    default: break;
  }
  return truth_of_value(index);
}

Truth Evaluator::truth_of_value(std::uint32_t index) {
  Value value;
  if (!eval(index, value)) return Truth::kFailed;
  if (value.type() == Type::kBool) return truth_of(value.as_bool());
  context_.no_overload("a condition", {&value, 1});
  return Truth::kFailed;
}

bool Evaluator::eval(std::uint32_t index, Value& out) {
  const Instruction& op = ops_[index];
  switch (op.kind) {
    case OpKind::kConstant: out = code_.constants[op.data]; return true;
    case OpKind::kLocal: out = locals_[op.data]; return true;
    case OpKind::kBinding: out = bindings_[op.data]; return true;
    case OpKind::kField:
    case OpKind::kOptionalField: return field(op, out);
    case OpKind::kRoot: out = access_.whole(op.root, *context_.arena); return true;
    case OpKind::kMeta:
    case OpKind::kOptionalMeta: return meta(op, out);
    case OpKind::kSelect: return select(op, out);
    case OpKind::kOptionalSelect: return optional_select(op, out);
    case OpKind::kIndex: return this->index(op, out);
    case OpKind::kOptionalIndex: return optional_index(op, out);
    case OpKind::kConditional: return conditional(op, out);
    case OpKind::kArithmetic: return arithmetic_op(op, out);
    case OpKind::kNegate: return negate_op(op, out);
    case OpKind::kCall: return call(op, out);
    case OpKind::kList: return make_list(op, out);
    case OpKind::kMap: return make_map(op, out);
    case OpKind::kMacro: return macro(op, out);
    case OpKind::kFail: context_.failure = code_.failures[op.data]; return false;
    default: break;
  }
  const Truth result = truth(index);
  if (result == Truth::kFailed) return false;
  out = Value::boolean(result == Truth::kTrue);
  return true;
}

Truth Evaluator::negation(const Instruction& op) {
  switch (truth(operand(op, 0))) {
    case Truth::kFalse: return Truth::kTrue;
    case Truth::kTrue: return Truth::kFalse;
    case Truth::kFailed: break;
  }
  return Truth::kFailed;
}

// The exact decimal that a double literal spells, where the other side is a decimal.
const Value* Evaluator::operand_constant(const Instruction& op, std::size_t which) const {
  const Instruction& child = code_.ops[operand(op, which)];
  if (context_.rules != Rules::kPipeline || child.kind != OpKind::kConstant || code_.spelled[child.data].is_null()) return nullptr;
  return &code_.spelled[child.data];
}

Truth Evaluator::compare(const Instruction& op) {
  Value a;
  Value b;
  if (!eval(operand(op, 0), a) || !eval(operand(op, 1), b)) return Truth::kFailed;
  const Value* left = a.type() == Type::kFloat64 && b.type() == Type::kDecimal ? operand_constant(op, 0) : nullptr;
  const Value* right = b.type() == Type::kFloat64 && a.type() == Type::kDecimal ? operand_constant(op, 1) : nullptr;
  return comparison(static_cast<Comparison>(op.sub), left != nullptr ? *left : a, right != nullptr ? *right : b);
}

Truth Evaluator::compare_field(const Instruction& op) {
  const Value* a = access_.find(op.root, op.data);
  if (a == nullptr) {
    context_.fail("no_such_field", "no such field", code_.fields[op.data].name);
    return Truth::kFailed;
  }
  if (a->is_unchanged()) {
    context_.fail("value_unavailable", "the log left out the column", code_.fields[op.data].name);
    return Truth::kFailed;
  }
  const Value& spelled = code_.spelled[op.first];
  const bool exact = a->type() == Type::kDecimal && !spelled.is_null() && context_.rules == Rules::kPipeline;
  return comparison(static_cast<Comparison>(op.sub), *a, exact ? spelled : code_.constants[op.first]);
}

Truth Evaluator::comparison(Comparison how, const Value& a, const Value& b) {
  if (how == Comparison::kEqual) return truth_of(equal(a, b));
  if (how == Comparison::kNotEqual) return truth_of(!equal(a, b));
  const auto result = order(a, b);
  if (result) return truth_of(holds(how, *result));
  const std::array<Value, 2> values = {a, b};
  context_.no_overload(kComparisonText[static_cast<std::size_t>(how)], values);
  return Truth::kFailed;
}

Truth Evaluator::contained(const Instruction& op) {
  Value item;
  Value range;
  if (!eval(operand(op, 0), item) || !eval(operand(op, 1), range)) return Truth::kFailed;
  if (range.type() == Type::kList) {
    for (const Value& candidate : range.as_list()) {
      if (equal(item, candidate)) return Truth::kTrue;
    }
    return Truth::kFalse;
  }
  if (range.type() == Type::kMap || is_plain_struct(range)) return truth_of(find_key(range, item) != nullptr);
  const std::array<Value, 2> values = {item, range};
  context_.no_overload("in", values);
  return Truth::kFailed;
}

bool Evaluator::conditional(const Instruction& op, Value& out) {
  switch (truth(operand(op, 0))) {
    case Truth::kTrue: return eval(operand(op, 1), out);
    case Truth::kFalse: return eval(operand(op, 2), out);
    case Truth::kFailed: break;
  }
  return false;
}

bool Evaluator::arithmetic_op(const Instruction& op, Value& out) {
  Value a;
  Value b;
  if (!eval(operand(op, 0), a) || !eval(operand(op, 1), b)) return false;
  if (a.type() != b.type()) {
    const Value* left = a.type() == Type::kFloat64 && b.type() == Type::kDecimal ? operand_constant(op, 0) : nullptr;
    const Value* right = b.type() == Type::kFloat64 && a.type() == Type::kDecimal ? operand_constant(op, 1) : nullptr;
    if (left != nullptr) a = *left;
    if (right != nullptr) b = *right;
  }
  return arithmetic(context_, static_cast<char>(op.sub), a, b, out);
}

bool Evaluator::negate_op(const Instruction& op, Value& out) {
  Value a;
  return eval(operand(op, 0), a) && negate(context_, a, out);
}

bool Evaluator::call(const Instruction& op, Value& out) {
  constexpr std::size_t kOnStack = 6;
  std::array<Value, kOnStack> few;
  const std::span<Value> arguments = op.count <= kOnStack ? std::span<Value>(few).first(op.count) : context_.arena->array<Value>(op.count);
  for (std::uint32_t i = 0; i < op.count; ++i) {
    if (!eval(operand(op, i), arguments[i])) return false;
  }
  return code_.functions[op.data]->body(context_, arguments, out);
}

}  // namespace sluice::expr
