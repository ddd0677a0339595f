#pragma once
// YAML text to a tree of ConfigNode: the only place that knows the YAML library.
//
// What YAML would accept in silence and do damage with is a finding here (CONFIG.md rule 15): duplicate keys, tags on values, a quote
// that is not closed, a line without a colon, a comma that splits a parenthesis in { }, tabs as indentation.  Anchors, aliases and
// << merge work within limits; top-level keys that begin with x- are left out.  All text stays text: `yes` is "yes".

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "core/diagnostic.h"

namespace sluice::daemon {

struct YamlLimits {
  std::size_t bytes = std::size_t{4} << 20U;        // of the file
  std::size_t depth = 64;                           // of collections in collections
  std::size_t nodes = 100'000;                      // values, aliases expanded
  std::size_t copies = 10'000;                      // of those, what anchors and aliases make beside what is written
  std::size_t text_bytes = std::size_t{16} << 20U;  // of all scalars, aliases expanded
};

// The root of the file's only document; kNull for an empty file.  nullopt when the text could not be read to its end; findings tell
// why.  Findings may be added beside a tree too (duplicate keys, traps): a tree alone does not mean that the file is good.
// `file` is the name that findings carry.  No exceptions.
std::optional<ConfigNode> load_yaml(std::string_view text, const std::string& file, Diagnostics& findings, const YamlLimits& limits = {});

}  // namespace sluice::daemon
