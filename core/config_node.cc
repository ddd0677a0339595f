#include "core/config_node.h"

#include <algorithm>

namespace sluice {

namespace {

std::uint32_t code_points(std::string_view text) {
  return static_cast<std::uint32_t>(std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

}  // namespace

const ConfigNode* ConfigNode::find(std::string_view key) const {
  for (const auto& [name, value] : entries) {
    if (name.text == key) return value.is_null() ? nullptr : &value;
  }
  return nullptr;
}

const ConfigNode* ConfigNode::find_key(std::string_view key) const {
  for (const auto& entry : entries) {
    if (entry.first.text == key) return &entry.first;
  }
  return nullptr;
}

Place ConfigNode::place_in_text(std::size_t offset, std::size_t length) const {
  offset = std::min(offset, text.size());
  const std::string_view before = std::string_view(text).substr(0, offset);
  const auto line_index = static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
  const std::size_t line_begin = line_index == 0 ? 0 : before.rfind('\n') + 1;
  Place result = place;
  const bool quoted = style == Style::kSingleQuoted || style == Style::kDoubleQuoted;
  std::pair<std::uint32_t, std::uint32_t> start{place.line, place.column + (quoted ? 1U : 0U)};
  if (line_index < line_starts.size()) start = line_starts[line_index];
  result.line = start.first;
  result.column = start.second + code_points(before.substr(line_begin));
  result.end_line = result.line;
  result.end_column = result.column + std::max<std::uint32_t>(1, code_points(std::string_view(text).substr(offset, length)));
  return result;
}

}  // namespace sluice
