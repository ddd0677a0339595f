#pragma once
// For tests that kill the daemon at a chosen moment: SLUICE_FAULT_POINT="name:n" raises SIGKILL at the n-th passage (from 1).
// SLUICE_FAULT_TRACE="path" appends the name of each point to that file when it is passed first, so that tests know what there is.

#include <memory>
#include <string>
#include <string_view>

#include "core/fault_points.h"
#include "core/result.h"

namespace sluice::daemon {

// Points that do nothing when both settings are empty.  kInvalidConfig when `setting` is not "name:n" or the trace cannot be opened.
Result<std::unique_ptr<FaultPoints>> make_fault_points(std::string_view setting, const std::string& trace = {});

}  // namespace sluice::daemon
