// int() uint() double() string() bytes() bool() timestamp() duration() dyn() type(), and decimal() and date() of sluice's own.
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <string>

#include "core/civil_time.h"
#include "expr/arithmetic.h"
#include "expr/compare.h"
#include "expr/decimal.h"
#include "expr/functions.h"
#include "expr/special_values.h"
#include "expr/text.h"
#include "expr/value_text.h"

namespace sluice::expr {

namespace {

using Type = Value::Type;
using Arguments = std::span<const Value>;

constexpr std::int64_t kMicrosPerSecond = 1'000'000;
constexpr std::int64_t kSecondsPerDay = 86'400;

bool out_of_range(Context& context, std::string_view to) { return context.fail("out_of_range", "the value is out of the range of", to); }
bool bad_text(Context& context, std::string_view message, std::string_view text) {
  return context.fail("bad_conversion", message, context.arena->copy(text));
}

template <typename Integer>
bool parse_integer(std::string_view text, Integer& out) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), out);
  return problem == std::errc() && end == text.data() + text.size() && !text.empty();
}

std::int64_t floor_divide(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

bool to_int(Context& context, Arguments arguments, Value& out) {
  const Value& value = arguments[0];
  std::int64_t result = 0;
  switch (value.type()) {
    case Type::kInt64: out = value; return true;
    case Type::kUint64:
      if (value.as_uint64() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return out_of_range(context, "int");
      result = static_cast<std::int64_t>(value.as_uint64());
      break;
    case Type::kFloat64:  // the ends themselves are refused, as the specification asks: they may stand for numbers beyond
      if (!(value.as_float64() > -9223372036854775808.0 && value.as_float64() < 9223372036854775808.0)) return out_of_range(context, "int");
      result = static_cast<std::int64_t>(value.as_float64());
      break;
    case Type::kDecimal: {
      const auto whole = decimal_to_int64(value.as_text());
      if (!whole) return out_of_range(context, "int");
      result = *whole;
      break;
    }
    case Type::kTimestamp: result = floor_divide(value.as_int64(), kMicrosPerSecond); break;
    default:
      if (!is_string_like(value.type())) return context.no_overload("int", arguments);
      if (!parse_integer(value.as_text(), result)) return bad_text(context, "this text is no int:", value.as_text());
  }
  out = Value::int64(result);
  return true;
}

bool to_uint(Context& context, Arguments arguments, Value& out) {
  const Value& value = arguments[0];
  std::uint64_t result = 0;
  switch (value.type()) {
    case Type::kUint64: out = value; return true;
    case Type::kInt64:
      if (value.as_int64() < 0) return out_of_range(context, "uint");
      result = static_cast<std::uint64_t>(value.as_int64());
      break;
    case Type::kFloat64:
      if (!(value.as_float64() > -1.0 && value.as_float64() < 18446744073709551616.0) || value.as_float64() < 0)
        return out_of_range(context, "uint");
      result = static_cast<std::uint64_t>(value.as_float64());
      break;
    case Type::kDecimal: {
      const auto whole = decimal_to_uint64(value.as_text());
      if (!whole) return out_of_range(context, "uint");
      result = *whole;
      break;
    }
    default:
      if (!is_string_like(value.type())) return context.no_overload("uint", arguments);
      if (!parse_integer(value.as_text(), result)) return bad_text(context, "this text is no uint:", value.as_text());
  }
  out = Value::uint64(result);
  return true;
}

bool parse_double(std::string_view text, double& out) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (end != text.data() + text.size() || text.empty()) return false;
  if (problem == std::errc::result_out_of_range) out = std::strtod(std::string(text).c_str(), nullptr);
  return problem != std::errc::invalid_argument;
}

bool to_double(Context& context, Arguments arguments, Value& out) {
  const Value& value = arguments[0];
  double result = 0;
  switch (value.type()) {
    case Type::kFloat64: result = value.as_float64(); break;
    case Type::kInt64: result = static_cast<double>(value.as_int64()); break;
    case Type::kUint64: result = static_cast<double>(value.as_uint64()); break;
    case Type::kDecimal: result = decimal_to_double(value.as_text()); break;
    default:
      if (!is_string_like(value.type())) return context.no_overload("double", arguments);
      if (!parse_double(value.as_text(), result)) return bad_text(context, "this text is no double:", value.as_text());
  }
  out = Value::float64(result);
  return true;
}

bool to_string(Context& context, Arguments arguments, Value& out) {
  const Value& value = arguments[0];
  if (value.type() == Type::kBytes) {
    if (!is_valid_utf8(value.as_text())) return context.fail("invalid_utf8", "the bytes are not valid UTF-8");
    out = Value::string_in(*context.arena, value.as_text());
    return true;
  }
  std::array<char, kValueTextBuffer> buffer{};
  const auto text = text_of(value, buffer);
  if (!text) return context.no_overload("string", arguments);
  out = Value::string_in(*context.arena, *text);
  return true;
}

bool to_bytes(Context& context, Arguments arguments, Value& out) {
  const Value& value = arguments[0];
  if (value.type() != Type::kBytes && !is_string_like(value.type())) return context.no_overload("bytes", arguments);
  out = Value::text_in(*context.arena, Type::kBytes, value.as_text());
  return true;
}

bool to_bool(Context& context, Arguments arguments, Value& out) {
  const Value& value = arguments[0];
  out = value;
  if (value.type() == Type::kBool) return true;
  if (!is_string_like(value.type())) return context.no_overload("bool", arguments);
  const std::string_view text = value.as_text();
  for (const std::string_view yes : {"1", "t", "true", "TRUE", "True"}) {
    if (text == yes) return out = Value::boolean(true), true;
  }
  for (const std::string_view no : {"0", "f", "false", "FALSE", "False"}) {
    if (text == no) return out = Value::boolean(false), true;
  }
  return bad_text(context, "this text is no bool:", text);
}

bool to_timestamp(Context& context, Arguments arguments, Value& out) {
  const Value& value = arguments[0];
  switch (value.type()) {
    case Type::kTimestamp: out = value; return true;
    case Type::kLocalTimestamp: out = Value::timestamp(value.as_int64(), value.extra()); return true;  // read as UTC
    case Type::kInt64:
    case Type::kDate: {
      std::int64_t micros = 0;
      const std::int64_t unit = value.type() == Type::kDate ? kSecondsPerDay * kMicrosPerSecond : kMicrosPerSecond;
      if (__builtin_mul_overflow(value.as_int64(), unit, &micros)) return out_of_range(context, "timestamp");
      out = Value::timestamp(micros);
      break;
    }
    default: {
      if (!is_string_like(value.type())) return context.no_overload("timestamp", arguments);
      const auto parsed = parse_timestamp(value.as_text());
      if (!parsed) return bad_text(context, "this text is no RFC 3339 timestamp:", value.as_text());
      out = *parsed;
    }
  }
  return is_timestamp_in_range(out) || out_of_range(context, "timestamp");
}

bool to_duration(Context& context, Arguments arguments, Value& out) {
  const Value& value = arguments[0];
  if (value.type() == Type::kDuration) return out = value, true;
  if (!is_string_like(value.type())) return context.no_overload("duration", arguments);
  const auto parsed = parse_duration(value.as_text());
  if (!parsed) return bad_text(context, "this text is no duration, or out of range:", value.as_text());
  out = Value::duration(*parsed);
  return true;
}

bool to_decimal(Context& context, Arguments arguments, Value& out) {
  const Value& value = arguments[0];
  std::array<char, kDecimalBuffer> buffer{};
  if (const auto text = decimal_text(value, buffer)) {
    out = Value::text_in(*context.arena, Type::kDecimal, *text);
    return true;
  }
  if (!is_string_like(value.type())) return context.no_overload("decimal", arguments);
  const auto text = canonical_decimal(value.as_text());
  if (!text) return bad_text(context, "this text is no decimal:", value.as_text());
  out = Value::text_in(*context.arena, Type::kDecimal, *text);
  return true;
}

bool to_date(Context& context, Arguments arguments, Value& out) {
  const Value& value = arguments[0];
  switch (value.type()) {
    case Type::kDate: out = value; return true;
    case Type::kTimestamp:
    case Type::kLocalTimestamp: out = Value::date(floor_divide(value.as_int64(), kSecondsPerDay * kMicrosPerSecond)); return true;
    default: break;
  }
  if (!is_string_like(value.type())) return context.no_overload("date", arguments);
  const auto days = parse_date(value.as_text());
  if (!days) return bad_text(context, "this text is no date:", value.as_text());
  out = Value::date(*days);
  return true;
}

bool dyn(Context&, Arguments arguments, Value& out) {
  out = arguments[0];
  return true;
}

bool type(Context& context, Arguments arguments, Value& out) {
  out = make_type(*context.arena, type_of(arguments[0]));
  return true;
}

constexpr std::array<Function, 12> kFunctions = {{
    {"int", CallStyle::kGlobal, "i:i u:i d:i e:i s:i t:i", to_int},
    {"uint", CallStyle::kGlobal, "u:u i:u d:u e:u s:u", to_uint},
    {"double", CallStyle::kGlobal, "d:d i:d u:d e:d s:d", to_double},
    {"string", CallStyle::kGlobal, "s:s b:s i:s u:s d:s e:s y:s t:s D:s a:s", to_string},
    {"bytes", CallStyle::kGlobal, "y:y s:y", to_bytes},
    {"bool", CallStyle::kGlobal, "b:b s:b", to_bool},
    {"timestamp", CallStyle::kGlobal, "t:t i:t s:t a:t", to_timestamp},
    {"duration", CallStyle::kGlobal, "D:D s:D", to_duration},
    {"decimal", CallStyle::kGlobal, "e:e i:e u:e d:e s:e", to_decimal},
    {"date", CallStyle::kGlobal, "a:a t:a s:a", to_date},
    {"dyn", CallStyle::kGlobal, "*:*", dyn},
    {"type", CallStyle::kGlobal, "*:T", type},
}};

}  // namespace

std::span<const Function> conversion_functions() { return kFunctions; }

}  // namespace sluice::expr
