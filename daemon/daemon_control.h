#pragma once
// What the admin API and SIGHUP may ask of a running daemon, done over its supervisor.

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "core/metrics.h"
#include "daemon/admin/control.h"
#include "daemon/load_pipelines.h"
#include "pipeline/supervisor.h"

namespace sluice::daemon {

// Any thread.
class DaemonControl final : public admin::PipelineControl,
                            public admin::PositionControl,
                            public admin::ReloadControl,
                            public admin::TapControl,
                            public admin::LetterControl {
 public:
  struct Parts {
    pipeline::Supervisor& supervisor;
    Metrics& metrics;
    Logger& log;
    Clock& clock;
    std::function<LoadedPipelines()> load;                                              // reads and checks the files again
    std::function<Result<pipeline::Environment>(const std::string& name)> environment;  // of one pipeline; makes its directory
    std::string data_dir;
  };
  // The configuration that runs now counts as a reload that succeeded.
  explicit DaemonControl(Parts parts);

  // Every pipeline is with the supervisor; before, and after end(), everything is refused as not_ready.
  void begin() { ready_ = true; }
  // Waits for a reload that is under way.
  void end();

  Status pause(std::string_view pipeline) override;
  Status resume(std::string_view pipeline) override;
  Status restart(std::string_view pipeline) override;
  Status request_snapshot(std::string_view pipeline, const std::string& source, std::span<const std::string> tables,
                          std::stop_token stop) override;

  Result<pipeline::StoredCheckpoints> positions(std::string_view pipeline) override;
  Status set_positions(std::string_view pipeline, const NewPositions& positions, std::stop_token stop) override;
  Result<std::vector<std::string>> resync(std::string_view pipeline, std::stop_token stop) override;
  Result<std::vector<std::string>> cleanup(std::string_view pipeline, std::stop_token stop) override;

  Result<admin::ReloadReport> reload(Mode mode, std::stop_token stop) override;

  Result<std::unique_ptr<admin::TapSession>> tap(std::string_view pipeline, const admin::TapWish& wish) override;

  Result<std::shared_ptr<dlq::DeadLetterService>> letters(std::string_view pipeline) override;

  // Between the stop of an old pipeline and the start of its new self nothing runs, and yet the daemon has not come to its end.
  bool reloading() const { return reloading_; }

 private:
  Result<pipeline::Supervisor::Handle> find(std::string_view name) const;
  void apply(std::vector<pipeline::Definition> next, admin::ReloadReport& report, const std::stop_token& stop);
  void stop_all(const std::vector<std::string>& names);
  Status start(const pipeline::Definition& definition);
  Status refusal(const std::string& name, const std::stop_token& stop) const;
  void finish_load(bool good);

  const Parts parts_;
  Gauge& success_;
  Gauge& time_;
  std::mutex reload_mutex_;
  std::atomic<bool> ready_{false}, reloading_{false};
  const std::shared_ptr<std::atomic<int>> open_taps_ = std::make_shared<std::atomic<int>>(0);
};

}  // namespace sluice::daemon
