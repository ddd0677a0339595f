#include "transforms/cast_value.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "core/civil_time.h"
#include "transforms/numeric_text.h"

namespace sluice::transforms {

namespace {

using Kind = CastTarget::Kind;
using Type = Value::Type;

constexpr std::array kNames = {
    std::pair{std::string_view("int"), Kind::kInt},       std::pair{std::string_view("double"), Kind::kDouble},
    std::pair{std::string_view("string"), Kind::kString}, std::pair{std::string_view("bool"), Kind::kBool},
    std::pair{std::string_view("date"), Kind::kDate},     std::pair{std::string_view("timestamp"), Kind::kTimestamp}};

constexpr std::uint32_t kMaxPrecision = 1000;  // PostgreSQL's limit for declared precisions
constexpr std::int64_t kMicrosecondsPerDay = 86'400'000'000;
constexpr std::size_t kShownBytes = 100;  // of a refused value in the message
constexpr std::size_t kNumberBytes = 32;  // the longest shortest double is 24

// Text of a number of type int64, uint64 or float64 at `out`; the end.  The shortest that reads back as the same number; NaN, Infinity
// and -Infinity as PostgreSQL writes them.
char* write_number(char* out, const Value& value) {
  char* const end = out + kNumberBytes;
  if (value.type() == Type::kFloat64 && !std::isfinite(value.as_float64())) {
    const std::string_view text = std::isnan(value.as_float64()) ? "NaN" : value.as_float64() > 0 ? "Infinity" : "-Infinity";
    return std::copy(text.begin(), text.end(), out);
  }
  switch (value.type()) {
    case Type::kInt64: return std::to_chars(out, end, value.as_int64()).ptr;
    case Type::kUint64: return std::to_chars(out, end, value.as_uint64()).ptr;
    default: return std::to_chars(out, end, value.as_float64()).ptr;
  }
}

bool is_number(Type type) { return type == Type::kInt64 || type == Type::kUint64 || type == Type::kFloat64; }

std::string shown(const Value& value) {
  if (value.is_text() && value.type() != Type::kBytes) {
    const std::string_view text = value.as_text();
    std::size_t length = std::min(text.size(), kShownBytes);
    while (length < text.size() && length > 0 && (static_cast<unsigned char>(text[length]) & 0xc0U) == 0x80U) --length;  // whole characters
    return '"' + std::string(text.substr(0, length)) + (length < text.size() ? "...\"" : "\"");
  }
  char buffer[kTimeTextBytes];
  if (is_number(value.type())) return {buffer, write_number(buffer, value)};
  if (is_time_type(value.type())) return {buffer, write_time_value(buffer, value)};
  if (value.type() == Type::kBool) return value.as_bool() ? "true" : "false";
  return "a value of type " + std::string(type_name(value.type()));
}

Error refuse(const Value& value, const CastTarget& target, std::string_view why) {
  return {ErrorKind::kBadRecord, "cast_failed", "cast to " + target.name() + ": " + shown(value) + " " + std::string(why)};
}

Error refuse_type(const Value& value, const CastTarget& target) {
  return refuse(value, target, "is of type " + std::string(type_name(value.type())) + ", which cannot become " + target.name());
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\f\v";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

bool equal_ignoring_case(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + ('a' - 'A')) : a) == b; });
}

bool valid_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
    const unsigned char lead = byte(0);
    const std::size_t length = lead < 0x80                   ? 1
                               : lead >= 0xc2 && lead < 0xe0 ? 2
                               : lead >= 0xe0 && lead < 0xf0 ? 3
                               : lead >= 0xf0 && lead < 0xf5 ? 4
                                                             : 0;
    if (length == 0 || at + length > text.size()) return false;
    for (std::size_t i = 1; i < length; ++i) {
      if ((byte(i) & 0xc0U) != 0x80U) return false;
    }
    if ((lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xed && byte(1) >= 0xa0) || (lead == 0xf0 && byte(1) < 0x90) ||
        (lead == 0xf4 && byte(1) >= 0x90))
      return false;
    at += length;
  }
  return true;
}

