#pragma once
// For tests that kill the daemon at a chosen moment: SLUICE_FAULT_POINT="name:n" raises SIGKILL at the n-th passage (from 1).

#include <memory>
#include <string_view>

#include "core/fault_points.h"
#include "core/result.h"

namespace sluice::daemon {

// Points that do nothing when `setting` is empty.  kInvalidConfig when it is not "name:n".
Result<std::unique_ptr<FaultPoints>> make_fault_points(std::string_view setting);

}  // namespace sluice::daemon
