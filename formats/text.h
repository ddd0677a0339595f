#pragma once
// Properties of text that every codec asks for.  Any thread.

#include <cstddef>
#include <string_view>

namespace sluice {

// What the caller already knows about a piece of text.
enum class Utf8 : unsigned char {
  kUnchecked,  // the callee checks it
  kValid,      // checked as part of a larger block: a valid block cut at line feeds has valid lines
};

// True when `text` is well-formed UTF-8 (RFC 3629: no surrogates, nothing beyond U+10FFFF, no overlong forms).  simdjson's validator.
bool is_valid_utf8(std::string_view text);

// Length of the longest prefix that is well-formed; for messages about text that is not.
std::size_t valid_utf8_prefix(std::string_view text);

}  // namespace sluice
