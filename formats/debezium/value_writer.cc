#include "formats/debezium/value_writer.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "formats/debezium/jackson_text.h"
#include "formats/debezium/java_number.h"
#include "formats/debezium/java_time.h"
#include "formats/json_text.h"

namespace sluice::debezium {

namespace {

constexpr std::size_t kIntegerBytes = 24;
constexpr std::int64_t kMicrosPerDay = 86'400'000'000;
constexpr std::string_view kHex = "0123456789abcdef";

void append_integer(std::int64_t number, TextBuffer& out) {
  char* const at = out.room(kIntegerBytes);
  out.end_at(std::to_chars(at, at + kIntegerBytes, number).ptr);
}

void append_double(double value, TextBuffer& out) {
  char* at = out.room(kJavaNumberBytes + 2);
  const bool finite = std::isfinite(value);
  if (!finite) *at++ = '"';
  at = write_java_double(at, value);
  if (!finite) *at++ = '"';
  out.end_at(at);
}

void append_float(float value, TextBuffer& out) {
  char* at = out.room(kJavaNumberBytes + 2);
  const bool finite = std::isfinite(value);
  if (!finite) *at++ = '"';
  at = write_java_float(at, value);
  if (!finite) *at++ = '"';
  out.end_at(at);
}

// Text of ASCII without anything to escape, made by `write` from a buffer's place on.
template <typename Write>
void append_quoted(TextBuffer& out, const Write& write) {
  char* at = out.room(kJavaTimeBytes + 4);
  *at++ = '"';
  at = write(at);
  *at++ = '"';
  out.end_at(at);
}

std::int64_t floor_divide(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

std::int64_t times_thousand(std::int64_t micros) {  // wraps, as Java's does
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(micros) * 1000U);
}

bool parse_double(std::string_view text, double& out) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error == std::errc::result_out_of_range) {  // as Double.parseDouble: zero or infinity
    const bool tiny = text.find("e-") != std::string_view::npos || text.find("0.0") != std::string_view::npos;
    out = tiny ? 0.0 : std::numeric_limits<double>::infinity();
    if (text.front() == '-') out = -out;
    return true;
  }
  return error == std::errc() && end == text.data() + text.size();
}

bool is_special_decimal(std::string_view text) { return text == "NaN" || text == "Infinity" || text == "-Infinity"; }

std::uint64_t double_bits(double value) {  // as Double.doubleToLongBits: there is one NaN
  return std::isnan(value) ? 0x7ff8000000000000ULL : std::bit_cast<std::uint64_t>(value);
}

void append_little_endian(std::uint64_t number, std::size_t count, std::string& out) {
  for (std::size_t i = 0; i < count; ++i) out += static_cast<char>(number >> (8 * i) & 0xff);
}

// "(1.5,-2)" -> x, y
bool parse_point(std::string_view text, double& x, double& y) {
  if (text.starts_with('(') && text.ends_with(')')) text = text.substr(1, text.size() - 2);
  const std::size_t comma = text.find(',');
  return comma != std::string_view::npos && parse_double(text.substr(0, comma), x) && parse_double(text.substr(comma + 1), y);
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool parse_hex(std::string_view text, std::string& out) {
  out.clear();
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    const int high = hex_digit(text[i]);
    const int low = hex_digit(text[i + 1]);
    if (high < 0 || low < 0) return false;
    out += static_cast<char>(high * 16 + low);
  }
  return text.size() % 2 == 0;
}

