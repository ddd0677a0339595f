#pragma once
// One record of the progress topic (G24):
//
//   key    <transactional.id>/<source>/<partition>
//   value  {"v":1,"instance":"...","major":"...","minor":"...","resume":"<base64>","retired":false}
//
// major and minor are decimal text because JSON readers lose digits of 64-bit numbers.

#include <optional>
#include <string>
#include <string_view>

#include "core/position.h"
#include "core/result.h"

namespace sluice::sinks {

struct ProgressRecord {
  std::string instance;
  Position position;
  bool operator==(const ProgressRecord&) const = default;
};

std::string write_progress(const ProgressRecord& record);
// kFatal progress_corrupt; progress_newer when a newer sluice wrote it.
Result<ProgressRecord> read_progress(std::string_view value);

}  // namespace sluice::sinks
