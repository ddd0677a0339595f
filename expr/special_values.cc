#include "expr/special_values.h"

#include <array>
#include <limits>

#include "core/schema.h"

namespace sluice::expr {

namespace {

// Ids that no SchemaPool reaches.
const Schema& type_schema() {
  static const Schema schema(std::numeric_limits<std::uint64_t>::max(), SchemaSpec{{}, {}, "cel.type", {Field{"name"}}, {}});
  return schema;
}
const Schema& some_schema() {
  static const Schema schema(std::numeric_limits<std::uint64_t>::max() - 1, SchemaSpec{{}, {}, "cel.optional", {Field{"value"}}, {}});
  return schema;
}
const Schema& none_schema() {
  static const Schema schema(std::numeric_limits<std::uint64_t>::max() - 2, SchemaSpec{{}, {}, "cel.optional", {}, {}});
  return schema;
}

bool is_struct_of(const Value& value, const Schema& schema) {
  return value.type() == Value::Type::kStruct && &value.as_struct_schema() == &schema;
}

Value structure(Arena& arena, const Schema& schema, const Value& field) {
  const std::span<Value> fields = arena.array<Value>(1);
  fields[0] = field;
  return Value::structure_in(arena, &schema, fields);
}

}  // namespace

Value make_type(Arena& arena, std::string_view static_name) { return structure(arena, type_schema(), Value::string(static_name)); }
bool is_type(const Value& value) { return is_struct_of(value, type_schema()); }
std::string_view type_value_name(const Value& value) { return value.as_struct()[0].as_text(); }

Value make_optional(Arena& arena, const Value& content) { return structure(arena, some_schema(), content); }
Value no_optional(Arena& arena) { return Value::structure_in(arena, &none_schema(), {}); }
bool is_optional(const Value& value) { return is_struct_of(value, some_schema()) || is_struct_of(value, none_schema()); }
const Value* optional_content(const Value& value) { return is_struct_of(value, some_schema()) ? value.as_struct().data() : nullptr; }
bool is_plain_struct(const Value& value) { return value.type() == Value::Type::kStruct && !is_type(value) && !is_optional(value); }

std::string_view type_of(const Value& value) {
  switch (value.type()) {
    case Value::Type::kNull: return "null_type";
    case Value::Type::kBool: return "bool";
    case Value::Type::kInt64: return "int";
    case Value::Type::kUint64: return "uint";
    case Value::Type::kFloat64: return "double";
    case Value::Type::kDecimal: return "decimal";
    case Value::Type::kString: return "string";
    case Value::Type::kBytes: return "bytes";
    case Value::Type::kTimestamp: return "google.protobuf.Timestamp";
    case Value::Type::kDuration: return "google.protobuf.Duration";
    case Value::Type::kList: return "list";
    case Value::Type::kMap: return "map";
    case Value::Type::kStruct:
      if (is_type(value)) return "type";
      return is_optional(value) ? "optional_type" : "map";
    default: return type_name(value.type());
  }
}

}  // namespace sluice::expr
