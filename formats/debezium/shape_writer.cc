#include "formats/debezium/shape_writer.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string_view>

#include "formats/debezium/java_number.h"
#include "formats/debezium/payload_text.h"
#include "formats/json_text.h"

namespace sluice::debezium {

namespace {

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

bool is_number_part(char c) {
  return (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

}  // namespace

bool write_point(const Value& value, std::string& bytes, TextBuffer& out) {
  double x = 0, y = 0;
  if (!value.is_text() || !parse_point(value.as_text(), x, y)) return false;
  bytes.assign(1, '\x01');  // little-endian
  append_little_endian(1, 4, bytes);
  append_little_endian(double_bits(x), 8, bytes);
  append_little_endian(double_bits(y), 8, bytes);
  out.append("{\"x\":");
  append_double(x, out);
  out.append(",\"y\":");
  append_double(y, out);
  out.append(",\"wkb\":\"");
  write_base64(bytes, out);
  out.append("\",\"srid\":null}");
  return true;
}

// PostGIS's EWKB as hexadecimal text: byte order, type with flags (0x20000000: an SRID follows), SRID.
bool write_geometry(const Value& value, std::string& bytes, TextBuffer& out) {
  if (!value.is_text()) return false;
  if (value.type() == Value::Type::kBytes) {
    bytes = value.as_text();
  } else if (!parse_hex(value.as_text(), bytes)) {
    return false;
  }
  if (bytes.size() < 5) return false;
  const bool little = bytes[0] == 1;
  const auto word = [&](std::size_t at) {
    std::uint32_t number = 0;
    for (std::size_t i = 0; i < 4; ++i) number |= std::uint32_t{static_cast<unsigned char>(bytes[at + (little ? i : 3 - i)])} << (8 * i);
    return number;
  };
  constexpr std::uint32_t kHasSrid = 0x20000000;
  const bool has_srid = (word(1) & kHasSrid) != 0 && bytes.size() >= 9;
  out.append("{\"wkb\":\"");
  write_base64(bytes, out);
  out.append("\",\"srid\":");
  if (has_srid) {
    append_integer(static_cast<std::int32_t>(word(5)), out);
  } else {
    out.append("null");
  }
  out.append('}');
  return true;
}

bool write_vector(const Value& value, bool as_float, TextBuffer& out) {
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
    if (as_float) {
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
bool write_sparse_vector(const Value& value, TextBuffer& out) {
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
bool shape_text(const Value& value, std::string& bytes) {
  if (!value.is_text()) return false;
  const std::string_view text = value.as_text();
  bytes.clear();
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i;
    while (end < text.size() && is_number_part(text[end])) ++end;
    if (end == i) {
      bytes += text[i++];
      continue;
    }
    double number = 0;
    if (!parse_double(text.substr(i, end - i), number)) return false;
    char buffer[kJavaNumberBytes];
    bytes.append(buffer, write_java_double(buffer, number));
    i = end;
  }
  return true;
}

}  // namespace sluice::debezium
