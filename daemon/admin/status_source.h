#pragma once
// What the admin API and the page of metrics ask the running daemon.

#include <optional>
#include <string_view>
#include <vector>

#include "pipeline/status.h"

namespace sluice::admin {

// Implemented by the daemon over its supervisor.  Called from the HTTP threads, several at once; must answer at once.
class StatusSource {
 public:
  virtual ~StatusSource() = default;

  virtual std::vector<pipeline::PipelineStatus> pipelines() const = 0;
  // One consistent snapshot of a pipeline's lanes (G12); nullopt: no pipeline of that name.
  virtual std::optional<std::vector<pipeline::LaneBooks>> books(std::string_view pipeline) const = 0;
};

}  // namespace sluice::admin
