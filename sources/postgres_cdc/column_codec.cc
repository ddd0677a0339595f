#include "sources/postgres_cdc/column_codec.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "sources/postgres_cdc/time_text.h"

namespace sluice::sources::postgres {

namespace {

struct Builtin {
  std::uint32_t oid;
  std::uint32_t array_oid;  // 0: none
  TextFormat format;
  char delimiter = ',';
};

constexpr std::array kBuiltins = {
    Builtin{16, 1000, TextFormat::kBool},         Builtin{17, 1001, TextFormat::kBytes},         Builtin{18, 1002, TextFormat::kChar},
    Builtin{19, 1003, TextFormat::kString},       Builtin{20, 1016, TextFormat::kInteger},       Builtin{21, 1005, TextFormat::kInteger},
    Builtin{23, 1007, TextFormat::kInteger},      Builtin{25, 1009, TextFormat::kString},        Builtin{26, 1028, TextFormat::kInteger},
    Builtin{114, 199, TextFormat::kJson},         Builtin{142, 143, TextFormat::kString},        Builtin{600, 1017, TextFormat::kString},
    Builtin{603, 1020, TextFormat::kString, ';'}, Builtin{650, 651, TextFormat::kString},        Builtin{700, 1021, TextFormat::kFloat},
    Builtin{701, 1022, TextFormat::kFloat},       Builtin{790, 791, TextFormat::kString},        Builtin{829, 1040, TextFormat::kString},
    Builtin{774, 775, TextFormat::kString},       Builtin{869, 1041, TextFormat::kString},       Builtin{1042, 1014, TextFormat::kString},
    Builtin{1043, 1015, TextFormat::kString},     Builtin{1082, 1182, TextFormat::kDate},        Builtin{1083, 1183, TextFormat::kTime},
    Builtin{1114, 1115, TextFormat::kTimestamp},  Builtin{1184, 1185, TextFormat::kTimestampTz}, Builtin{1186, 1187, TextFormat::kInterval},
    Builtin{1266, 1270, TextFormat::kTimeTz},     Builtin{1560, 1561, TextFormat::kBits},        Builtin{1562, 1563, TextFormat::kBits},
    Builtin{1700, 1231, TextFormat::kDecimal},    Builtin{2950, 2951, TextFormat::kUuid},        Builtin{3802, 3807, TextFormat::kJson},
};

bool decode_integer(std::string_view text, Value& out) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return false;
  out = Value::int64(number);
  return true;
}

bool decode_float(std::string_view text, Value& out) {
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  double number = 0;
  if (text == "NaN") {
    number = std::numeric_limits<double>::quiet_NaN();
  } else if (text == "Infinity" || text == "-Infinity") {
    number = text[0] == '-' ? -kInfinite : kInfinite;
  } else {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return false;
  }
  out = Value::float64(number);
  return true;
}

// numeric_out never writes an exponent, a plus sign or a bare point.
bool is_decimal(std::string_view text) {
  if (text == "NaN" || text == "Infinity" || text == "-Infinity") return true;
  if (!text.empty() && text[0] == '-') text.remove_prefix(1);
  const std::size_t point = std::min(text.find('.'), text.size());
  const auto digits = [](std::string_view part) {
    return !part.empty() && std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
  };
  return digits(text.substr(0, point)) && (point == text.size() || digits(text.substr(point + 1)));
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

bool decode_bytes(std::string_view text, Arena& arena, Value& out) {
  if (!text.starts_with("\\x") || text.size() % 2 != 0) return false;
  text.remove_prefix(2);
  auto* bytes = static_cast<char*>(arena.allocate(text.size() / 2, 1));
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_digit(text[i]);
    const int low = hex_digit(text[i + 1]);
    if (high < 0 || low < 0) return false;
    bytes[i / 2] = static_cast<char>(high * 16 + low);
  }
  out = Value::bytes({bytes, text.size() / 2});
  return true;
}

bool is_bits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c == '0' || c == '1'; });
}

bool decode_bool(std::string_view text, Value& out) {
  out = Value::boolean(text == "t");
  return text == "t" || text == "f";
}

