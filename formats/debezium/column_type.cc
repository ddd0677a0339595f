#include "formats/debezium/column_type.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <string_view>
#include <utility>

namespace sluice::debezium {

namespace {

constexpr int kDefaultFraction = 6;  // digits of a second
constexpr int kScaleMask = 0x7ff;    // how a negative scale looks to Debezium: numeric(5,-2) has scale 2046
constexpr std::int32_t kNoLimit = std::numeric_limits<std::int32_t>::max();

struct Named {
  std::string_view sql;   // as format_type() spells it, without modifiers
  std::string_view name;  // pg_type.typname
  ColumnKind kind;
};

constexpr std::array kTypes = {
    Named{"boolean", "bool", ColumnKind::kBoolean},
    Named{"smallint", "int2", ColumnKind::kInt16},
    Named{"integer", "int4", ColumnKind::kInt32},
    Named{"bigint", "int8", ColumnKind::kInt64},
    Named{"oid", "oid", ColumnKind::kInt64},
    Named{"real", "float4", ColumnKind::kFloat32},
    Named{"double precision", "float8", ColumnKind::kFloat64},
    Named{"numeric", "numeric", ColumnKind::kVariableDecimal},
    Named{"money", "money", ColumnKind::kMoney},
    Named{"text", "text", ColumnKind::kString},
    Named{"character varying", "varchar", ColumnKind::kString},
    Named{"character", "bpchar", ColumnKind::kString},
    Named{"bpchar", "bpchar", ColumnKind::kString},
    Named{"\"char\"", "char", ColumnKind::kString},
    Named{"name", "name", ColumnKind::kString},
    Named{"citext", "citext", ColumnKind::kString},
    Named{"isbn", "isbn", ColumnKind::kString},
    Named{"inet", "inet", ColumnKind::kString},
    Named{"cidr", "cidr", ColumnKind::kString},
    Named{"macaddr", "macaddr", ColumnKind::kString},
    Named{"macaddr8", "macaddr8", ColumnKind::kString},
    Named{"int4range", "int4range", ColumnKind::kString},
    Named{"int8range", "int8range", ColumnKind::kString},
    Named{"numrange", "numrange", ColumnKind::kString},
    Named{"tsrange", "tsrange", ColumnKind::kString},
    Named{"tstzrange", "tstzrange", ColumnKind::kString},
    Named{"daterange", "daterange", ColumnKind::kString},
    Named{"xml", "xml", ColumnKind::kXml},
    Named{"json", "json", ColumnKind::kJson},
    Named{"jsonb", "jsonb", ColumnKind::kJson},
    Named{"uuid", "uuid", ColumnKind::kUuid},
    Named{"ltree", "ltree", ColumnKind::kLtree},
    Named{"tsvector", "tsvector", ColumnKind::kTsvector},
    Named{"bytea", "bytea", ColumnKind::kBytes},
    Named{"bit", "bit", ColumnKind::kBits},
    Named{"bit varying", "varbit", ColumnKind::kBits},
    Named{"date", "date", ColumnKind::kDate},
    Named{"time without time zone", "time", ColumnKind::kTime},
    Named{"time with time zone", "timetz", ColumnKind::kZonedTime},
    Named{"timestamp without time zone", "timestamp", ColumnKind::kTimestamp},
    Named{"timestamp with time zone", "timestamptz", ColumnKind::kZonedTimestamp},
    Named{"interval", "interval", ColumnKind::kInterval},
    Named{"point", "point", ColumnKind::kPoint},
    Named{"geometry", "geometry", ColumnKind::kGeometry},
    Named{"geography", "geography", ColumnKind::kGeography},
    Named{"hstore", "hstore", ColumnKind::kHstore},
    Named{"vector", "vector", ColumnKind::kDoubleVector},
    Named{"halfvec", "halfvec", ColumnKind::kFloatVector},
    Named{"sparsevec", "sparsevec", ColumnKind::kSparseVector},
    Named{"box", "box", ColumnKind::kShape},
    Named{"circle", "circle", ColumnKind::kShape},
    Named{"line", "line", ColumnKind::kShape},
    Named{"lseg", "lseg", ColumnKind::kShape},
    Named{"path", "path", ColumnKind::kShape},
    Named{"polygon", "polygon", ColumnKind::kShape},
};

// "timestamp(3) without time zone" -> the name without "(3)", and 3.
struct Spelled {
  std::string name;
  std::optional<int> first, second;  // modifiers
  bool is_array = false;
};

std::optional<int> number_at(std::string_view text, std::size_t at) {
  while (at < text.size() && text[at] == ' ') ++at;
  int number = 0;
  const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), number);
  return error == std::errc() ? std::optional(number) : std::nullopt;
}

