#include "expr/notation_internal.h"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <vector>

#include "core/civil_time.h"
#include "core/schema.h"
#include "expr/special_values.h"
#include "expr/value_text.h"

namespace sluice::expr {

namespace {

using Json = nlohmann::ordered_json;
using Type = Value::Type;

constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string base64_encode(std::string_view bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    for (std::size_t j = 0; j < 3; ++j) group = (group << 8U) | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    for (std::size_t j = 0; j < 4; ++j) out += j <= count ? kBase64[(group >> (18 - 6 * j)) & 0x3fU] : '=';
  }
  return out;
}

std::optional<std::string> base64_decode(std::string_view text) {
  std::string out;
  std::uint32_t group = 0;
  int bits = 0;
  while (text.ends_with('=')) text.remove_suffix(1);
  for (const char c : text) {
    const std::size_t digit = kBase64.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    group = (group << 6U) | static_cast<std::uint32_t>(digit);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out += static_cast<char>(static_cast<unsigned char>((group >> static_cast<unsigned>(bits)) & 0xffU));
  }
  return out;
}

Error bad_notation(const Json& notation) {
  return {ErrorKind::kBadRecord, "bad_case", "no value in the suite's notation: " + notation.dump()};
}

template <typename Integer>
std::optional<Integer> read_integer(const Json& json) {
  if (json.is_number_integer()) return json.get<Integer>();
  if (!json.is_string()) return std::nullopt;
  const auto& text = json.get_ref<const std::string&>();
  Integer value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

double read_double(const Json& json) {
  if (json.is_number()) return json.get<double>();
  const auto text = json.get<std::string>();
  if (text == "Infinity") return std::numeric_limits<double>::infinity();
  if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
  return std::numeric_limits<double>::quiet_NaN();
}

Json write_double(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  return value;
}

Result<Value> read_list(const Json& json, Arena& arena) {
  std::vector<Value> items;
  for (const Json& item : json.value("values", Json::array())) items.push_back(SLUICE_TRY(from_notation(item, arena)));
  return deep_copy(Value::list(items), arena);
}

Result<Value> read_map(const Json& json, Arena& arena) {
  std::vector<MapEntry> entries;
  for (const Json& entry : json.value("entries", Json::array())) {
    const Value key = SLUICE_TRY(from_notation(entry.at("key"), arena));
    const Value value = SLUICE_TRY(from_notation(entry.at("value"), arena));
    entries.push_back({key, value});
  }
  return deep_copy(Value::map(entries), arena);
}

Result<Value> read_object(const Json& json, Arena&) {
  const std::string type = json.value("@type", "");
  const Json& content = json.contains("value") ? json.at("value") : json;
  if (type.ends_with("google.protobuf.Timestamp") && content.is_string()) {
    if (const auto value = parse_timestamp(content.get<std::string>())) return *value;
  }
  if (type.ends_with("google.protobuf.Duration") && content.is_string()) {
    if (const auto value = parse_duration(content.get<std::string>())) return Value::duration(*value);
  }
  return bad_notation(json);
}

Result<Value> read_scalar(const std::string& kind, const Json& content, Arena& arena) {
  if (kind == "null_value") return Value::null();
  if (kind == "bool_value") return Value::boolean(content.get<bool>());
  if (kind == "double_value") return Value::float64(read_double(content));
  if (kind == "string_value") return Value::string_in(arena, content.get<std::string>());
  if (kind == "int64_value") {
    if (const auto value = read_integer<std::int64_t>(content)) return Value::int64(*value);
  }
  if (kind == "uint64_value") {
    if (const auto value = read_integer<std::uint64_t>(content)) return Value::uint64(*value);
  }
  if (kind == "bytes_value") {
    if (const auto bytes = base64_decode(content.get<std::string>())) return Value::text_in(arena, Type::kBytes, *bytes);
  }
  if (kind == "type_value") return make_type(arena, arena.copy(content.get<std::string>()));
  return bad_notation(content);
}

std::string text(const Value& value) {
  std::array<char, kValueTextBuffer> buffer{};
  return std::string(text_of(value, buffer).value_or(""));
}

Json notation_entries(const Value& value) {
  Json entries = Json::array();
  const auto add = [&](const Value& key, const Value& content) {
    entries.push_back(Json{{"key", to_notation(key)}, {"value", to_notation(content)}});
  };
  if (value.type() == Type::kMap) {
    for (const MapEntry& entry : value.as_map()) add(entry.key, entry.value);
  } else {
    const auto fields = value.as_struct();
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (!fields[i].is_unchanged()) add(Value::string(value.as_struct_schema().fields()[i].name), fields[i]);
    }
  }
  return entries.empty() ? Json::object() : Json{{"entries", std::move(entries)}};
}

Json object(std::string_view type, const Value& value) {
  return {{"object_value", {{"@type", "type.googleapis.com/" + std::string(type)}, {"value", text(value)}}}};
}

Json notation_of_struct(const Value& value) {
  if (is_type(value)) return {{"type_value", std::string(type_value_name(value))}};
  if (!is_optional(value)) return {{"map_value", notation_entries(value)}};
  const Value* content = optional_content(value);
  Json inner = Json::object();
  if (content != nullptr) inner["value"] = to_notation(*content);
  return {{"optional_value", std::move(inner)}};
}

Json json_entries(const Value& value) {
  Json object = Json::object();
  if (value.type() == Type::kMap) {
    for (const MapEntry& entry : value.as_map()) object[text(entry.key)] = to_json(entry.value);
    return object;
  }
  const auto fields = value.as_struct();
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (!fields[i].is_unchanged()) object[value.as_struct_schema().fields()[i].name] = to_json(fields[i]);
  }
  return object;
}