bool is_number_part(char c) { return (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

}  // namespace

bool ValueWriter::write(const ColumnType& type, const Value& value, TextBuffer& out) {
  return type.is_array ? write_list(type, value, out) : write_scalar(type, value, out);
}

bool ValueWriter::write_list(const ColumnType& type, const Value& value, TextBuffer& out) {
  if (value.type() != Value::Type::kList) return false;
  out.append('[');
  bool first = true;
  for (const Value& item : value.as_list()) {
    if (!first) out.append(',');
    first = false;
    if (item.is_null()) {
      out.append("null");
    } else if (!(item.type() == Value::Type::kList ? write_list(type, item, out) : write_scalar(type, item, out))) {
      return false;
    }
  }
  out.append(']');
  return true;
}

bool ValueWriter::write_scalar(const ColumnType& type, const Value& value, TextBuffer& out) {
  using Limits32 = std::numeric_limits<std::int32_t>;
  using Limits64 = std::numeric_limits<std::int64_t>;
  switch (type.kind) {
    case ColumnKind::kBoolean:
      if (value.type() != Value::Type::kBool) return false;
      out.append(value.as_bool() ? "true" : "false");
      return true;
    case ColumnKind::kInt16: return write_integer(value, std::numeric_limits<std::int16_t>::min(), std::numeric_limits<std::int16_t>::max(), out);
    case ColumnKind::kInt32: return write_integer(value, Limits32::min(), Limits32::max(), out);
    case ColumnKind::kInt64: return write_integer(value, Limits64::min(), Limits64::max(), out);
    case ColumnKind::kFloat32:
      if (value.type() == Value::Type::kFloat64) append_float(static_cast<float>(value.as_float64()), out);
      return value.type() == Value::Type::kFloat64;
    case ColumnKind::kFloat64:
      if (value.type() == Value::Type::kFloat64) append_double(value.as_float64(), out);
      return value.type() == Value::Type::kFloat64;
    case ColumnKind::kString:
    case ColumnKind::kXml:
    case ColumnKind::kJson:
    case ColumnKind::kUuid:
    case ColumnKind::kLtree:
    case ColumnKind::kTsvector:
    case ColumnKind::kEnum: return write_string(value, out);
    case ColumnKind::kBytes:
      if (value.is_text()) write_binary(value.as_text(), out);
      return value.is_text();
    case ColumnKind::kBits: return write_bits(type, value, out);
    case ColumnKind::kDate: return write_date(value, out);
    case ColumnKind::kTime: return write_time(type, value, out);
    case ColumnKind::kTimestamp: return write_timestamp(type, value, out);
    case ColumnKind::kZonedTime: return write_zoned_time(value, out);
    case ColumnKind::kZonedTimestamp: return write_zoned_timestamp(type, value, out);
    case ColumnKind::kInterval: return write_interval(value, out);
    case ColumnKind::kDecimal:
    case ColumnKind::kVariableDecimal: return write_decimal(type, value, out);
    case ColumnKind::kMoney: return write_money(type, value, out);
    case ColumnKind::kPoint: return write_point(value, out);
    case ColumnKind::kGeometry:
    case ColumnKind::kGeography: return write_geometry(value, out);
    case ColumnKind::kHstore: return write_hstore(value, out);
    case ColumnKind::kDoubleVector:
    case ColumnKind::kFloatVector: return write_vector(type, value, out);
    case ColumnKind::kSparseVector: return write_sparse_vector(value, out);
    case ColumnKind::kShape: return write_shape(value, out);
    case ColumnKind::kUnknown:
      if (value.is_text()) {
        write_binary(value.as_text(), out);
      } else {
        json_.clear();
        write_json_value(value, json_);
        write_binary(json_.view(), out);
      }
      return true;
    case ColumnKind::kNatural: return write_natural(value, out);
  }
  return false;
}

void ValueWriter::write_text(std::string_view text, TextBuffer& out) { write_jackson_string(text, out); }

bool ValueWriter::write_string(const Value& value, TextBuffer& out) {
  if (value.is_text()) {
    write_jackson_string(value.as_text(), out);
    return true;
  }
  json_.clear();
  write_json_value(value, json_);
  write_jackson_string(json_.view(), out);
  return true;
}

bool ValueWriter::write_natural(const Value& value, TextBuffer& out) {
  json_.clear();
  write_json_value(value, json_);
  if (options_.schemas) {
    write_jackson_string(json_.view(), out);
  } else {
    out.append(json_.view());
  }
  return true;
}

bool ValueWriter::write_integer(const Value& value, std::int64_t low, std::int64_t high, TextBuffer& out) {
  if (value.type() != Value::Type::kInt64 || value.as_int64() < low || value.as_int64() > high) return false;
  append_integer(value.as_int64(), out);
  return true;
}

void ValueWriter::write_binary(std::string_view bytes, TextBuffer& out) {
  out.append('"');
  if (options_.binary == BinaryMode::kHex) {
    char* at = out.room(bytes.size() * 2);
    for (const char c : bytes) {
      *at++ = kHex[static_cast<unsigned char>(c) >> 4];
      *at++ = kHex[static_cast<unsigned char>(c) & 15];
    }
    out.end_at(at);
  } else {
    const std::size_t before = out.size();
    write_base64(bytes, out);
    if (options_.binary == BinaryMode::kBase64UrlSafe) {
      char* const end = out.room(0);
      for (char* at = end - (out.size() - before); at < end; ++at) *at = *at == '+' ? '-' : *at == '/' ? '_' : *at;
    }
  }
  out.append('"');
}

bool ValueWriter::write_decimal(const ColumnType& type, const Value& value, TextBuffer& out) {
  if (value.type() == Value::Type::kInt64) {  // made by a step
    text_ = std::to_string(value.as_int64());
  } else {
    if (value.type() != Value::Type::kDecimal && value.type() != Value::Type::kString) return false;
    text_ = value.as_text();
  }
  if (options_.decimal == DecimalMode::kDouble) {
    double number = 0;
    if (is_special_decimal(text_)) {
      number = text_ == "NaN" ? std::numeric_limits<double>::quiet_NaN() : std::numeric_limits<double>::infinity();
      if (text_[0] == '-') number = -number;
    } else if (!parse_double(text_, number)) {
      return false;
    }
    append_double(number, out);
    return true;
  }
  if (is_special_decimal(text_)) {
    const std::string_view name = text_ == "NaN" ? "\"NAN\"" : text_ == "Infinity" ? "\"POSITIVE_INFINITY\"" : "\"NEGATIVE_INFINITY\"";
    out.append(options_.decimal == DecimalMode::kString ? name : "null");
    return true;
  }
  return decimal_.parse(text_) && write_plain_decimal(type, out);
}

// decimal_, in precise or string mode.
bool ValueWriter::write_plain_decimal(const ColumnType& type, TextBuffer& out) {
  const bool fixed = type.kind != ColumnKind::kVariableDecimal;
  if (fixed && !decimal_.rescale(static_cast<std::size_t>(type.scale))) return false;
  bytes_.clear();
  if (options_.decimal == DecimalMode::kString) {
    decimal_.append_text(bytes_);
    out.append('"');
    out.append(bytes_);
    out.append('"');
    return true;
  }
  if (!fixed) {
    decimal_.strip_zeros();
    out.append("{\"scale\":");
    append_integer(static_cast<std::int64_t>(decimal_.scale), out);
    out.append(",\"value\":");
  }
  decimal_.append_bytes(bytes_);
  out.append('"');
  write_base64(bytes_, out);
  out.append(fixed ? "\"" : "\"}");
  return true;
}

bool ValueWriter::write_money(const ColumnType& type, const Value& value, TextBuffer& out) {
  if (!value.is_text()) return false;
  const std::string_view text = value.as_text();
  text_.clear();
  bool negative = false;
  for (const char c : text) {
    negative = negative || c == '-' || c == '(';
    if ((c >= '0' && c <= '9') || c == '.') text_ += c;
  }
  if (negative) text_.insert(text_.begin(), '-');
  if (options_.decimal == DecimalMode::kDouble) {
    double number = 0;
    if (!parse_double(text_, number)) return false;
    append_double(number, out);
    return true;
  }
  if (!decimal_.parse(text_)) return false;
  ColumnType fixed = {};
  fixed.kind = ColumnKind::kMoney;
  fixed.scale = static_cast<int>(decimal_.scale);
  (void)type;
  if (options_.decimal == DecimalMode::kPrecise) {
    decimal_.round_to(static_cast<std::size_t>(options_.money_fraction_digits));
    fixed.scale = options_.money_fraction_digits;
  }
  return write_plain_decimal(fixed, out);
}

bool ValueWriter::write_bits(const ColumnType& type, const Value& value, TextBuffer& out) {
  if (!value.is_text()) return false;
  const std::string_view bits = value.as_text();
  if (type.length <= 1) {
    out.append(bits.find('1') != std::string_view::npos ? "true" : "false");
    return true;
  }
  bytes_.clear();  // little-endian, without the zeros that come last
  for (std::size_t end = bits.size(); end > 0; end -= std::min<std::size_t>(end, 8)) {
    unsigned byte = 0;
    for (std::size_t i = 0; i < 8 && i < end; ++i) byte |= (bits[end - 1 - i] == '1' ? 1U : 0U) << i;
    bytes_ += static_cast<char>(byte);
  }
  while (!bytes_.empty() && bytes_.back() == '\0') bytes_.pop_back();
  out.append('"');
  write_base64(bytes_, out);
  out.append('"');
  return true;
}

bool ValueWriter::write_date(const Value& value, TextBuffer& out) {
  if (value.type() != Value::Type::kDate) return false;
  const std::int64_t days = finite_days(value.as_int64());
  if (options_.time != TimeMode::kIsoString) {
    append_integer(days, out);
  } else {
    append_quoted(out, [days](char* at) {
      at = write_iso_date(at, days);
      *at++ = 'Z';
      return at;
    });
  }
  return true;
}

bool ValueWriter::write_time(const ColumnType& type, const Value& value, TextBuffer& out) {
  if (value.type() != Value::Type::kTime) return false;
  const std::int64_t micros = value.as_int64();
  switch (options_.time) {
    case TimeMode::kConnect: append_integer(micros / 1000, out); return true;
    case TimeMode::kNanoseconds: append_integer(micros * 1000, out); return true;
    case TimeMode::kIsoString:
      append_quoted(out, [micros](char* at) {
        at = write_iso_time(at, micros);
        *at++ = 'Z';
        return at;
      });
      return true;
    case TimeMode::kAdaptive: append_integer(type.precision.value_or(6) <= 3 ? micros / 1000 : micros, out); return true;
    default: append_integer(micros, out); return true;
  }
}

bool ValueWriter::write_timestamp(const ColumnType& type, const Value& value, TextBuffer& out) {
  if (value.type() != Value::Type::kLocalTimestamp) return false;
  const std::int64_t micros = finite_micros(value.as_int64());
  switch (options_.time) {
    case TimeMode::kConnect: append_integer(floor_divide(micros, 1000), out); return true;
    case TimeMode::kNanoseconds: append_integer(times_thousand(micros), out); return true;
    case TimeMode::kMicroseconds: append_integer(micros, out); return true;
    case TimeMode::kIsoString:
      append_quoted(out, [micros](char* at) {
        at = write_iso_timestamp(at, micros);
        *at++ = 'Z';
        return at;
      });
      return true;
    default: append_integer(type.precision.value_or(6) <= 3 ? floor_divide(micros, 1000) : micros, out); return true;
  }
}

bool ValueWriter::write_zoned_time(const Value& value, TextBuffer& out) {
  if (value.type() != Value::Type::kTimeTz) return false;
  std::int64_t micros = (value.as_int64() - std::int64_t{value.seconds_east()} * 1'000'000) % kMicrosPerDay;
  if (micros < 0) micros += kMicrosPerDay;
  append_quoted(out, [micros](char* at) {
    at = write_iso_time(at, micros);
    *at++ = 'Z';
    return at;
  });
  return true;
}

bool ValueWriter::write_zoned_timestamp(const ColumnType& type, const Value& value, TextBuffer& out) {
  if (value.type() != Value::Type::kTimestamp) return false;
  const std::int64_t micros = value.as_int64();
  if (micros == Value::kInfinity || micros == Value::kMinusInfinity) {
    out.append(micros == Value::kInfinity ? "\"infinity\"" : "\"-infinity\"");
    return true;
  }
  append_quoted(out, [&](char* at) {
    at = write_iso_timestamp(at, micros, type.precision.value_or(6));
    *at++ = 'Z';
    return at;
  });
  return true;
}

bool ValueWriter::write_interval(const Value& value, TextBuffer& out) {
  if (value.type() != Value::Type::kInterval) return false;
  const Interval interval = value.as_interval();
  if (options_.interval == IntervalMode::kNumeric) {
    append_integer(approximate_micros(interval), out);
  } else {
    append_quoted(out, [&](char* at) { return write_iso_interval(at, interval); });
  }
  return true;
}

bool ValueWriter::write_hstore(const Value& value, TextBuffer& out) {
  if (!hstore_.read(value)) return false;
  const bool as_text = options_.hstore == HstoreMode::kJson;
  text_ = "{";
  if (!as_text) out.append('{');
  bool first = true;
  for (const HstoreMap::Entry& entry : hstore_.entries()) {
    if (as_text) {
      text_ += (first ? "\"" : ",\"") + jackson_text(entry.key) + "\":";
      text_ += entry.value ? '"' + jackson_text(*entry.value) + '"' : "null";
    } else {
      if (!first) out.append(',');
      write_jackson_string(entry.key, out);
      out.append(':');
      if (entry.value) {
        write_jackson_string(*entry.value, out);
      } else {
        out.append("null");
      }
    }
    first = false;
  }
  if (as_text) {
    write_jackson_string(text_ + '}', out);
  } else {
    out.append('}');
  }
  return true;
}

bool ValueWriter::write_point(const Value& value, TextBuffer& out) {
  double x = 0, y = 0;
  if (!value.is_text() || !parse_point(value.as_text(), x, y)) return false;
  bytes_.assign(1, '\x01');  // little-endian
  append_little_endian(1, 4, bytes_);
  append_little_endian(double_bits(x), 8, bytes_);
  append_little_endian(double_bits(y), 8, bytes_);
  out.append("{\"x\":");
  append_double(x, out);
  out.append(",\"y\":");
  append_double(y, out);
  out.append(",\"wkb\":\"");
  write_base64(bytes_, out);
  out.append("\",\"srid\":null}");
  return true;
}

// PostGIS's EWKB as hexadecimal text: byte order, type with flags (0x20000000: an SRID follows), SRID.
bool ValueWriter::write_geometry(const Value& value, TextBuffer& out) {
  if (!value.is_text()) return false;
  if (value.type() == Value::Type::kBytes) {
    bytes_ = value.as_text();
  } else if (!parse_hex(value.as_text(), bytes_)) {
    return false;
  }
  if (bytes_.size() < 5) return false;
  const bool little = bytes_[0] == 1;
  const auto word = [&](std::size_t at) {
    std::uint32_t number = 0;
    for (std::size_t i = 0; i < 4; ++i) number |= std::uint32_t{static_cast<unsigned char>(bytes_[at + (little ? i : 3 - i)])} << (8 * i);
    return number;
  };
  constexpr std::uint32_t kHasSrid = 0x20000000;
  const bool has_srid = (word(1) & kHasSrid) != 0 && bytes_.size() >= 9;
  out.append("{\"wkb\":\"");
  write_base64(bytes_, out);
  out.append("\",\"srid\":");
  if (has_srid) {
    append_integer(static_cast<std::int32_t>(word(5)), out);
  } else {
    out.append("null");
  }
  out.append('}');
  return true;
}

bool ValueWriter::write_vector(const ColumnType& type, const Value& value, TextBuffer& out) {
  if (!value.is_text()) return false;
  std::string_view text = value.as_text();
  if (!text.starts_with('[') || !text.ends_with(']')) return false;
  text = text.substr(1, text.size() - 2);
  out.append('[');
  for (bool first = true; !text.empty(); first = false) {
    const std::size_t comma = std::min(text.find(','), text.size());
    double number = 0;
    if (!parse_double(text.substr(0, comma), number)) return false;
    if (!first) out.append(',');
    if (type.kind == ColumnKind::kFloatVector) {
      append_float(static_cast<float>(number), out);
    } else {
      append_double(number, out);
    }
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  out.append(']');
  return true;
}

// "{1:1.5,3:2}/5"
bool ValueWriter::write_sparse_vector(const Value& value, TextBuffer& out) {
  if (!value.is_text()) return false;
  const std::string_view text = value.as_text();
  const std::size_t slash = text.find("}/");
  if (!text.starts_with('{') || slash == std::string_view::npos) return false;
  out.append("{\"dimensions\":");
  out.append(text.substr(slash + 2));
  out.append(",\"vector\":[");
  std::string_view pairs = text.substr(1, slash - 1);
  for (bool first = true; !pairs.empty(); first = false) {
    const std::size_t comma = std::min(pairs.find(','), pairs.size());
    const std::string_view pair = pairs.substr(0, comma);
    const std::size_t colon = pair.find(':');
    double number = 0;
    if (colon == std::string_view::npos || !parse_double(pair.substr(colon + 1), number)) return false;
    out.append(first ? "[" : ",[");
    out.append(pair.substr(0, colon));
    out.append(',');
    append_double(number, out);
    out.append(']');
    pairs.remove_prefix(std::min(comma + 1, pairs.size()));
  }
  out.append("]}");
  return true;
}

// "(3,4),(1,2)" -> "(3.0,4.0),(1.0,2.0)"
bool ValueWriter::write_shape(const Value& value, TextBuffer& out) {
  if (!value.is_text()) return false;
  const std::string_view text = value.as_text();
  bytes_.clear();
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i;
    while (end < text.size() && is_number_part(text[end])) ++end;
    if (end == i) {
      bytes_ += text[i++];
      continue;
    }
    double number = 0;
    if (!parse_double(text.substr(i, end - i), number)) return false;
    char buffer[kJavaNumberBytes];
    bytes_.append(buffer, write_java_double(buffer, number));
    i = end;
  }
  write_binary(bytes_, out);
  return true;
}

}  // namespace sluice::debezium
