#pragma once
// Tables that somebody asked to be read again (`sluice snapshot`): a note in the pipeline's folder, durable before the wish is answered.
//
// A wish names the generation (snapshot_point.h) in which the table is to be read at least.  It is granted once every sink has a position
// of that generation: from then on the checkpoint itself says what is left to read.  A wish that is granted and still stands in the note
// after a crash is seen to be granted by the checkpoint.
//
// One thread.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/fault_points.h"
#include "core/result.h"

namespace sluice::sources::postgres {

class SnapshotWishes {
 public:
  // `path` empty: nothing is kept beyond the process.
  SnapshotWishes(std::string path, FaultPoints& faults) : path_(std::move(path)), faults_(faults) {}

  // Before the rest.  kFatal wishes_unreadable: a wish must not be forgotten silently.
  Status load();
  // All of `wishes` (schema.table, generation) or none.  Durable when it returns.  Errors of storage/durable_file.h.
  Status add(const std::map<std::string, std::uint32_t>& wishes);
  void grant(const std::string& table) { wishes_.erase(table); }  // durable with the next add()

  // The least generation for the table; 0: no wish.
  std::uint32_t generation(const std::string& table) const;
  const std::map<std::string, std::uint32_t>& all() const { return wishes_; }

 private:
  const std::string path_;
  FaultPoints& faults_;
  std::map<std::string, std::uint32_t> wishes_;
};

}  // namespace sluice::sources::postgres
