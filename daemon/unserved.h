#pragma once
// Where records may reach only sinks with a `when`, so that one which none of them takes would vanish (CONFIG.md rule 5).

#include <string>
#include <vector>

#include "daemon/pipeline_config.h"

namespace sluice::daemon {

struct Unserved {
  std::string name;      // of the source, step or output whose readers all have a `when`
  bool only_way = true;  // its records go nowhere else, so it can be told here which of them no sink takes
};

// `pipeline` has a graph without errors.
std::vector<Unserved> unserved_places(const PipelineConfig& pipeline);

// "eu" of "route.eu" is an output; a name without a dot is a source or step itself.
std::string producer_of(const std::string& from);

}  // namespace sluice::daemon
