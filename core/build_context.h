#pragma once
// All that a component may reach besides its own configuration.  Everything outlives the component.

#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/fault_points.h"
#include "core/logger.h"
#include "core/metrics.h"
#include "core/schema.h"

namespace sluice {

struct BuildContext {
  std::string pipeline, component;      // the user's names; for messages and paths (the runner already labels metrics)
  unsigned shard = 0, shard_count = 1;  // a source reads its share of the partitions
  std::string state_directory;          // a stateful component's own folder; exists
  std::string instance;                 // random id kept in the data directory, the same after restarts (G24, G30)
  Metrics& metrics;
  SchemaPool& schemas;
  Logger& log;
  Clock& clock;
  FaultPoints& faults;
};

}  // namespace sluice
