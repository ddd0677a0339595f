#pragma once
// Where values stand in a JSON text, without reading them: an array is cut into its items, and one bad item spoils no other.  What is
// between the brackets and quotes is for the reader of the item to judge.  Any thread.

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::sources {

// A part of a text.  Stays right when the text is moved, as a view would not.
struct TextRange {
  std::size_t begin = 0, size = 0;
};

// The items of the array that `text` is, white space around it allowed.  False where it is none: brackets or quotes that do not close,
// an item that is missing, text behind the end.  Items stand without white space around them.
bool split_json_array(std::string_view text, std::vector<TextRange>& items);

// Length of the value that begins `text` (no white space before it); 0: it does not end.
std::size_t json_value_length(std::string_view text);

// The text of the value at `path` (keys of objects inside each other; an empty path is the whole); nullopt: no such value, or no JSON.
// Keys are compared as they are written.
std::optional<std::string_view> find_json(std::string_view text, std::span<const std::string> path);

std::string_view trim_json(std::string_view text);

}  // namespace sluice::sources
