#include "formats/debezium/jackson_text.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "formats/text_scan.h"

namespace sluice::debezium {

namespace {

constexpr std::size_t kPiece = 4096;     // bytes of a long text escaped at a time: bounds the room asked for
constexpr std::size_t kWorstEscape = 6;  // \u00XX of one byte; the 12 of a surrogate pair stand for 4 bytes
constexpr std::string_view kHex = "0123456789ABCDEF";

char* write_unit(char* out, std::uint32_t unit) {
  *out++ = '\\';
  *out++ = 'u';
  for (int shift = 12; shift >= 0; shift -= 4) *out++ = kHex[unit >> shift & 15];
  return out;
}

// The character that begins at `p`, four bytes long.
char* write_pair(char* out, const char* p) {
  const auto byte = [p](int i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(p[i])) & 0x3f; };
  const std::uint32_t code = ((byte(0) & 7) << 18 | byte(1) << 12 | byte(2) << 6 | byte(3)) - 0x10000;
  return write_unit(write_unit(out, 0xd800 + (code >> 10)), 0xdc00 + (code & 0x3ff));
}

char short_escape(char c) {
  switch (c) {
    case '"': return '"';
    case '\\': return '\\';
    case '\b': return 'b';
    case '\f': return 'f';
    case '\n': return 'n';
    case '\r': return 'r';
    case '\t': return 't';
    default: return 0;
  }
}

bool is_plain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && c != '"' && c != '\\' && byte < 0xf0;
}

// Bit 7 of each byte of `word` that is 0xf0 or above.
std::uint64_t beyond_bmp(std::uint64_t word) { return word & word << 1 & word << 2 & word << 3 & 0x8080808080808080ULL; }

// Copies plain text from `p` on; gives where it ends.
const char* copy_plain(const char* p, const char* end, char*& out) {
  while (end - p >= 8) {
    const std::uint64_t word = load_word(p);
    if ((special_bytes(word) | beyond_bmp(word)) != 0) break;
    std::memcpy(out, p, 8);
    p += 8;
    out += 8;
  }
  while (p < end && is_plain(*p)) *out++ = *p++;
  return p;
}

const char* write_escape(const char* p, const char* end, char*& out) {
  if (static_cast<unsigned char>(*p) >= 0xf0 && end - p >= 4) {
    out = write_pair(out, p);
    return p + 4;
  }
  if (const char second = short_escape(*p); second != 0) {
    *out++ = '\\';
    *out++ = second;
  } else if (static_cast<unsigned char>(*p) < 0x20) {
    out = write_unit(out, static_cast<unsigned char>(*p));
  } else {
    *out++ = *p;
  }
  return p + 1;
}

// Where a piece of at most kPiece bytes may end: not inside a character.
std::size_t piece_size(std::string_view text) {
  std::size_t size = std::min(text.size(), kPiece);
  while (size < text.size() && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
  return size;
}

}  // namespace

void write_jackson_string(std::string_view text, TextBuffer& out) {
  out.append('"');
  while (!text.empty()) {
    const std::size_t size = piece_size(text);
    const char* p = text.data();
    const char* const end = p + size;
    char* at = out.room(size * kWorstEscape);
    while ((p = copy_plain(p, end, at)) < end) p = write_escape(p, end, at);
    out.end_at(at);
    text.remove_prefix(size);
  }
  out.append('"');
}

std::string jackson_text(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (const char second = short_escape(c); second != 0) {
      result += '\\';
      result += second;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char unit[6];
      result.append(unit, write_unit(unit, static_cast<unsigned char>(c)));
    } else {
      result += c;
    }
  }
  return result;
}

}  // namespace sluice::debezium
