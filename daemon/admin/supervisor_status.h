#pragma once
// The supervisor of pipeline/ as a StatusSource.

#include "daemon/admin/status_source.h"
#include "pipeline/supervisor.h"

namespace sluice::admin {

// `supervisor` must outlive it and may not start pipelines while it is asked.
class SupervisorStatus final : public StatusSource {
 public:
  explicit SupervisorStatus(const pipeline::Supervisor& supervisor) : supervisor_(supervisor) {}

  std::vector<pipeline::PipelineStatus> pipelines() const override { return supervisor_.statuses(); }
  std::optional<std::vector<pipeline::LaneBooks>> books(std::string_view name) const override {
    const pipeline::Pipeline* found = supervisor_.find(name);
    if (found == nullptr) return std::nullopt;
    return found->books();
  }

 private:
  const pipeline::Supervisor& supervisor_;
};

}  // namespace sluice::admin
