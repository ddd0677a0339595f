#include "formats/debezium/default_value.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/arena.h"
#include "core/civil_time.h"

namespace sluice::debezium {

namespace {

bool is_name_part(char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '.'; }

// "now()", "(lower('A'::text))": a name, an opening bracket and somewhere a closing one.
bool is_function(std::string_view text) {
  std::size_t at = text.starts_with('(') ? 1 : 0;
  const std::size_t name = at;
  while (at < text.size() && is_name_part(text[at])) ++at;
  if (at == name || at >= text.size() || text[at] != '(') return false;
  return text.substr(0, std::min(text.find('\n', at), text.size())).find(')', at) != std::string_view::npos;
}

bool is_current_time(std::string_view text) {
  static constexpr std::array<std::string_view, 5> kNames = {"current_timestamp", "current_time", "current_date", "localtime",
                                                             "localtimestamp"};
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return std::find(kNames.begin(), kNames.end(), lower) != kNames.end();
}

// The text of the literal; `generated` for a function; nullopt for a null.
std::optional<std::string_view> literal(std::string_view text, std::string_view generated) {
  if (is_function(text) || is_current_time(text)) return generated;
  const std::size_t open = text.find('\'');
  if (open == std::string_view::npos) return text.starts_with("NULL::") ? std::nullopt : std::optional(text);
  const std::size_t close = text.find('\'', open + 1);  // a doubled quote ends it: 'it''s' is "it"
  if (close == std::string_view::npos) return std::nullopt;
  return text.substr(open + 1, close - open - 1);
}

std::optional<Value> number(std::string_view text) {
  std::int64_t result = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), result);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(Value::int64(result)) : std::nullopt;
}

std::optional<Value> floating(std::string_view text) {
  double result = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), result);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(Value::float64(result)) : std::nullopt;
}

// "2020-02-03 04:05:06.789" or with +02, +02:30; a date alone is its midnight.
std::optional<Value> timestamp(std::string_view text, bool zoned) {
  if (text == "infinity" || text == "-infinity") {
    const std::int64_t infinite = text[0] == '-' ? Value::kMinusInfinity : Value::kInfinity;
    return zoned ? Value::timestamp(infinite) : Value::local_timestamp(infinite);
  }
  std::string full(text);
  if (full.find(':') == std::string::npos) full += " 00:00:00";
  const std::size_t sign = full.find_first_of("+-", full.find(' ') == std::string::npos ? full.size() : full.find(' '));
  if (sign == std::string::npos) full += "+00:00";
  if (sign != std::string::npos && full.size() - sign == 3) full += ":00";
  const std::optional<Value> moment = parse_timestamp(full);
  if (!moment) return std::nullopt;
  return zoned ? moment : Value::local_timestamp(moment->as_int64());
}

std::optional<Value> date(std::string_view text) {
  if (const auto days = parse_date(text.substr(0, text.find(' ')))) return Value::date(*days);
  return std::nullopt;
}

// ISO 8601 as PostgreSQL writes it with intervalstyle iso_8601: P1Y2M3DT4H5M6.7S
std::optional<Interval> interval(std::string_view text) {
  if (!text.starts_with('P')) return std::nullopt;
  Interval result;
  bool in_time = false;
  for (std::size_t at = 1; at < text.size();) {
    if (text[at] == 'T') {
      in_time = true;
      ++at;
      continue;
    }
    double amount = 0;
    const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), amount);
    at = static_cast<std::size_t>(end - text.data());
    if (error != std::errc() || at >= text.size()) return std::nullopt;
    const char unit = text[at++];
    if (unit == 'Y') result.months += static_cast<std::int32_t>(amount) * 12;
    if (unit == 'M' && !in_time) result.months += static_cast<std::int32_t>(amount);
    if (unit == 'D') result.days += static_cast<std::int32_t>(amount);
    const double seconds = unit == 'H' ? 3600 : unit == 'M' && in_time ? 60 : unit == 'S' ? 1 : 0;
    result.microseconds += static_cast<std::int64_t>(amount * seconds * 1e6 + (amount < 0 ? -0.5 : 0.5));
  }
  return result;
}

