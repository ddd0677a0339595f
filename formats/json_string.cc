#include "formats/json_string.h"

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace sluice {

namespace {

constexpr std::uint32_t kNoCodePoint = 0xffffffff;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// The four digits behind \u.
std::uint32_t hex4(const char* p, const char* end) {
  if (end - p < 4) return kNoCodePoint;
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    const int digit = hex_digit(p[i]);
    if (digit < 0) return kNoCodePoint;
    value = value << 4 | static_cast<std::uint32_t>(digit);
  }
  return value;
}

char* write_utf8(std::uint32_t code, char* out) {
  const auto put = [&out](std::uint32_t byte) { *out++ = static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
  return out;
}

// p: behind \u.  Moves p behind the escape, or behind both of a surrogate pair.
std::uint32_t code_point(const char*& p, const char* end) {
  const std::uint32_t first = hex4(p, end);
  if (first == kNoCodePoint) return first;
  p += 4;
  if (first < 0xd800 || first > 0xdfff) return first;
  if (first > 0xdbff || end - p < 6 || p[0] != '\\' || p[1] != 'u') return kNoCodePoint;
  const std::uint32_t second = hex4(p + 2, end);
  if (second < 0xdc00 || second > 0xdfff) return kNoCodePoint;
  p += 6;
  return 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
}

char simple_escape(char c) {
  switch (c) {
    case '"': return '"';
    case '\\': return '\\';
    case '/': return '/';
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return 0;
  }
}

}  // namespace

JsonUnescaped unescape_json(std::string_view escaped, char* out) {
  const char* p = escaped.data();
  const char* const end = p + escaped.size();
  while (p < end) {
    const auto* backslash = static_cast<const char*>(std::memchr(p, '\\', static_cast<std::size_t>(end - p)));
    const char* const plain_end = backslash == nullptr ? end : backslash;
    const auto plain = static_cast<std::size_t>(plain_end - p);
    std::memmove(out, p, plain);
    out += plain;
    p = plain_end;
    if (p == end) break;
    if (end - p < 2) return {out, p};
    if (p[1] == 'u') {
      const char* behind = p + 2;
      const std::uint32_t code = code_point(behind, end);
      if (code == kNoCodePoint) return {out, p};
      out = write_utf8(code, out);
      p = behind;
    } else {
      const char decoded = simple_escape(p[1]);
      if (decoded == 0) return {out, p};
      *out++ = decoded;
      p += 2;
    }
  }
  return {out, nullptr};
}

}  // namespace sluice