Result<Value> to_int(const Value& value, const CastTarget& target) {
  constexpr double kTwoTo63 = 9223372036854775808.0;
  switch (value.type()) {
    case Type::kInt64: return value;
    case Type::kBool: return Value::int64(value.as_bool() ? 1 : 0);
    case Type::kUint64:
      if (!std::in_range<std::int64_t>(value.as_uint64())) return refuse(value, target, "is out of range");
      return Value::int64(static_cast<std::int64_t>(value.as_uint64()));
    case Type::kFloat64: {
      const double number = value.as_float64();
      if (!std::isfinite(number)) return refuse(value, target, "is no integer");
      if (std::trunc(number) != number) return refuse(value, target, "has a fraction");
      if (number < -kTwoTo63 || number >= kTwoTo63) return refuse(value, target, "is out of range");
      return Value::int64(static_cast<std::int64_t>(number));
    }
    case Type::kDecimal: {
      const auto number = NumericText::parse(value.as_text());
      if (!number) return refuse(value, target, "is no integer");
      if (number->has_fraction()) return refuse(value, target, "has a fraction");
      const auto integer = number->as_int64();
      return integer ? Result<Value>(Value::int64(*integer)) : refuse(value, target, "is out of range");
    }
    case Type::kString: {
      std::string_view text = trimmed(value.as_text());
      if (text.size() > 1 && text.front() == '+' && text[1] != '-') text.remove_prefix(1);
      std::int64_t integer = 0;
      const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), integer);
      if (text.empty() || problem == std::errc::invalid_argument || end != text.data() + text.size())
        return refuse(value, target, "is no integer");
      if (problem == std::errc::result_out_of_range) return refuse(value, target, "is out of range");
      return Value::int64(integer);
    }
    default: return refuse_type(value, target);
  }
}

std::optional<double> special_double(std::string_view text) {
  if (equal_ignoring_case(text, "nan")) return std::numeric_limits<double>::quiet_NaN();
  if (equal_ignoring_case(text, "infinity") || equal_ignoring_case(text, "+infinity")) return std::numeric_limits<double>::infinity();
  if (equal_ignoring_case(text, "-infinity")) return -std::numeric_limits<double>::infinity();
  return std::nullopt;
}

Result<Value> to_double(const Value& value, const CastTarget& target) {
  switch (value.type()) {
    case Type::kFloat64: return value;
    case Type::kInt64: return Value::float64(static_cast<double>(value.as_int64()));
    case Type::kUint64: return Value::float64(static_cast<double>(value.as_uint64()));
    case Type::kDecimal:
    case Type::kString: break;
    default: return refuse_type(value, target);
  }
  std::string_view text = trimmed(value.as_text());
  if (const auto special = special_double(text)) return Value::float64(*special);
  if (!NumericText::parse(text)) return refuse(value, target, "is no number");
  if (text.front() == '+') text.remove_prefix(1);
  double number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc() || end != text.data() + text.size()) return refuse(value, target, "is out of range");
  return Value::float64(number);
}

Result<Value> to_decimal(const Value& value, const CastTarget& target, Arena& arena) {
  char buffer[kNumberBytes];
  std::string_view text;
  if (is_number(value.type())) {
    text = {buffer, static_cast<std::size_t>(write_number(buffer, value) - buffer)};
  } else if (value.type() == Type::kDecimal || value.type() == Type::kString) {
    text = trimmed(value.as_text());
  } else {
    return refuse_type(value, target);
  }
  if (value.type() == Type::kDecimal && text == "NaN") return value;
  const auto number = NumericText::parse(text);
  if (!number) return refuse(value, target, "is no number that a decimal can hold");
  const auto rounded = number->rounded(target.precision, target.scale, arena);
  if (!rounded) return refuse(value, target, "has too many digits before the point");
  return Value::decimal(*rounded);
}