// As charout() of PostgreSQL 15 and later; before that a byte over 127 comes as it is, which is no UTF-8.
bool decode_char(std::string_view text, Arena& arena, Value& out) {
  const auto byte = static_cast<unsigned char>(text.size() == 1 ? text[0] : 0);
  if (byte < 0x80) return out = Value::string_in(arena, text), true;
  const std::array<char, 4> escaped = {'\\', static_cast<char>('0' + byte / 64), static_cast<char>('0' + byte / 8 % 8),
                                       static_cast<char>('0' + byte % 8)};
  out = Value::string_in(arena, {escaped.data(), escaped.size()});
  return true;
}

bool text_if(bool good, Value::Type type, std::string_view text, Arena& arena, Value& out) {
  if (good) out = Value::text_in(arena, type, text);
  return good;
}

}  // namespace

std::optional<ColumnCodec> builtin_codec(std::uint32_t type_oid) {
  for (const Builtin& builtin : kBuiltins) {
    if (builtin.oid == type_oid) return ColumnCodec{builtin.format, false, ','};
    if (builtin.array_oid == type_oid) return ColumnCodec{builtin.format, true, builtin.delimiter};
  }
  return std::nullopt;
}

Value::Type value_type(const ColumnCodec& codec) {
  if (codec.is_array) return Value::Type::kList;
  switch (codec.format) {
    case TextFormat::kBool: return Value::Type::kBool;
    case TextFormat::kInteger: return Value::Type::kInt64;
    case TextFormat::kFloat: return Value::Type::kFloat64;
    case TextFormat::kDecimal: return Value::Type::kDecimal;
    case TextFormat::kString:
    case TextFormat::kChar: return Value::Type::kString;
    case TextFormat::kBytes: return Value::Type::kBytes;
    case TextFormat::kDate: return Value::Type::kDate;
    case TextFormat::kTime: return Value::Type::kTime;
    case TextFormat::kTimeTz: return Value::Type::kTimeTz;
    case TextFormat::kTimestamp: return Value::Type::kLocalTimestamp;
    case TextFormat::kTimestampTz: return Value::Type::kTimestamp;
    case TextFormat::kInterval: return Value::Type::kInterval;
    case TextFormat::kBits: return Value::Type::kBits;
    case TextFormat::kUuid: return Value::Type::kUuid;
    case TextFormat::kJson: return Value::Type::kJson;
  }
  return Value::Type::kString;
}

bool decode_scalar(TextFormat format, std::string_view text, Arena& arena, Value& out) {
  switch (format) {
    case TextFormat::kBool: return decode_bool(text, out);
    case TextFormat::kInteger: return decode_integer(text, out);
    case TextFormat::kFloat: return decode_float(text, out);
    case TextFormat::kDecimal: return text_if(is_decimal(text), Value::Type::kDecimal, text, arena, out);
    case TextFormat::kBytes: return decode_bytes(text, arena, out);
    case TextFormat::kDate: return decode_date(text, out);
    case TextFormat::kTime: return decode_time(text, out);
    case TextFormat::kTimeTz: return decode_time_tz(text, out);
    case TextFormat::kTimestamp: return decode_timestamp(text, arena, out);
    case TextFormat::kTimestampTz: return decode_timestamp_tz(text, arena, out);
    case TextFormat::kInterval: return decode_interval(text, arena, out);
    case TextFormat::kBits: return text_if(is_bits(text), Value::Type::kBits, text, arena, out);
    case TextFormat::kUuid: return text_if(text.size() == 36, Value::Type::kUuid, text, arena, out);
    case TextFormat::kJson: return text_if(true, Value::Type::kJson, text, arena, out);
    case TextFormat::kChar: return decode_char(text, arena, out);
    case TextFormat::kString: break;
  }
  return text_if(true, Value::Type::kString, text, arena, out);
}

bool decode_text(const ColumnCodec& codec, std::string_view text, Arena& arena, Value& out) {
  return codec.is_array ? decode_array(codec, text, arena, out) : decode_scalar(codec.format, text, arena, out);
}

}  // namespace sluice::sources::postgres
