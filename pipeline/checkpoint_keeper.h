#pragma once
// How far every lane has come, durably, and so what the sources may be told: the minimum (ARCHITECTURE.md, G8, G10, G11).
// Thread-safe: lanes advance it, shards read the minimum.

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/position.h"
#include "core/result.h"
#include "pipeline/checkpoint_store.h"

namespace sluice::pipeline {

class CheckpointKeeper {
 public:
  CheckpointKeeper(CheckpointStore store, std::vector<std::string> sinks);

  // Reads the store.  Before everything else.
  Status load();

  // Tells the keeper what sink `lane` says of itself (Sink::open): nullopt where it keeps no positions.  The lane's checkpoint becomes
  // the sink's where it has one.  kFatal progress_lost when the sink has less than it had committed (G11).
  Status open_lane(std::size_t lane, const std::optional<Checkpoint>& from_sink);

  // After every lane is open: lanes that were never here before are born with the minimum of the others (G10).  Returns
  // them; each must commit its checkpoint to its sink before save().
  std::vector<std::size_t> give_birth();
  // Makes the set of lanes and their checkpoints durable.
  Status save();

  Checkpoint lane(std::size_t lane) const;

  // Lane `lane` has committed `through`: merged, saved, and only then part of the minimum.  kTransient when the store
  // cannot be written: call again.
  Status advance(std::size_t lane, const Checkpoint& through);

  // Checkpoint keys that lane's sink may delete with its next commit (G4).  Lost with the process: open_lane() finds leftovers.
  std::vector<std::string> take_forgotten(std::size_t lane);

  // What every lane has and the store holds; a retired partition stays in it until forget().
  Checkpoint minimum() const;
  // Whoever had to hear of `told` (a minimum) has: its retired partitions are dropped (G4), durably with the next advance().  Not done by
  // advance() itself, because dead letters are settled by the position that is dropped here.
  void forget(const Checkpoint& told);
  // Waits until the minimum is newer than `seen` (or stop, or 200 ms, so that a caller can look at other things); returns its number.
  std::uint64_t wait_newer(std::uint64_t seen, std::stop_token stop) const;
  std::uint64_t version() const;

 private:
  CheckpointStore store_;
  std::vector<std::string> sinks_;
  mutable std::mutex mutex_;
  mutable std::condition_variable_any changed_;
  StoredCheckpoints stored_;  // as the store has it
  std::vector<Checkpoint> lanes_;
  std::vector<bool> born_;  // the lane was in the store, or has been given its start
  std::vector<std::vector<std::string>> forgotten_;
  Checkpoint minimum_;
  std::uint64_t version_ = 0;
};

}  // namespace sluice::pipeline
