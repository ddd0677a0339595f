#pragma once
// The configuration as sluice sees it: a tree whose every node knows its place in the file.  daemon/ makes it from YAML; core and
// the components never see the YAML library.  Immutable after loading.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice {

// A range in a file; 1-based, columns in code points.  Line 0: no place.
struct Place {
  std::string file;
  std::uint32_t line = 0, column = 0;
  std::uint32_t end_line = 0, end_column = 0;
};

struct ConfigNode {
  enum class Kind : std::uint8_t { kNull, kScalar, kSequence, kMapping };
  enum class Style : std::uint8_t { kPlain, kSingleQuoted, kDoubleQuoted, kLiteral, kFolded };
  using Entry = std::pair<ConfigNode, ConfigNode>;  // key (a scalar), value

  // A stretch of `text` that stands in the file as it is: it begins at `offset` of the text and at line:column of the file.
  struct Run {
    std::size_t offset = 0;
    std::uint32_t line = 0, column = 0;
  };

  Kind kind = Kind::kNull;
  Style style = Style::kPlain;
  bool comment_follows = false;  // plain scalars: a # comment ends the line, so part of an expression may be lost (CONFIG.md rule 15)
  Place place;
  std::string path;               // "transforms[2].filter"
  std::string text;               // scalars: as YAML gives it, before interpolation
  std::vector<Entry> entries;     // mappings, in the file's order; keys are unique
  std::vector<ConfigNode> items;  // sequences
  // Scalars whose text differs from the file's: folded and indented lines, escapes.  Ascending by offset.  Empty: one run that
  // begins at `place` (+1 column when quoted).
  std::vector<Run> runs;

  // Out of line: an entry holds whole nodes, which not every compiler can look into before the class is complete.
  ConfigNode();
  ConfigNode(const ConfigNode& other);
  ConfigNode(ConfigNode&& other) noexcept;
  ConfigNode& operator=(const ConfigNode& other);
  ConfigNode& operator=(ConfigNode&& other) noexcept;
  ~ConfigNode();

  bool is_null() const { return kind == Kind::kNull; }
  bool is_scalar() const { return kind == Kind::kScalar; }
  bool is_sequence() const { return kind == Kind::kSequence; }
  bool is_mapping() const { return kind == Kind::kMapping; }

  // The value at `key` of a mapping, or nullptr.  A value of null counts as not set and gives nullptr.
  const ConfigNode* find(std::string_view key) const;
  // The key's own node, for findings about the key itself; nullptr if absent.
  const ConfigNode* find_key(std::string_view key) const;

  // Place of the byte range [offset, offset + length) of `text`.
  Place place_in_text(std::size_t offset, std::size_t length) const;
};

}  // namespace sluice
