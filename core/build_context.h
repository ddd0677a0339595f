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
  std::string pipeline, component;      // the user's names; for messages and metrics; see also known_as
  unsigned shard = 0, shard_count = 1;  // a source reads its share of the partitions
  std::string state_directory;          // a stateful component's own folder; exists
  std::string instance;                 // random id kept in the data directory, the same after restarts (G24, G30)
  Metrics& metrics;
  SchemaPool& schemas;
  Logger& log;
  Clock& clock;
  FaultPoints& faults;
  // What the outside knows the pipeline by: the name under which sinks keep progress and slots are made.  It outlives a renaming, unlike
  // `pipeline`.  Empty: the same.
  std::string known_as = {};

  const std::string& outside_name() const { return known_as.empty() ? pipeline : known_as; }
};

}  // namespace sluice
