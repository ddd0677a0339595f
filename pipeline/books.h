#pragma once
// The books of a pipeline's lanes (G12).  Each event is one change under one lock, so a snapshot always balances - unless a record
// got lost, which is what the books are for.  In-flight records are counted by the batches that hold them, never as a difference.

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "pipeline/status.h"

namespace sluice::pipeline {

struct LaneTally {
  LaneBooks books;  // in_flight is filled by snapshot()
  std::uint64_t in_shard = 0, in_queue = 0, in_lane = 0;
};

class Books {
 public:
  explicit Books(const std::vector<std::string>& sinks);

  // Calls change(std::vector<LaneTally>&) under the lock; `change` must be short.
  template <typename F>
  void change(F&& change) {
    const std::lock_guard lock(mutex_);
    change(tallies_);
  }
  std::vector<LaneBooks> snapshot() const;

 private:
  mutable std::mutex mutex_;
  std::vector<LaneTally> tallies_;
};

}  // namespace sluice::pipeline
