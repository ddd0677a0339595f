#pragma once
// The names in the first line of a CSV file, for what is checked before anything runs.

#include <string>
#include <vector>

#include "core/result.h"
#include "formats/csv_cells.h"

namespace sluice {

// Reads at most the first 64 KiB.  kInvalidConfig unreadable_file: it cannot be read, is empty or compressed, or its header cannot be
// used.
Result<std::vector<std::string>> csv_header_of_file(const std::string& path, const CsvOptions& options);

}  // namespace sluice
