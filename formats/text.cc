#include "formats/text.h"

#include <simdjson.h>

#include <algorithm>

namespace sluice {

namespace {

constexpr std::size_t kLongestSequence = 4;  // bytes of a code point

// Length of the well-formed code point that begins at `at`; 0: there is none.
std::size_t sequence_length(std::string_view text, std::size_t at) {
  if (static_cast<unsigned char>(text[at]) < 0x80) return 1;
  for (std::size_t length = 1; length <= std::min(kLongestSequence, text.size() - at); ++length) {
    if (is_valid_utf8(text.substr(at, length))) return length;
  }
  return 0;
}

}  // namespace

bool is_valid_utf8(std::string_view text) { return simdjson::validate_utf8(text.data(), text.size()); }

std::size_t valid_utf8_prefix(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t length = sequence_length(text, at);
    if (length == 0) break;
    at += length;
  }
  return at;
}

}  // namespace sluice
