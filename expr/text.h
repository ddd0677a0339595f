#pragma once
// UTF-8 as expressions need it.  Stateless.

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::expr {

bool is_valid_utf8(std::string_view text);

// False for surrogates and beyond U+10FFFF; nothing is appended then.
bool append_utf8(std::string& out, std::uint32_t code_point);

// Of valid UTF-8; a broken byte counts as one.
std::size_t count_code_points(std::string_view text);

// Byte offset of the code point number `index`, text.size() when that is just beyond the last, npos further out.
std::size_t offset_of_code_point(std::string_view text, std::size_t index);

// For messages: control characters and broken UTF-8 as \xHH, at most 80 bytes.
std::string printable(std::string_view text);

}  // namespace sluice::expr
