// Fields, keys and indices; lists and maps.
#include <array>

#include "expr/compare.h"
#include "expr/evaluator.h"
#include "expr/special_values.h"

namespace sluice::expr {

namespace {

using Type = Value::Type;

// The index that a number names in a list of `size`; -1 for none.
std::int64_t list_index(const Value& key, std::size_t size, bool& known) {
  known = is_number(key.type()) && key.type() != Type::kDecimal;
  if (!known) return -1;
  std::int64_t index = -1;
  if (key.type() == Type::kInt64) index = key.as_int64();
  if (key.type() == Type::kUint64 && key.as_uint64() < size) index = static_cast<std::int64_t>(key.as_uint64());
  if (key.type() == Type::kFloat64 && key.as_float64() >= 0 && key.as_float64() < static_cast<double>(size)) {
    index = static_cast<std::int64_t>(key.as_float64());
    if (static_cast<double>(index) != key.as_float64()) index = -1;
  }
  return index >= 0 && index < static_cast<std::int64_t>(size) ? index : -1;
}

bool is_map_key(Type type) { return type == Type::kBool || type == Type::kInt64 || type == Type::kUint64 || is_string_like(type); }

// For messages: the key's text, or nothing.
std::string_view key_text(Context& context, const Value& key) {
  return is_string_like(key.type()) ? context.arena->copy(key.as_text()) : std::string_view();
}

}  // namespace

const Value* find_member(const Value& operand, const Value& key, bool& known) {
  known = true;
  if (operand.type() == Type::kMap || is_plain_struct(operand)) return find_key(operand, key);
  if (operand.type() == Type::kList) {
    const std::int64_t index = list_index(key, operand.as_list().size(), known);
    return index >= 0 ? &operand.as_list()[static_cast<std::size_t>(index)] : nullptr;
  }
  known = false;
  return nullptr;
}

bool Evaluator::field(const Instruction& op, Value& out) {
  const Value* value = access_.find(op.root, op.data);
  const bool available = value != nullptr && !value->is_unchanged();
  if (op.kind == OpKind::kOptionalField && (available || !access_.strict_has)) {
    out = available ? make_optional(*context_.arena, *value) : no_optional(*context_.arena);
    return true;
  }
  if (value == nullptr) return context_.fail("no_such_field", "no such field", code_.fields[op.data].name);
  if (!available) return context_.fail("value_unavailable", "the log left out the column", code_.fields[op.data].name);
  out = *value;
  return true;
}

bool Evaluator::meta(const Instruction& op, Value& out) {
  Value value;
  const bool found = access_.meta(static_cast<MetaName>(op.data), *context_.arena, value);
  if (op.kind == OpKind::kOptionalMeta) {
    out = found ? make_optional(*context_.arena, value) : no_optional(*context_.arena);
    return true;
  }
  if (!found) return context_.fail("no_such_field", "meta of this record has no field", meta_names()[op.data]);
  out = value;
  return true;
}

Truth Evaluator::present(const Instruction& op) {
  const auto answer = [](bool value) { return value ? Truth::kTrue : Truth::kFalse; };
  if (op.kind == OpKind::kHasField) {
    const Value* value = access_.find(op.root, op.data);
    const bool available = value != nullptr && !value->is_unchanged();
    if (available || !access_.strict_has) return answer(available);
    context_.fail("value_unavailable", "the log left out the column", code_.fields[op.data].name);
    return Truth::kFailed;
  }
  Value value;
  if (op.kind == OpKind::kHasMeta) return answer(access_.meta(static_cast<MetaName>(op.data), *context_.arena, value));
  if (!eval(operand(op, 0), value)) return Truth::kFailed;
  if (is_optional(value)) {
    const Value* content = optional_content(value);
    if (content == nullptr) return Truth::kFalse;
    value = Value(*content);
  }
  bool known = value.type() != Type::kList;
  const Value* member = known ? find_member(value, Value::string(code_.names[op.data]), known) : nullptr;
  if (known) return answer(member != nullptr && !member->is_unchanged());
  context_.no_overload("has()", {&value, 1});
  return Truth::kFailed;
}

bool Evaluator::select(const Instruction& op, Value& out) {
  Value operand_value;
  if (!eval(operand(op, 0), operand_value)) return false;
  const std::string& name = code_.names[op.data];
  const bool optional = is_optional(operand_value);
  if (optional) {
    const Value* content = optional_content(operand_value);
    if (content == nullptr) return out = operand_value, true;
    operand_value = Value(*content);
  }
  bool known = operand_value.type() != Type::kList;
  const Value* member = known ? find_member(operand_value, Value::string(name), known) : nullptr;
  if (!known)
    return context_.fail("no_such_field", operand_value.is_null() ? "null has no field" : "the value has no fields, wanted", name);
  if (optional) {
    out = member != nullptr ? make_optional(*context_.arena, *member) : no_optional(*context_.arena);
    return true;
  }
  if (member == nullptr) return context_.fail("no_such_field", "no such key", name);
  out = *member;
  return true;
}

bool Evaluator::optional_select(const Instruction& op, Value& out) {
  Value operand_value;
  if (!eval(operand(op, 0), operand_value)) return false;
  if (is_optional(operand_value)) {
    const Value* content = optional_content(operand_value);
    if (content == nullptr) return out = operand_value, true;
    operand_value = Value(*content);
  }
  bool known = operand_value.type() != Type::kList;
  const Value* member = known ? find_member(operand_value, Value::string(code_.names[op.data]), known) : nullptr;
  if (!known) return context_.fail("no_such_field", "the value has no fields, wanted", code_.names[op.data]);
  out = member != nullptr ? make_optional(*context_.arena, *member) : no_optional(*context_.arena);
  return true;
}

bool Evaluator::index(const Instruction& op, Value& out) {
  Value operand_value;
  Value key;
  if (!eval(operand(op, 0), operand_value) || !eval(operand(op, 1), key)) return false;
  const bool optional = is_optional(operand_value);
  if (optional) {
    const Value* content = optional_content(operand_value);
    if (content == nullptr) return out = operand_value, true;
    operand_value = Value(*content);
  }
  bool known = true;
  const Value* member = find_member(operand_value, key, known);
  if (optional && known) {
    out = member != nullptr ? make_optional(*context_.arena, *member) : no_optional(*context_.arena);
    return true;
  }
  if (member != nullptr) return out = *member, true;
  if (!known) {
    const std::array<Value, 2> values = {operand_value, key};
    return context_.no_overload("[]", values);
  }
  if (operand_value.type() == Type::kList) return context_.fail("invalid_argument", "the index is out of range of the list");
  return context_.fail("no_such_key", "no such key", key_text(context_, key));
}

bool Evaluator::optional_index(const Instruction& op, Value& out) {
  Value operand_value;
  Value key;
  if (!eval(operand(op, 0), operand_value) || !eval(operand(op, 1), key)) return false;
  if (is_optional(operand_value)) {
    const Value* content = optional_content(operand_value);
    if (content == nullptr) return out = operand_value, true;
    operand_value = Value(*content);
  }
  bool known = true;
  const Value* member = find_member(operand_value, key, known);
  if (!known) {
    const std::array<Value, 2> values = {operand_value, key};
    return context_.no_overload("[?]", values);
  }
  out = member != nullptr ? make_optional(*context_.arena, *member) : no_optional(*context_.arena);
  return true;
}

bool Evaluator::make_list(const Instruction& op, Value& out) {
  const std::span<Value> items = context_.arena->array<Value>(op.count);
  std::size_t count = 0;
  for (std::uint32_t i = 0; i < op.count; ++i) {
    Value item;
    if (!eval(operand(op, i), item)) return false;
    if (code_.optional_items[op.data + i]) {
      if (!is_optional(item)) return context_.no_overload("[?]", {&item, 1});
      const Value* content = optional_content(item);
      if (content == nullptr) continue;
      item = Value(*content);
    }
    items[count++] = item;
  }
  out = Value::list(items.first(count));
  return true;
}

bool Evaluator::make_map(const Instruction& op, Value& out) {
  const std::span<MapEntry> entries = context_.arena->array<MapEntry>(op.count / 2);
  std::size_t count = 0;
  for (std::uint32_t i = 0; i < op.count; i += 2) {
    MapEntry entry;
    if (!eval(operand(op, i), entry.key) || !eval(operand(op, i + 1), entry.value)) return false;
    if (!is_map_key(entry.key.type())) return context_.fail("unsupported_key_type", "keys of a map are bool, int, uint or string");
    if (code_.optional_items[op.data + i / 2]) {
      if (!is_optional(entry.value)) return context_.no_overload("{?}", {&entry.value, 1});
      const Value* content = optional_content(entry.value);
      if (content == nullptr) continue;
      entry.value = Value(*content);
    }
    if (find_key(Value::map(entries.first(count)), entry.key) != nullptr) {
      return context_.fail("duplicate_key", "a map has the same key twice", key_text(context_, entry.key));
    }
    entries[count++] = entry;
  }
  out = Value::map(entries.first(count));
  return true;
}

}  // namespace sluice::expr
