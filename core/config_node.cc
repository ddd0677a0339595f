#include "core/config_node.h"

#include <algorithm>

namespace sluice {

namespace {

std::uint32_t code_points(std::string_view text) {
  return static_cast<std::uint32_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

}  // namespace

ConfigNode::ConfigNode() = default;
ConfigNode::ConfigNode(const ConfigNode& other) = default;
ConfigNode::ConfigNode(ConfigNode&& other) noexcept = default;
ConfigNode& ConfigNode::operator=(const ConfigNode& other) = default;
ConfigNode& ConfigNode::operator=(ConfigNode&& other) noexcept = default;
ConfigNode::~ConfigNode() = default;

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
  const bool quoted = style == Style::kSingleQuoted || style == Style::kDoubleQuoted;
  Run run{0, place.line, place.column + (quoted ? 1U : 0U)};
  const auto after = std::upper_bound(runs.begin(), runs.end(), offset, [](std::size_t at, const Run& r) { return at < r.offset; });
  if (after != runs.begin()) run = *std::prev(after);
  const std::string_view all = text;
  Place result = place;
  result.line = run.line;
  result.column = run.column + code_points(all.substr(run.offset, offset - run.offset));
  result.end_line = result.line;
  // A range that goes on in another run is marked to the end of the first: a caret line shows one line anyway.
  const std::size_t end = std::min(offset + length, after == runs.end() ? all.size() : after->offset);
  result.end_column = result.column + std::max<std::uint32_t>(1, code_points(all.substr(offset, end > offset ? end - offset : 0)));
  return result;
}

}  // namespace sluice