Result<Value> to_string(const Value& value, const CastTarget& target, Arena& arena) {
  switch (value.type()) {
    case Type::kString: return value;
    case Type::kBool: return Value::string(value.as_bool() ? "true" : "false");
    case Type::kBytes:
      if (!valid_utf8(value.as_text())) return refuse(value, target, "is no UTF-8 text");
      [[fallthrough]];
    case Type::kDecimal:
    case Type::kBits:
    case Type::kUuid:
    case Type::kJson: return Value::string(value.as_text());
    case Type::kList:
    case Type::kStruct:
    case Type::kMap: return refuse_type(value, target);
    default: break;
  }
  char buffer[kTimeTextBytes];
  const char* end = is_number(value.type()) ? write_number(buffer, value) : write_time_value(buffer, value);
  return Value::string_in(arena, {buffer, static_cast<std::size_t>(end - buffer)});
}

Result<Value> to_bool(const Value& value, const CastTarget& target) {
  constexpr std::array<std::string_view, 6> kTrue = {"true", "t", "yes", "y", "on", "1"};
  constexpr std::array<std::string_view, 6> kFalse = {"false", "f", "no", "n", "off", "0"};
  switch (value.type()) {
    case Type::kBool: return value;
    case Type::kInt64:
    case Type::kUint64:
      if (value.as_uint64() > 1) return refuse(value, target, "is neither 0 nor 1");
      return Value::boolean(value.as_uint64() == 1);
    case Type::kString: {
      const std::string_view text = trimmed(value.as_text());
      const auto is_text = [text](std::string_view word) { return equal_ignoring_case(text, word); };
      if (std::any_of(kTrue.begin(), kTrue.end(), is_text)) return Value::boolean(true);
      if (std::any_of(kFalse.begin(), kFalse.end(), is_text)) return Value::boolean(false);
      return refuse(value, target, "is none of true, false, yes, no, on, off, 1, 0");
    }
    default: return refuse_type(value, target);
  }
}

bool is_infinite(std::int64_t time) { return time == Value::kInfinity || time == Value::kMinusInfinity; }

std::int64_t day_of(std::int64_t microseconds) {
  if (is_infinite(microseconds)) return microseconds;
  return microseconds / kMicrosecondsPerDay - (microseconds % kMicrosecondsPerDay < 0 ? 1 : 0);
}

// A timestamp of any accepted text.
std::optional<Value> timestamp_of(std::string_view text) {
  if (const auto stamp = parse_timestamp(text)) return stamp;
  if (const auto local = parse_local_timestamp(text)) return Value::timestamp(*local);
  if (const auto day = parse_date(text)) {
    std::int64_t midnight = *day;
    if (!is_infinite(midnight) && __builtin_mul_overflow(midnight, kMicrosecondsPerDay, &midnight)) return std::nullopt;
    return Value::timestamp(midnight);
  }
  return std::nullopt;
}

Result<Value> to_date(const Value& value, const CastTarget& target) {
  switch (value.type()) {
    case Type::kDate: return value;
    case Type::kTimestamp:
    case Type::kLocalTimestamp: return Value::date(day_of(value.as_int64()));
    case Type::kString: {
      const std::string_view text = trimmed(value.as_text());
      if (const auto day = parse_date(text)) return Value::date(*day);
      if (const auto stamp = timestamp_of(text)) return Value::date(day_of(stamp->as_int64()));
      return refuse(value, target, "is no date such as 2026-01-31");
    }
    default: return refuse_type(value, target);
  }
}

Result<Value> to_timestamp(const Value& value, const CastTarget& target) {
  switch (value.type()) {
    case Type::kTimestamp: return value;
    case Type::kLocalTimestamp: return Value::timestamp(value.as_int64(), value.extra());
    case Type::kDate: {
      std::int64_t midnight = value.as_int64();
      if (!is_infinite(midnight) && __builtin_mul_overflow(midnight, kMicrosecondsPerDay, &midnight))
        return refuse(value, target, "is out of range");
      return Value::timestamp(midnight);
    }
    case Type::kString: {
      const auto stamp = timestamp_of(trimmed(value.as_text()));
      return stamp ? Result<Value>(*stamp) : refuse(value, target, "is no time such as 2026-01-31T13:59:01Z");
    }
    default: return refuse_type(value, target);
  }
}

