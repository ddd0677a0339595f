#pragma once
// `reference:` of a pipeline file: small data that steps look things up in.

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "core/config_fields.h"

namespace sluice::daemon {

// A CSV file with a header.
struct CsvReference {
  std::string path;
  std::string key;                                   // the column that is looked up
  std::optional<std::chrono::milliseconds> refresh;  // how often the file is looked at for changes; nullopt: never
  static const ConfigFields<CsvReference>& fields();
};

struct ReferenceData {
  std::string name;
  ConfigNode node;  // of the name; without children
  CsvReference csv;
};

// Everything that is wrong goes to the context.  A file that is there is looked at: unreadable_file, or a key that its header lacks; one
// that is not there yet is a warning.
std::vector<ReferenceData> bind_references(const ConfigNode& node, BindContext& context);

}  // namespace sluice::daemon