// The enumeration's label of 'label'::mood.
std::optional<std::string_view> label(std::string_view text, const std::string& type) {
  const std::size_t cast = text.rfind("::");
  if (cast == std::string_view::npos || !text.starts_with('\'') || cast < 2 || text[cast - 1] != '\'') return std::nullopt;
  const std::string_view target = text.substr(cast + 2);
  if (target != type && !target.ends_with('.' + type)) return std::nullopt;
  return text.substr(1, cast - 2);
}

std::optional<Value> text_value(std::optional<std::string_view> text) { return text ? std::optional(Value::string(*text)) : std::nullopt; }

// Which text stands for a function, by the type's name in the catalogue; nullopt: Debezium does not look at defaults of this type.
std::optional<std::string_view> generated(const ColumnType& type) {
  struct Entry {
    std::string_view name, text;
  };
  static constexpr std::array kEntries = {Entry{"bit", "00"},
                                          Entry{"varbit", "0"},
                                          Entry{"bool", "false"},
                                          Entry{"bpchar", ""},
                                          Entry{"varchar", ""},
                                          Entry{"text", ""},
                                          Entry{"numeric", "0.0"},
                                          Entry{"float4", "0.0"},
                                          Entry{"float8", "0.0"},
                                          Entry{"int2", "0"},
                                          Entry{"int4", "0"},
                                          Entry{"int8", "0"},
                                          Entry{"json", "{}"},
                                          Entry{"jsonb", "{}"},
                                          Entry{"xml", ""},
                                          Entry{"uuid", "00000000-0000-0000-0000-000000000000"},
                                          Entry{"date", "1970-01-01"},
                                          Entry{"time", "00:00:00"},
                                          Entry{"timestamp", "1970-01-01"},
                                          Entry{"timestamptz", "1970-01-01"},
                                          Entry{"interval", "P"}};
  const auto found = std::find_if(kEntries.begin(), kEntries.end(), [&](const Entry& entry) { return entry.name == type.name; });
  return found == kEntries.end() ? std::nullopt : std::optional(found->text);
}

std::optional<Value> value_of(const ColumnType& type, std::string_view text, Arena& arena) {
  switch (type.kind) {
    case ColumnKind::kBoolean: return Value::boolean(text == "true");
    case ColumnKind::kInt16:
    case ColumnKind::kInt32:
    case ColumnKind::kInt64: return number(text);
    case ColumnKind::kFloat32:
    case ColumnKind::kFloat64: return floating(text);
    case ColumnKind::kDecimal:
    case ColumnKind::kVariableDecimal: return Value::decimal(text);
    case ColumnKind::kBits: return Value::text(Value::Type::kBits, text);
    case ColumnKind::kDate: return date(text);
    case ColumnKind::kTime:
      if (const auto micros = parse_time(text)) return Value::time(*micros);
      return std::nullopt;
    case ColumnKind::kTimestamp: return timestamp(text, false);
    case ColumnKind::kZonedTimestamp: return timestamp(text, true);
    case ColumnKind::kInterval:
      if (const auto parts = interval(text)) return Value::interval_in(arena, *parts);
      return std::nullopt;
    default: return Value::string(text);
  }
}

}  // namespace

std::optional<std::string> default_json(const ColumnType& type, std::string_view expression, ValueWriter& writer) {
  if (expression.empty() || type.is_array || type.is_domain) return std::nullopt;
  Arena arena;
  std::optional<Value> value;
  if (type.kind == ColumnKind::kEnum) {
    value = text_value(label(expression, type.name));
  } else {
    const auto placeholder = generated(type);
    const auto text = placeholder ? literal(expression, *placeholder) : std::nullopt;
    if (text) value = value_of(type, *text, arena);
  }
  if (!value) return std::nullopt;
  TextBuffer out;
  if (!writer.write(type, *value, out)) return std::nullopt;
  if (out.view() == "null" || out.view().starts_with('{')) return std::nullopt;  // a struct cannot be a default in Connect (KAFKA-12694)
  return std::string(out.view());
}

}  // namespace sluice::debezium
