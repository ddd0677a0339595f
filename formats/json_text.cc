#include "formats/json_text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "core/civil_time.h"
#include "core/schema.h"
#include "formats/text_scan.h"

namespace sluice {

namespace {

constexpr std::size_t kPiece = 4096;          // bytes of a long text escaped at a time: bounds the room asked for
constexpr std::size_t kWorstEscape = 6;       // \u00XX
constexpr std::size_t kSurePlainDigits = 17;  // and sign; std::numeric_limits<double>::max_digits10
constexpr std::size_t kIntegerBytes = 24;     // of a 64-bit integer's text, sign included

char* escape_byte(char c, char* out) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  const auto put = [&out](char second) {
    *out++ = '\\';
    *out++ = second;
  };
  switch (c) {
    case '"': put('"'); return out;
    case '\\': put('\\'); return out;
    case '\b': put('b'); return out;
    case '\f': put('f'); return out;
    case '\n': put('n'); return out;
    case '\r': put('r'); return out;
    case '\t': put('t'); return out;
    default: break;
  }
  const auto byte = static_cast<unsigned char>(c);
  if (byte >= 0x20) {
    *out++ = c;
    return out;
  }
  std::memcpy(out, "\\u00", 4);
  out[4] = kHex[byte >> 4];
  out[5] = kHex[byte & 15];
  return out + 6;
}

template <typename Word>
Word load(const char* at) {
  Word word;
  std::memcpy(&word, at, sizeof(word));
  return word;
}

template <typename Word>
void store(char* at, Word word) {
  std::memcpy(at, &word, sizeof(word));
}

// Copies `size` bytes, 4..16, as two overlapping halves; false (nothing of use written) if one of them needs an escape.
template <typename Word>
bool copy_halves(const char* p, std::size_t size, char* out) {
  const auto low = load<Word>(p);
  const auto high = load<Word>(p + size - sizeof(Word));
  // The upper bytes of a widened 32-bit word must not count as control characters.
  const std::uint64_t filler = sizeof(Word) == 8 ? 0 : 0x2020202000000000ULL;
  if ((special_bytes(filler | low) | special_bytes(filler | high)) != 0) return false;
  store(out, low);
  store(out + size - sizeof(Word), high);
  return true;
}

// Copies text in which nothing needs an escape; false if something does.  Never reads outside of the text.
bool copy_plain(const char* p, std::size_t size, char* out) {
  if (size < 4) {
    for (std::size_t i = 0; i < size; ++i) {
      if (p[i] == '"' || p[i] == '\\' || static_cast<unsigned char>(p[i]) < 0x20) return false;
      out[i] = p[i];
    }
    return true;
  }
  if (size < 8) return copy_halves<std::uint32_t>(p, size, out);
  if (size <= 16) return copy_halves<std::uint64_t>(p, size, out);
  const char* const last = p + size - 16;
  const char* const found = find_special(p, last);  // reads up to 15 bytes behind `last`: still inside
  if (found != last) return false;
  std::memcpy(out, p, size - 16);
  return copy_halves<std::uint64_t>(last, 16, out + size - 16);
}

char* escape_all(const char* p, std::size_t size, char* out) {
  for (std::size_t i = 0; i < size; ++i) out = escape_byte(p[i], out);
  return out;
}

// m / 10^places with m < 2^53: if that division gives `value` back, its text identifies the value (at most 15 digits: it is unique) and is
// the shortest.
char* write_few_decimals(char* out, double value) {
  static constexpr std::array<double, 5> kScale = {1, 10, 100, 1000, 10000};
  constexpr double kLimit = 1e11;  // times 10^4 stays within 15 digits
  const double magnitude = std::fabs(value);
  if (!(magnitude < kLimit)) return nullptr;
  for (std::size_t places = 0; places < kScale.size(); ++places) {
    const auto digits = static_cast<std::uint64_t>(magnitude * kScale[places] + 0.5);
    if (static_cast<double>(digits) / kScale[places] != magnitude) continue;
    const auto scale = static_cast<std::uint64_t>(kScale[places]);
    if (std::signbit(value)) *out++ = '-';
    out = std::to_chars(out, out + kIntegerBytes, digits / scale).ptr;
    *out++ = '.';
    std::uint64_t rest = digits % scale;
    const std::size_t width = places == 0 ? 1 : places;
    for (std::size_t i = width; i-- > 0; rest /= 10) out[i] = static_cast<char>('0' + rest % 10);
    return out + width;
  }
  return nullptr;
}

void write_text(std::string_view text, TextBuffer& out) {  // in quotes; nothing to escape
  out.append('"');
  out.append(text);
  out.append('"');
}

// JSON text of a database: valid, but perhaps over several lines; a line break can only stand between tokens.
void write_embedded(std::string_view json, TextBuffer& out) {
  char* at = out.room(json.size());
  for (const char c : json) *at++ = c == '\n' || c == '\r' ? ' ' : c;
  out.end_at(at);
}

void write_list(std::span<const Value> items, TextBuffer& out) {
  out.append('[');
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i != 0) out.append(',');
    write_json_value(items[i], out);
  }
  out.append(']');
}

