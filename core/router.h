#pragma once
// A step with several outputs.

#include <cstdint>
#include <span>
#include <stop_token>
#include <vector>

#include "core/batch.h"
#include "core/result.h"

namespace sluice {

// Where the records of one batch go: indices into it, ascending.  Kept by the runner from batch to batch, so that nothing is allocated.
struct Routes {
  std::vector<std::vector<std::uint32_t>> outputs;  // by the component's list of outputs; a record may be in several
  std::vector<std::uint32_t> dead_letters;          // no condition held, and the configuration says dead_letter
  void clear() {
    for (auto& output : outputs) output.clear();
    dead_letters.clear();
  }
};

// Decides, and changes nothing: the runner copies the records.  A record that is in no list and not rejected is left out (filtered).
// One instance per shard, one thread.
class Router {
 public:
  virtual ~Router() = default;

  // Appends each of batch.active() to `routes`, which is empty; a record that cannot be judged goes to `rejects` and into no list (G19).
  // An error as return value is about the step.
  virtual Status route(const Batch& batch, Routes& routes, Rejects& rejects, std::stop_token stop) = 0;
};

}  // namespace sluice
