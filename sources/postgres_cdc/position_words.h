#pragma once
// Words and numbers in the texts of positions and notes.

#include <charconv>
#include <string_view>

namespace sluice::sources::postgres {

// The whole of `text` is a number of the base; else false, and `out` is unspecified.
template <typename T>
bool parse_number(std::string_view text, T& out, int base = 10) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  return error == std::errc() && end == text.data() + text.size();
}

// Cuts the text up to the next `separator` off `rest`, which then begins behind it.
inline std::string_view next_word(std::string_view& rest, char separator = ' ') {
  const std::size_t place = rest.find(separator);
  const std::string_view word = rest.substr(0, place);
  rest = place == std::string_view::npos ? std::string_view() : rest.substr(place + 1);
  return word;
}

}  // namespace sluice::sources::postgres
