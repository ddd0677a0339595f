// all, exists, exists_one, map, filter and the other macros.
#include <array>

#include "expr/evaluator.h"
#include "expr/special_values.h"

namespace sluice::expr {

namespace {

using Type = Value::Type;

bool is_range(const Value& value) { return value.type() == Type::kList || value.type() == Type::kMap || is_plain_struct(value); }

Value key_at(const Value& range, std::size_t i) {
  if (range.type() == Type::kList) return Value::int64(static_cast<std::int64_t>(i));
  if (range.type() == Type::kMap) return range.as_map()[i].key;
  return Value::string(range.as_struct_schema().fields()[i].name);
}

Value value_at(const Value& range, std::size_t i) {
  if (range.type() == Type::kList) return range.as_list()[i];
  if (range.type() == Type::kMap) return range.as_map()[i].value;
  return range.as_struct()[i];
}

// A column that the log left out is no item.
bool is_absent(const Value& range, std::size_t i) { return range.type() == Type::kStruct && range.as_struct()[i].is_unchanged(); }

}  // namespace

std::size_t item_count(const Value& range) {
  if (range.type() == Type::kList) return range.as_list().size();
  if (range.type() == Type::kMap) return range.as_map().size();
  return range.as_struct().size();
}

bool Evaluator::next_round() {
  if (rounds_ < kMaxRounds) return ++rounds_, true;
  return context_.fail("cost_exceeded", "the expression takes more than 1000000 rounds");
}

void Evaluator::bind(const MacroOp& macro, const Value& range, std::size_t round) {
  if (macro.two_variables) {
    locals_[macro.local] = key_at(range, round);
    locals_[macro.local + 1] = value_at(range, round);
  } else {
    locals_[macro.local] = range.type() == Type::kList ? value_at(range, round) : key_at(range, round);
  }
}

bool Evaluator::macro(const Instruction& op, Value& out) {
  const MacroOp& macro = code_.macros[op.data];
  Value range;
  if (!eval(operand(op, 0), range)) return false;
  if (macro.macro == Macro::kBind) {
    locals_[macro.local] = range;
    return eval(operand(op, 1), out);
  }
  if (macro.macro == Macro::kOptMap || macro.macro == Macro::kOptFlatMap) return map_optional(op, macro, range, out);
  if (!is_range(range)) return context_.no_overload("a macro over", {&range, 1});
  if (macro.macro == Macro::kMap || macro.macro == Macro::kFilter) return collect(op, macro, range, out);
  if (macro.macro == Macro::kTransformMap) return transform_map(op, macro, range, out);
  const Truth result = macro.macro == Macro::kExistsOne ? exists_one(op, macro, range) : quantifier(op, macro, range);
  out = Value::boolean(result == Truth::kTrue);
  return result != Truth::kFailed;
}

// all() is a long &&, exists() a long ||: one item may decide, whatever fails beside it.
Truth Evaluator::quantifier(const Instruction& op, const MacroOp& macro, const Value& range) {
  const Truth decisive = macro.macro == Macro::kAll ? Truth::kFalse : Truth::kTrue;
  bool failed = false;
  Failure first;
  for (std::size_t i = 0; i < item_count(range); ++i) {
    if (is_absent(range, i)) continue;
    if (!next_round()) return Truth::kFailed;
    bind(macro, range, i);
    const Truth part = truth(operand(op, 1));
    if (part == decisive) return decisive;
    if (part != Truth::kFailed || failed) continue;
    failed = true;
    first = context_.failure;
  }
  if (!failed) return decisive == Truth::kFalse ? Truth::kTrue : Truth::kFalse;
  context_.failure = first;
  return Truth::kFailed;
}

// Every item counts, so every failure does.
Truth Evaluator::exists_one(const Instruction& op, const MacroOp& macro, const Value& range) {
  std::size_t found = 0;
  for (std::size_t i = 0; i < item_count(range); ++i) {
    if (is_absent(range, i)) continue;
    if (!next_round()) return Truth::kFailed;
    bind(macro, range, i);
    const Truth part = truth(operand(op, 1));
    if (part == Truth::kFailed) return part;
    if (part == Truth::kTrue) ++found;
  }
  return found == 1 ? Truth::kTrue : Truth::kFalse;
}

// map(x, result), map(x, condition, result), filter(x, condition).
bool Evaluator::collect(const Instruction& op, const MacroOp& macro, const Value& range, Value& out) {
  const bool filter = macro.macro == Macro::kFilter;
  const bool has_condition = filter || op.count == 3;
  const std::size_t size = item_count(range);
  const std::span<Value> items = context_.arena->array<Value>(size);
  std::size_t count = 0;
  for (std::size_t i = 0; i < size; ++i) {
    if (is_absent(range, i)) continue;
    if (!next_round()) return false;
    bind(macro, range, i);
    const Truth wanted = has_condition ? truth(operand(op, 1)) : Truth::kTrue;
    if (wanted == Truth::kFailed) return false;
    if (wanted == Truth::kFalse) continue;
    if (filter) {
      items[count++] = locals_[macro.local];
    } else if (!eval(operand(op, op.count - 1), items[count++])) {
      return false;
    }
  }
  out = Value::list(items.first(count));
  return true;
}

bool Evaluator::transform_map(const Instruction& op, const MacroOp& macro, const Value& range, Value& out) {
  const std::size_t size = item_count(range);
  const std::span<MapEntry> entries = context_.arena->array<MapEntry>(size);
  std::size_t count = 0;
  for (std::size_t i = 0; i < size; ++i) {
    if (is_absent(range, i)) continue;
    if (!next_round()) return false;
    bind(macro, range, i);
    const Truth wanted = op.count == 3 ? truth(operand(op, 1)) : Truth::kTrue;
    if (wanted == Truth::kFailed) return false;
    if (wanted == Truth::kFalse) continue;
    MapEntry& entry = entries[count++];
    entry.key = key_at(range, i);
    if (!eval(operand(op, op.count - 1), entry.value)) return false;
  }
  out = Value::map(entries.first(count));
  return true;
}

bool Evaluator::map_optional(const Instruction& op, const MacroOp& macro, const Value& content, Value& out) {
  if (!is_optional(content)) return context_.no_overload("optMap", {&content, 1});
  const Value* inner = optional_content(content);
  if (inner == nullptr) return out = content, true;
  locals_[macro.local] = *inner;
  Value result;
  if (!eval(operand(op, 1), result)) return false;
  if (macro.macro == Macro::kOptFlatMap) {
    if (!is_optional(result)) return context_.no_overload("optFlatMap", {&result, 1});
    out = result;
  } else {
    out = make_optional(*context_.arena, result);
  }
  return true;
}

}  // namespace sluice::expr
