#include "expr/value_text.h"

#include <charconv>
#include <cmath>
#include <cstring>

#include "core/civil_time.h"
#include "expr/compare.h"

namespace sluice::expr {

namespace {

using Type = Value::Type;

std::string_view double_text(double value, std::span<char> buffer) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  char* const begin = buffer.data();
  return {begin, static_cast<std::size_t>(std::to_chars(begin, begin + buffer.size(), value).ptr - begin)};
}

template <typename Integer>
std::string_view integer_text(Integer value, std::span<char> buffer) {
  char* const begin = buffer.data();
  return {begin, static_cast<std::size_t>(std::to_chars(begin, begin + buffer.size(), value).ptr - begin)};
}

// 23:31:30.500000Z -> 23:31:30.5Z
std::string_view without_trailing_zeros(std::span<char> buffer, std::size_t size) {
  const std::string_view text(buffer.data(), size);
  const std::size_t point = text.find('.');
  if (point == std::string_view::npos) return text;
  std::size_t end = point + 1;
  while (end < size && text[end] >= '0' && text[end] <= '9') ++end;
  std::size_t kept = end;
  while (kept > point + 1 && text[kept - 1] == '0') --kept;
  if (kept == point + 1) kept = point;
  std::memmove(buffer.data() + kept, buffer.data() + end, size - end);
  return {buffer.data(), size - (end - kept)};
}

}  // namespace

std::optional<std::string_view> text_of(const Value& value, std::span<char> buffer) {
  switch (value.type()) {
    case Type::kBool: return value.as_bool() ? "true" : "false";
    case Type::kInt64: return integer_text(value.as_int64(), buffer);
    case Type::kUint64: return integer_text(value.as_uint64(), buffer);
    case Type::kFloat64: return double_text(value.as_float64(), buffer);
    case Type::kDecimal: return value.as_text();
    default: break;
  }
  if (is_string_like(value.type())) return value.as_text();
  if (!is_time_type(value.type())) return std::nullopt;
  const char* const end = write_time_value(buffer.data(), value);
  return without_trailing_zeros(buffer, static_cast<std::size_t>(end - buffer.data()));
}

}  // namespace sluice::expr
