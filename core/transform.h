#pragma once
// One step of a chain.

#include <stop_token>

#include "core/batch.h"
#include "core/result.h"

namespace sluice {

// Rewrites batches in place.  One instance per shard (and per lane for a sink's own chain), so it may keep state without locks.
class Transform {
 public:
  virtual ~Transform() = default;

  virtual Status open(std::stop_token) { return {}; }

  // Looks at batch.active() only.  A record that cannot be handled goes to `rejects` by its index and stays as it was on entry (G19);
  // one to be left out goes to batch.remove(index, fate).  Does not sweep.  New rows are allocated in batch.arena(), never written over
  // the old ones (a fork shares them).  An error as return value is about the step, not about a record.
  virtual Status apply(Batch& batch, Rejects& rejects, std::stop_token stop) = 0;

  virtual Status close() { return {}; }
};

}  // namespace sluice