// JSON's keys are text: 1 becomes "1", true "true".
void write_map_key(const Value& key, TextBuffer& out) {
  if (key.type() == Value::Type::kString) return write_json_string(key.as_text(), out);
  out.append('"');
  write_json_value(key, out);
  out.append('"');
}

void write_map(std::span<const MapEntry> entries, TextBuffer& out) {
  out.append('{');
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (i != 0) out.append(',');
    write_map_key(entries[i].key, out);
    out.append(':');
    write_json_value(entries[i].value, out);
  }
  out.append('}');
}

void write_struct(const Value& value, TextBuffer& out) {
  const auto& fields = value.as_struct_schema().fields();
  const auto values = value.as_struct();
  out.append('{');
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i != 0) out.append(',');
    write_json_string(fields[i].name, out);
    out.append(':');
    write_json_value(values[i], out);
  }
  out.append('}');
}

void write_float(double value, TextBuffer& out) {
  char* at = out.room(kDoubleTextBytes + 2);
  const bool finite = std::isfinite(value);
  if (!finite) *at++ = '"';
  at = write_double(at, value);
  if (!finite) *at++ = '"';
  out.end_at(at);
}

void write_time(const Value& value, TextBuffer& out) {
  char* at = out.room(kTimeTextBytes + 2);
  *at++ = '"';
  at = write_time_value(at, value);
  *at++ = '"';
  out.end_at(at);
}

template <typename T>
void write_integer(T value, TextBuffer& out) {
  char* const at = out.room(kIntegerBytes);
  out.end_at(std::to_chars(at, at + kIntegerBytes, value).ptr);
}

}  // namespace

char* write_double(char* out, double value) {
  if (!std::isfinite(value)) {
    const std::string_view text = std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
    std::memcpy(out, text.data(), text.size());
    return out + text.size();
  }
  if (char* const end = write_few_decimals(out, value); end != nullptr) return end;
  char* end = std::to_chars(out, out + kDoubleTextBytes, value).ptr;
  const std::string_view text(out, static_cast<std::size_t>(end - out));
  if (text.find_first_of(".e") != std::string_view::npos) return end;
  // An integer to read: say that it is none.  A long one has digits that the double does not vouch for.
  if (text.size() > kSurePlainDigits) return std::to_chars(out, out + kDoubleTextBytes, value, std::chars_format::scientific).ptr;
  *end++ = '.';
  *end++ = '0';
  return end;
}

void write_json_string(std::string_view text, TextBuffer& out) {
  out.append('"');
  while (!text.empty()) {
    const std::size_t size = std::min(text.size(), kPiece);
    char* const at = out.room(size * kWorstEscape + 1);
    const bool plain = copy_plain(text.data(), size, at);
    out.end_at(plain ? at + size : escape_all(text.data(), size, at));
    text.remove_prefix(size);
  }
  out.append('"');
}

void write_base64(std::string_view bytes, TextBuffer& out) {
  static constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  char* at = out.room((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t word = 0;
    for (std::size_t j = 0; j < 3; ++j) word = word << 8 | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    for (std::size_t j = 0; j < 4; ++j) *at++ = j <= count ? kAlphabet[word >> (18 - 6 * j) & 63] : '=';
  }
  out.end_at(at);
}

void write_json_value(const Value& value, TextBuffer& out) {
  switch (value.type()) {
    case Value::Type::kNull:
    case Value::Type::kUnchanged: return out.append("null");
    case Value::Type::kBool: return out.append(value.as_bool() ? "true" : "false");
    case Value::Type::kInt64: return write_integer(value.as_int64(), out);
    case Value::Type::kUint64: return write_integer(value.as_uint64(), out);
    case Value::Type::kFloat64: return write_float(value.as_float64(), out);
    case Value::Type::kString: return write_json_string(value.as_text(), out);
    case Value::Type::kDecimal:
    case Value::Type::kUuid:
    case Value::Type::kBits: return write_text(value.as_text(), out);
    case Value::Type::kBytes:
      out.append('"');
      write_base64(value.as_text(), out);
      return out.append('"');
    case Value::Type::kJson: return write_embedded(value.as_text(), out);
    case Value::Type::kList: return write_list(value.as_list(), out);
    case Value::Type::kMap: return write_map(value.as_map(), out);
    case Value::Type::kStruct: return write_struct(value, out);
    case Value::Type::kDate:
    case Value::Type::kTime:
    case Value::Type::kTimeTz:
    case Value::Type::kTimestamp:
    case Value::Type::kLocalTimestamp:
    case Value::Type::kDuration:
    case Value::Type::kInterval: return write_time(value, out);
  }
}

}  // namespace sluice
