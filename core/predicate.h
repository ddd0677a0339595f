#pragma once
// A compiled `when:`; expr/ implements it and daemon/ injects it, so that pipeline/ needs no expr/.

#include <cstdint>
#include <span>
#include <vector>

#include "core/batch.h"

namespace sluice {

// One instance per thread: it caches per schema.
class Predicate {
 public:
  virtual ~Predicate() = default;
  // Appends those of `candidates` for which it is true to `holding`, in order.  A record on which it fails goes to `failed`
  // (as index and reason) and to neither side.
  virtual void select(const Batch& batch, std::span<const std::uint32_t> candidates, std::vector<std::uint32_t>& holding,
                      Rejects& failed) = 0;
};

}  // namespace sluice
