#include "sources/http/json_items.h"

#include <algorithm>

namespace sluice::sources {

namespace {

constexpr std::string_view kSpace = " \t\r\n";

std::size_t skip_space(std::string_view text, std::size_t at) { return std::min(text.find_first_not_of(kSpace, at), text.size()); }

// Length of the string that begins `text`, its quotes included; 0: it does not end.
std::size_t string_length(std::string_view text) {
  for (std::size_t at = text.find_first_of("\"\\", 1); at != std::string_view::npos; at = text.find_first_of("\"\\", at + 2)) {
    if (text[at] == '"') return at + 1;
  }
  return 0;
}

std::size_t nested_length(std::string_view text) {
  std::vector<bool> objects;  // the brackets that are open: true for {
  for (std::size_t at = text.find_first_of("{}[]\""); at != std::string_view::npos; at = text.find_first_of("{}[]\"", at)) {
    const char c = text[at];
    if (c == '"') {
      const std::size_t length = string_length(text.substr(at));
      if (length == 0) return 0;
      at += length;
      continue;
    }
    ++at;
    if (c == '{' || c == '[') {
      objects.push_back(c == '{');
      continue;
    }
    if (objects.empty() || objects.back() != (c == '}')) return 0;
    objects.pop_back();
    if (objects.empty()) return at;
  }
  return 0;
}

}  // namespace

std::string_view trim_json(std::string_view text) {
  text.remove_prefix(skip_space(text, 0));
  const std::size_t last = text.find_last_not_of(kSpace);
  return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

std::size_t json_value_length(std::string_view text) {
  if (text.empty()) return 0;
  if (text.front() == '"') return string_length(text);
  if (text.front() == '{' || text.front() == '[') return nested_length(text);
  return std::min(text.find_first_of(",:]}\" \t\r\n"), text.size());
}

bool split_json_array(std::string_view whole, std::vector<TextRange>& items) {
  const std::string_view text = trim_json(whole);
  const std::size_t offset = static_cast<std::size_t>(text.data() - whole.data());
  if (text.size() < 2 || text.front() != '[' || text.back() != ']') return false;
  std::size_t at = skip_space(text, 1);
  if (at + 1 == text.size()) return true;
  while (true) {
    const std::size_t length = json_value_length(text.substr(at));
    if (length == 0) return false;
    items.push_back({offset + at, length});
    at = skip_space(text, at + length);
    if (at + 1 == text.size()) return true;  // the closing bracket
    if (at >= text.size() || text[at] != ',') return false;
    at = skip_space(text, at + 1);
  }
}

std::optional<std::string_view> find_json(std::string_view text, std::span<const std::string> path) {
  text = trim_json(text);
  if (path.empty()) {
    if (json_value_length(text) != text.size() || text.empty()) return std::nullopt;
    return text;
  }
  if (!text.starts_with('{')) return std::nullopt;
  std::size_t at = skip_space(text, 1);
  while (at < text.size() && text[at] == '"') {
    const std::size_t key = string_length(text.substr(at));
    if (key == 0) return std::nullopt;
    const std::string_view name = text.substr(at + 1, key - 2);
    at = skip_space(text, at + key);
    if (at >= text.size() || text[at] != ':') return std::nullopt;
    at = skip_space(text, at + 1);
    const std::size_t length = json_value_length(text.substr(at));
    if (length == 0) return std::nullopt;
    if (name == path.front()) return find_json(text.substr(at, length), path.subspan(1));
    at = skip_space(text, at + length);
    if (at >= text.size() || text[at] != ',') return std::nullopt;
    at = skip_space(text, at + 1);
  }
  return std::nullopt;
}

}  // namespace sluice::sources
