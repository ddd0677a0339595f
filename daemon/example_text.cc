#include "daemon/example_text.h"

#include <fmt/format.h>

#include <algorithm>

namespace sluice::daemon {

namespace {

// Examples are written as raw strings, which may begin and end with a line break.
std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  while (text.starts_with('\n')) text.remove_prefix(1);
  return text;
}

}  // namespace

std::string indented(std::string_view text, std::string_view indent) {
  std::string result;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    result += std::string(indent) + std::string(text.substr(begin, end - begin)) + "\n";
    begin = end + 1;
  }
  return result;
}

std::string example_file(const Component& component) {
  const std::string_view example = trimmed(component.example);
  const bool block =
      example.find('\n') != std::string_view::npos || (!example.starts_with('{') && example.find(": ") != std::string_view::npos);
  if (block) return std::string(component.name) + ":\n" + indented(example);
  return fmt::format("{}: {}\n", component.name, example);
}

}  // namespace sluice::daemon
