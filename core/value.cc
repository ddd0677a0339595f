#include "core/value.h"

#include <algorithm>
#include <memory>

#include "core/schema.h"

namespace sluice {

namespace {

// Header of a struct in the arena; its values follow.
struct StructHeader {
  const Schema* schema;
};

bool identical_lists(std::span<const Value> a, std::span<const Value> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), identical);
}

bool identical_maps(std::span<const MapEntry> a, std::span<const MapEntry> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const MapEntry& x, const MapEntry& y) { return identical(x.key, y.key) && identical(x.value, y.value); });
}

}  // namespace

Value Value::interval_in(Arena& arena, const Interval& interval) {
  auto copy = arena.array<Interval>(1);
  copy[0] = interval;
  return pointing(Type::kInterval, copy.data(), 1);
}

Value Value::list(std::span<const Value> borrowed) { return pointing(Type::kList, borrowed.data(), borrowed.size()); }

Value Value::map(std::span<const MapEntry> borrowed) { return pointing(Type::kMap, borrowed.data(), borrowed.size()); }

Value Value::structure_in(Arena& arena, const Schema* schema, std::span<const Value> fields) {
  auto* memory = static_cast<std::byte*>(arena.allocate(sizeof(StructHeader) + fields.size_bytes(), alignof(Value)));
  ::new (static_cast<void*>(memory)) StructHeader{schema};
  if (!fields.empty()) std::memcpy(memory + sizeof(StructHeader), fields.data(), fields.size_bytes());
  return pointing(Type::kStruct, memory, fields.size());
}

const Schema& Value::as_struct_schema() const { return *pointer<StructHeader>()->schema; }

std::span<const Value> Value::as_struct() const {
  const auto* first = reinterpret_cast<const Value*>(pointer<std::byte>() + sizeof(StructHeader));
  return {first, extra()};
}

bool identical(const Value& a, const Value& b) {
  if (a.type() != b.type()) return false;
  switch (a.type()) {
    case Value::Type::kNull:
    case Value::Type::kUnchanged: return true;
    case Value::Type::kInterval: return a.as_interval() == b.as_interval();
    case Value::Type::kList: return identical_lists(a.as_list(), b.as_list());
    case Value::Type::kMap: return identical_maps(a.as_map(), b.as_map());
    case Value::Type::kStruct: return &a.as_struct_schema() == &b.as_struct_schema() && identical_lists(a.as_struct(), b.as_struct());
    default: break;
  }
  if (a.is_text()) return a.as_text() == b.as_text();
  return a.as_uint64() == b.as_uint64() && a.extra() == b.extra();
}

Value deep_copy(const Value& value, Arena& arena) {
  if (value.is_text()) return Value::text_in(arena, value.type(), value.as_text());
  if (value.type() == Value::Type::kInterval) return Value::interval_in(arena, value.as_interval());
  if (value.type() == Value::Type::kList) {
    const auto source = value.as_list();
    auto copy = arena.array<Value>(source.size());
    std::transform(source.begin(), source.end(), copy.begin(), [&](const Value& item) { return deep_copy(item, arena); });
    return Value::list(copy);
  }
  if (value.type() == Value::Type::kMap) {
    const auto source = value.as_map();
    auto copy = arena.array<MapEntry>(source.size());
    std::transform(source.begin(), source.end(), copy.begin(), [&](const MapEntry& entry) {
      return MapEntry{deep_copy(entry.key, arena), deep_copy(entry.value, arena)};
    });
    return Value::map(copy);
  }
  if (value.type() == Value::Type::kStruct) {
    const auto source = value.as_struct();
    auto copy = arena.array<Value>(source.size());
    std::transform(source.begin(), source.end(), copy.begin(), [&](const Value& item) { return deep_copy(item, arena); });
    return Value::structure_in(arena, &value.as_struct_schema(), copy);
  }
  return value;
}

std::string_view type_name(Value::Type type) {
  static constexpr std::array<std::string_view, 22> kNames = {
      "null", "bool",   "int64",     "uint64",          "float64",  "decimal",  "string", "bytes", "date",
      "time", "timetz", "timestamp", "local_timestamp", "duration", "interval", "bits",   "uuid",  "json",
      "list", "struct", "map",       "unchanged"};
  return kNames[static_cast<std::size_t>(type)];
}

}  // namespace sluice
