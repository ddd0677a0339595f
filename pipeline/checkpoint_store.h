#pragma once
// The pipeline's checkpoints on disk: one small file, replaced atomically (G29).
//
//   line 1   sluice-checkpoint <version> <FNV-1a 64 of the rest, 16 hex digits>
//   rest     JSON: {"sequence": n, "lanes": {"<sink>": {"<source>/<partition>": {"major": "..", "minor": "..", "resume": "<hex>",
//   "retired": bool}}}}
//
// A rename is atomic, so a crash leaves the old or the new file, never a torn one.  A file whose checksum does not hold was damaged
// later, when its positions may long have been acknowledged: it is refused as position_lost, never guessed around (G11).

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "core/fault_points.h"
#include "core/position.h"
#include "core/result.h"

namespace sluice::pipeline {

struct StoredCheckpoints {
  std::uint64_t sequence = 0;               // grows by one with every save
  std::map<std::string, Checkpoint> lanes;  // by sink; a sink that is in here has been born (G10)
};

class CheckpointStore {
 public:
  // `who` (static text) names the fault points.
  CheckpointStore(std::string path, FaultPoints& faults, std::string_view who = "checkpoint_store")
      : path_(std::move(path)), faults_(faults), who_(who) {}

  // Empty when there is no file yet.  kFatal: position_lost (damaged), checkpoint_too_new (written by a newer version).
  Result<StoredCheckpoints> load() const;
  // Durable when it returns.  kTransient: the disk is full or unwell; the old file still stands.
  Status save(const StoredCheckpoints& state);

 private:
  std::string path_;
  FaultPoints& faults_;
  std::string_view who_;
};

}  // namespace sluice::pipeline
