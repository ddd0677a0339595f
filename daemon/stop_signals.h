#pragma once
// SIGTERM and SIGINT as values: blocked in every thread and waited for in one, so that no code ever runs in a signal handler.

#include <chrono>
#include <optional>

#include <csignal>

namespace sluice::daemon {

// Make it in the main thread before any other thread starts; they inherit the mask.  SIGPIPE is ignored from then on: a broken
// connection is an error of a write.  The destructor restores the mask.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  // The next SIGTERM, SIGINT or SIGHUP; nullopt when none came in time.
  std::optional<int> wait(std::chrono::milliseconds time);

 private:
  sigset_t signals_{};
  sigset_t before_{};
};

}  // namespace sluice::daemon