Spelled spelled(std::string_view text) {
  Spelled result;
  while (text.ends_with("[]")) {
    result.is_array = true;
    text.remove_suffix(2);
  }
  const std::size_t open = text.find('(');
  const std::size_t close = text.find(')', open == std::string_view::npos ? text.size() : open);
  if (close == std::string_view::npos) {
    result.name = text;
  } else {
    const std::string_view inside = text.substr(open + 1, close - open - 1);
    result.name = std::string(text.substr(0, open)) + std::string(text.substr(close + 1));
    result.first = number_at(inside, 0);
    if (const std::size_t comma = inside.find(','); comma != std::string_view::npos) result.second = number_at(inside, comma + 1);
  }
  // interval year to month, interval day to second(3)
  if (result.name.starts_with("interval ")) result.name = "interval";
  return result;
}

// The name behind a schema's: "public.hstore" -> "hstore".
std::string_view without_schema(std::string_view name) {
  if (name.starts_with('"') && name.ends_with('"') && name.find("\".\"") == std::string_view::npos) return name;
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? name : name.substr(dot + 1);
}

std::string unquoted(std::string_view name) {
  if (name.size() < 2 || name.front() != '"') return std::string(name);
  std::string result;
  for (std::size_t i = 1; i + 1 < name.size(); ++i) {
    if (name[i] == '"') ++i;
    result += name[i];
  }
  return result;
}

const Named* find_type(std::string_view name) {
  for (const std::string_view candidate : {name, without_schema(name)}) {
    const auto found = std::find_if(kTypes.begin(), kTypes.end(), [candidate](const Named& type) { return type.sql == candidate; });
    if (found != kTypes.end()) return found;
  }
  return nullptr;
}

void apply_modifiers(const Spelled& spelling, ColumnType& type) {
  switch (type.kind) {
    case ColumnKind::kVariableDecimal:
      if (!spelling.first) return;
      type.kind = ColumnKind::kDecimal;
      type.precision = spelling.first;
      type.scale = spelling.second.value_or(0) & kScaleMask;
      return;
    case ColumnKind::kBits: type.length = spelling.first.value_or(type.name == "bit" ? 1 : kNoLimit); return;
    case ColumnKind::kTime:
    case ColumnKind::kTimestamp:
    case ColumnKind::kZonedTimestamp: type.precision = spelling.first.value_or(kDefaultFraction); return;
    default: return;
  }
}

ColumnKind kind_of_value(std::optional<Value::Type> type) {
  if (!type) return ColumnKind::kNatural;
  switch (*type) {
    case Value::Type::kBool: return ColumnKind::kBoolean;
    case Value::Type::kInt64: return ColumnKind::kInt64;
    case Value::Type::kFloat64: return ColumnKind::kFloat64;
    case Value::Type::kDecimal: return ColumnKind::kVariableDecimal;
    case Value::Type::kString: return ColumnKind::kString;
    case Value::Type::kBytes: return ColumnKind::kBytes;
    case Value::Type::kDate: return ColumnKind::kDate;
    case Value::Type::kTime: return ColumnKind::kTime;
    case Value::Type::kTimeTz: return ColumnKind::kZonedTime;
    case Value::Type::kTimestamp: return ColumnKind::kZonedTimestamp;
    case Value::Type::kLocalTimestamp: return ColumnKind::kTimestamp;
    case Value::Type::kInterval: return ColumnKind::kInterval;
    case Value::Type::kBits: return ColumnKind::kBits;
    case Value::Type::kUuid: return ColumnKind::kUuid;
    case Value::Type::kJson: return ColumnKind::kJson;
    default: return ColumnKind::kNatural;
  }
}

}  // namespace

ColumnType column_type(const Field& field) {
  ColumnType type;
  const std::string& declared = field.base_type.empty() ? field.origin_type : field.base_type;
  if (declared.empty()) {
    type.kind = kind_of_value(field.type);
    type.precision = kDefaultFraction;
    type.length = kNoLimit;
    return type;
  }
  const Spelled spelling = spelled(declared);
  type.is_array = spelling.is_array;
  type.is_domain = !field.base_type.empty() && field.base_type != field.origin_type;
  type.labels = field.labels;
  const Named* const named = find_type(spelling.name);
  type.name = named != nullptr ? std::string(named->name) : unquoted(without_schema(spelling.name));
  type.kind = !field.labels.empty() ? ColumnKind::kEnum : named != nullptr ? named->kind : ColumnKind::kUnknown;
  apply_modifiers(spelling, type);
  return type;
}

bool is_written(const ColumnType& type, const Options& options) {
  if (type.kind == ColumnKind::kUnknown || type.kind == ColumnKind::kShape) return options.include_unknown_datatypes;
  if (!type.is_array || options.include_unknown_datatypes) return true;
  // Arrays that Debezium has no converter for.
  switch (type.kind) {
    case ColumnKind::kMoney:
    case ColumnKind::kInterval:
    case ColumnKind::kXml:
    case ColumnKind::kPoint:
    case ColumnKind::kTsvector: return false;
    case ColumnKind::kBits: return type.name == "bit";
    case ColumnKind::kString: return type.name != "name";
    default: return true;
  }
}

}  // namespace sluice::debezium
