#pragma once
// Whether a pipeline is to run, as somebody last decided: <state>/desired_state, one line, replaced atomically.
//
//   sluice-desired-state 1 paused <microseconds since 1970 UTC>
//
// No file: it is to run.  A file that is not like this pauses the pipeline: to run what somebody stopped would be worse.

#include <cstdint>
#include <string>

#include "core/fault_points.h"
#include "core/result.h"

namespace sluice::pipeline {

struct DesiredState {
  bool paused = false;
  std::int64_t since = 0;    // microseconds since 1970 UTC; 0: always
  std::string problem = {};  // why the file could not be understood; empty: it could
};

DesiredState load_desired_state(const std::string& state_directory);

// Durable when it returns; fault points desired_state.before_* / after_*.
Status save_desired_state(const std::string& state_directory, const DesiredState& state, FaultPoints& faults);

}  // namespace sluice::pipeline