Json json_of_struct(const Value& value) {
  if (is_type(value)) return std::string(type_value_name(value));
  if (!is_optional(value)) return json_entries(value);
  const Value* content = optional_content(value);
  return content == nullptr ? Json() : to_json(*content);
}

}  // namespace

Result<Value> from_notation(const Json& notation, Arena& arena) {
  if (!notation.is_object() || notation.size() != 1) return bad_notation(notation);
  const std::string kind = notation.begin().key();
  const Json& content = notation.begin().value();
  if (kind == "list_value") return read_list(content, arena);
  if (kind == "map_value") return read_map(content, arena);
  if (kind == "object_value") return read_object(content, arena);
  return read_scalar(kind, content, arena);
}

Json to_notation(const Value& value) {
  switch (value.type()) {
    case Type::kNull:
    case Type::kUnchanged: return {{"null_value", nullptr}};
    case Type::kBool: return {{"bool_value", value.as_bool()}};
    case Type::kInt64: return {{"int64_value", std::to_string(value.as_int64())}};
    case Type::kUint64: return {{"uint64_value", std::to_string(value.as_uint64())}};
    case Type::kFloat64: return {{"double_value", write_double(value.as_float64())}};
    case Type::kBytes: return {{"bytes_value", base64_encode(value.as_text())}};
    case Type::kList: {
      Json items = Json::array();
      for (const Value& item : value.as_list()) items.push_back(to_notation(item));
      return {{"list_value", items.empty() ? Json::object() : Json{{"values", std::move(items)}}}};
    }
    case Type::kMap: return {{"map_value", notation_entries(value)}};
    case Type::kStruct: return notation_of_struct(value);
    case Type::kTimestamp: return object("google.protobuf.Timestamp", value);
    case Type::kDuration: return object("google.protobuf.Duration", value);
    default: return {{"string_value", text(value)}};
  }
}

Value from_json(const Json& json, Arena& arena) {
  switch (json.type()) {
    case Json::value_t::boolean: return Value::boolean(json.get<bool>());
    case Json::value_t::number_integer: return Value::int64(json.get<std::int64_t>());
    case Json::value_t::number_unsigned: {
      const auto number = json.get<std::uint64_t>();
      return number <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())
                 ? Value::int64(static_cast<std::int64_t>(number))
                 : Value::uint64(number);
    }
    case Json::value_t::number_float: return Value::float64(json.get<double>());
    case Json::value_t::string: return Value::string_in(arena, json.get_ref<const std::string&>());
    case Json::value_t::array: {
      const std::span<Value> items = arena.array<Value>(json.size());
      for (std::size_t i = 0; i < items.size(); ++i) items[i] = from_json(json[i], arena);
      return Value::list(items);
    }
    case Json::value_t::object: {
      const std::span<MapEntry> entries = arena.array<MapEntry>(json.size());
      std::size_t i = 0;
      for (const auto& [key, content] : json.items()) entries[i++] = {Value::string_in(arena, key), from_json(content, arena)};
      return Value::map(entries);
    }
    default: return Value::null();
  }
}

Json to_json(const Value& value) {
  switch (value.type()) {
    case Type::kNull:
    case Type::kUnchanged: return nullptr;
    case Type::kBool: return value.as_bool();
    case Type::kInt64: return value.as_int64();
    case Type::kUint64: return value.as_uint64();
    case Type::kFloat64: return write_double(value.as_float64());
    case Type::kBytes: return base64_encode(value.as_text());
    case Type::kList: {
      Json items = Json::array();
      for (const Value& item : value.as_list()) items.push_back(to_json(item));
      return items;
    }
    case Type::kMap: return json_entries(value);
    case Type::kStruct: return json_of_struct(value);
    default: return text(value);
  }
}

}  // namespace sluice::expr
