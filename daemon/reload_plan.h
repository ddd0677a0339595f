#pragma once
// What a reload would do, from what runs and what the files say now.  Values only.

#include <string>
#include <vector>

#include "daemon/admin/control.h"
#include "pipeline/definition.h"

namespace sluice::daemon {

// A pipeline that runs, and whether its data directory has positions from before.
struct RunningPipeline {
  pipeline::Definition definition;
};

struct NextPipeline {
  pipeline::Definition definition;
  bool has_positions = false;  // its data directory holds a checkpoint
};

// By name.  "none" where the hash of the resolved configuration is the same (G28).
std::vector<admin::PlannedPipeline> plan_reload(const std::vector<RunningPipeline>& running, const std::vector<NextPipeline>& next);

}  // namespace sluice::daemon
