#pragma once
// What the admin API sees of a daemon from its first moment: its address is taken before anything is started.

#include <atomic>

#include "daemon/admin/status_source.h"
#include "pipeline/supervisor.h"

namespace sluice::daemon {

// Any thread.
class RunStatus final : public admin::StatusSource {
 public:
  // Pipelines of these names are shown as building until started().
  explicit RunStatus(std::vector<std::string> names) : names_(std::move(names)) {}

  // All pipelines are in `supervisor`, which must outlive the users of this object.
  void started(const pipeline::Supervisor& supervisor) { supervisor_.store(&supervisor, std::memory_order_release); }

  std::vector<pipeline::PipelineStatus> pipelines() const override {
    if (const auto* supervisor = supervisor_.load(std::memory_order_acquire)) return supervisor->statuses();
    std::vector<pipeline::PipelineStatus> result(names_.size());
    for (std::size_t i = 0; i < names_.size(); ++i) result[i].name = names_[i];
    return result;
  }

  std::optional<std::vector<pipeline::LaneBooks>> books(std::string_view name) const override {
    const auto* supervisor = supervisor_.load(std::memory_order_acquire);
    const auto found = supervisor == nullptr ? nullptr : supervisor->find(name);
    if (!found) return std::nullopt;
    return found->books();
  }

 private:
  const std::vector<std::string> names_;
  std::atomic<const pipeline::Supervisor*> supervisor_{nullptr};
};

}  // namespace sluice::daemon