// "(10,2)", spaces allowed.
std::optional<CastTarget> parse_decimal_target(std::string_view arguments) {
  if (!arguments.starts_with('(') || !arguments.ends_with(')')) return std::nullopt;
  arguments = arguments.substr(1, arguments.size() - 2);
  const std::size_t comma = arguments.find(',');
  if (comma == std::string_view::npos) return std::nullopt;
  CastTarget target{Kind::kDecimal};
  const auto number = [](std::string_view text, std::uint32_t& out) {
    text = trimmed(text);
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), out);
    return problem == std::errc() && end == text.data() + text.size() && !text.empty();
  };
  if (!number(arguments.substr(0, comma), target.precision) || !number(arguments.substr(comma + 1), target.scale)) return std::nullopt;
  if (target.precision < 1 || target.precision > kMaxPrecision || target.scale > target.precision) return std::nullopt;
  return target;
}

}  // namespace

Value::Type CastTarget::type() const {
  switch (kind) {
    case Kind::kInt: return Type::kInt64;
    case Kind::kDouble: return Type::kFloat64;
    case Kind::kDecimal: return Type::kDecimal;
    case Kind::kString: return Type::kString;
    case Kind::kBool: return Type::kBool;
    case Kind::kDate: return Type::kDate;
    case Kind::kTimestamp: return Type::kTimestamp;
  }
  return Type::kString;
}

std::string CastTarget::name() const {
  if (kind == Kind::kDecimal) return "decimal(" + std::to_string(precision) + "," + std::to_string(scale) + ")";
  for (const auto& [name, candidate] : kNames) {
    if (candidate == kind) return std::string(name);
  }
  return {};
}

std::optional<CastTarget> parse_cast_target(std::string_view text) {
  constexpr std::string_view kDecimal = "decimal";
  text = trimmed(text);
  for (const auto& [name, kind] : kNames) {
    if (text == name) return CastTarget{kind};
  }
  if (text.starts_with(kDecimal)) return parse_decimal_target(trimmed(text.substr(kDecimal.size())));
  return std::nullopt;
}

Result<Value> cast_value(const Value& value, const CastTarget& target, Arena& arena) {
  if (value.is_null()) return value;
  switch (target.kind) {
    case Kind::kInt: return to_int(value, target);
    case Kind::kDouble: return to_double(value, target);
    case Kind::kDecimal: return to_decimal(value, target, arena);
    case Kind::kString: return to_string(value, target, arena);
    case Kind::kBool: return to_bool(value, target);
    case Kind::kDate: return to_date(value, target);
    case Kind::kTimestamp: return to_timestamp(value, target);
  }
  return value;
}

}  // namespace sluice::transforms

namespace {

// The name of a type elsewhere, or a slip in one of ours; empty: neither.
std::string meant_type(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 16> kElsewhere = {{{"integer", "int"},
                                                                                                {"long", "int"},
                                                                                                {"bigint", "int"},
                                                                                                {"int64", "int"},
                                                                                                {"float", "double"},
                                                                                                {"float64", "double"},
                                                                                                {"real", "double"},
                                                                                                {"text", "string"},
                                                                                                {"varchar", "string"},
                                                                                                {"str", "string"},
                                                                                                {"boolean", "bool"},
                                                                                                {"datetime", "timestamp"},
                                                                                                {"timestamptz", "timestamp"},
                                                                                                {"time", "timestamp"},
                                                                                                {"number", "double"},
                                                                                                {"char", "string"}}};
  for (const auto& [theirs, ours] : kElsewhere) {
    if (text == theirs) return std::string(ours);
  }
  return sluice::nearest(text, {"int", "double", "string", "bool", "date", "timestamp"});
}

}  // namespace

bool sluice::ConfigType<sluice::transforms::CastTarget>::bind(const ConfigNode& node, transforms::CastTarget& out, BindContext& context) {
  const auto text = expand_text(node, context);
  if (!text) return false;
  const auto target = transforms::parse_cast_target(*text);
  if (!target) {
    Diagnostic finding{Diagnostic::Severity::kError, node.place, node.path, "bad_value", "\"" + *text + "\" is no type to cast to", {}, {}};
    finding.suggestion = meant_type(*text);
    finding.hint = "int, double, decimal(p,s) with 1 <= p <= 1000 and s <= p, string, bool, date or timestamp";
    context.findings.add(std::move(finding));
    return false;
  }
  out = *target;
  return true;
}
