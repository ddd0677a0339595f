#pragma once
// The corpus of configurations: files under tests/config/ with what must be found in them.
//
// wrong/NAME.yaml ends with the findings that it must give, one a line, warnings included, in the order of the file:
//
//   # expect: 3:5 unknown_key "paths"          line:column code, and the suggestion if there is one
//   # expect: 7:11 warning constant_condition
//
// These lines are cut off before the rest is loaded.  A file whose last bytes matter (an open quote, no line break at the end) has
// them in NAME.expect instead, without "# expect: ".
//
// good/NAME.yaml gives no error; NAME.tree is what tree_of() says of it.  SLUICE_WRITE_TREES=1 writes the trees anew: read them then.
// SLUICE_RECORD_FINDINGS=FILE appends what was expected and what was found, as a person would see it.
//
// Variables that are set: see variables() in corpus.cc.  Components are the real ones.

#include <filesystem>
#include <string>
#include <vector>

#include "daemon/load_pipelines.h"

namespace sluice::test {

std::vector<std::filesystem::path> corpus_files(const std::string& folder);

struct Case {
  std::string name;      // without suffix
  std::string text;      // what is loaded
  std::string expected;  // "3:5 unknown_key "paths"", one a line
};
Case read_case(const std::filesystem::path& path);

daemon::LoadedPipelines load_case(const Case& one);

// In the notation of Case::expected.
std::string findings_of(const daemon::LoadedPipelines& loaded);

// The tree as sluice understands it: aliases and merges resolved, `path = "text"` for every value, then the pipeline: who reads whom,
// and what differs from the defaults.
std::string tree_of(const Case& one, const daemon::PipelineConfig& pipeline);

std::string read_file(const std::filesystem::path& path);

}  // namespace sluice::test
