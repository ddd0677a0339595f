#include "expr/compare.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "core/civil_time.h"
#include "core/schema.h"
#include "expr/decimal.h"
#include "expr/special_values.h"

namespace sluice::expr {

namespace {

using Type = Value::Type;

constexpr double kTwo63 = 9223372036854775808.0;
constexpr double kTwo64 = 18446744073709551616.0;

// Exact, where a conversion of the integer would round.  But for one point: the greatest integer equals the double that it rounds
// to (2^63 or 2^64), because CEL's conformance suite asks for it (comparisons/gte_dyn_int_big_lossy_double).
template <typename Integer>
std::partial_ordering compare_with_double(Integer integer, double real, double low, double high) {
  if (std::isnan(real)) return std::partial_ordering::unordered;
  if (real < low) return std::partial_ordering::greater;
  if (real == high && integer == std::numeric_limits<Integer>::max()) return std::partial_ordering::equivalent;
  if (real >= high) return std::partial_ordering::less;
  const double whole = std::trunc(real);
  const auto truncated = static_cast<Integer>(whole);
  if (integer != truncated) return integer <=> truncated;
  return 0.0 <=> real - whole;
}

std::partial_ordering compare_as_decimals(const Value& a, const Value& b) {
  std::array<char, kDecimalBuffer> left{};
  std::array<char, kDecimalBuffer> right{};
  return compare_decimals(*decimal_text(a, left), *decimal_text(b, right));
}

std::partial_ordering reversed(std::partial_ordering order) {
  if (order == std::partial_ordering::less) return std::partial_ordering::greater;
  if (order == std::partial_ordering::greater) return std::partial_ordering::less;
  return order;
}

std::partial_ordering compare_int(std::int64_t a, const Value& b) {
  switch (b.type()) {
    case Type::kInt64: return a <=> b.as_int64();
    case Type::kUint64: return a < 0 ? std::partial_ordering::less : static_cast<std::uint64_t>(a) <=> b.as_uint64();
    default: return compare_with_double(a, b.as_float64(), -kTwo63, kTwo63);
  }
}

std::partial_ordering compare_uint(std::uint64_t a, const Value& b) {
  switch (b.type()) {
    case Type::kInt64: return b.as_int64() < 0 ? std::partial_ordering::greater : a <=> static_cast<std::uint64_t>(b.as_int64());
    case Type::kUint64: return a <=> b.as_uint64();
    default: return compare_with_double(a, b.as_float64(), 0.0, kTwo64);
  }
}

bool equal_lists(std::span<const Value> a, std::span<const Value> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Value& x, const Value& y) { return equal(x, y); });
}

bool contains_all(std::span<const MapEntry> entries, const Value& map) {
  return std::all_of(entries.begin(), entries.end(), [&](const MapEntry& entry) {
    const Value* other = find_key(map, entry.key);
    return other != nullptr && equal(entry.value, *other);
  });
}

std::size_t present_fields(const Value& structure) {
  const auto fields = structure.as_struct();
  return static_cast<std::size_t>(std::count_if(fields.begin(), fields.end(), [](const Value& field) { return !field.is_unchanged(); }));
}

bool equal_struct(const Value& structure, const Value& other) {
  const Schema& schema = structure.as_struct_schema();
  const auto fields = structure.as_struct();
  const std::size_t other_size = other.type() == Type::kMap ? other.as_map().size() : present_fields(other);
  if (present_fields(structure) != other_size) return false;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].is_unchanged()) continue;
    const Value* value = find_key(other, Value::string(schema.fields()[i].name));
    if (value == nullptr || !equal(fields[i], *value)) return false;
  }
  return true;
}

bool equal_structs(const Value& a, const Value& b) {
  if (is_type(a) || is_type(b)) return is_type(a) && is_type(b) && type_value_name(a) == type_value_name(b);
  if (is_optional(a) || is_optional(b)) {
    if (!is_optional(a) || !is_optional(b)) return false;
    const Value* left = optional_content(a);
    const Value* right = optional_content(b);
    return left == nullptr || right == nullptr ? left == right : equal(*left, *right);
  }
  return equal_struct(a, b);
}

bool equal_map_likes(const Value& a, const Value& b) {
  if (a.type() == Type::kMap && b.type() == Type::kMap) return a.as_map().size() == b.as_map().size() && contains_all(a.as_map(), b);
  if (a.type() == Type::kStruct && b.type() == Type::kStruct) return equal_structs(a, b);
  const Value& structure = a.type() == Type::kStruct ? a : b;
  return is_plain_struct(structure) && equal_struct(structure, a.type() == Type::kStruct ? b : a);
}

bool is_map_like(Type type) { return type == Type::kMap || type == Type::kStruct; }

}  // namespace

bool is_number(Type type) { return type >= Type::kInt64 && type <= Type::kDecimal; }
bool is_string_like(Type type) { return type == Type::kString || (type >= Type::kBits && type <= Type::kJson); }

std::partial_ordering compare_numbers(const Value& a, const Value& b) {
  if (a.type() == Type::kDecimal || b.type() == Type::kDecimal) return compare_as_decimals(a, b);
  if (a.type() == Type::kInt64) return compare_int(a.as_int64(), b);
  if (a.type() == Type::kUint64) return compare_uint(a.as_uint64(), b);
  if (b.type() == Type::kFloat64) return a.as_float64() <=> b.as_float64();
  return reversed(b.type() == Type::kInt64 ? compare_int(b.as_int64(), a) : compare_uint(b.as_uint64(), a));
}

bool equal(const Value& a, const Value& b) {
  if (is_number(a.type()) && is_number(b.type())) return compare_numbers(a, b) == std::partial_ordering::equivalent;
  if (is_string_like(a.type()) && is_string_like(b.type())) return a.as_text() == b.as_text();
  if (is_map_like(a.type()) && is_map_like(b.type())) return equal_map_likes(a, b);
  if (a.type() != b.type()) return false;
  if (a.type() == Type::kList) return equal_lists(a.as_list(), b.as_list());
  return identical(a, b);
}

std::optional<std::partial_ordering> order(const Value& a, const Value& b) {
  if (is_number(a.type()) && is_number(b.type())) return compare_numbers(a, b);
  if (is_string_like(a.type()) && is_string_like(b.type())) return a.as_text() <=> b.as_text();
  if (a.type() != b.type()) return std::nullopt;
  switch (a.type()) {
    case Type::kBool: return a.as_bool() <=> b.as_bool();
    case Type::kBytes: return a.as_text() <=> b.as_text();
    case Type::kTimestamp:
    case Type::kLocalTimestamp:
      if (a.as_int64() == b.as_int64()) return a.extra() <=> b.extra();
      return a.as_int64() <=> b.as_int64();
    case Type::kDate:
    case Type::kTime:
    case Type::kDuration: return a.as_int64() <=> b.as_int64();
    default: return std::nullopt;
  }
}

const Value* find_key(const Value& map, const Value& key) {
  if (map.type() == Type::kMap) {
    for (const MapEntry& entry : map.as_map()) {
      if (equal(entry.key, key)) return &entry.value;
    }
    return nullptr;
  }
  if (!is_plain_struct(map) || !is_string_like(key.type())) return nullptr;
  const std::uint32_t slot = map.as_struct_schema().find(key.as_text());
  if (slot == Schema::kAbsent || map.as_struct()[slot].is_unchanged()) return nullptr;
  return &map.as_struct()[slot];
}

}  // namespace sluice::expr
