#pragma once
// What the threads of a pipeline report about themselves: errors, waiting, progress.  Thread-safe; owned by the Pipeline.

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "core/clock.h"
#include "core/logger.h"
#include "core/metrics.h"
#include "pipeline/status.h"

namespace sluice::pipeline {

class Monitor {
 public:
  Monitor(std::string pipeline, Metrics& metrics, Logger& log, Clock& clock);

  // An error that somebody will act on; counted always, logged unless it is the last one of `who` ("source orders") once more.
  void report(const std::string& who, const Error& error);
  // What `who` failed at has worked: its next error is a new one, to be logged even if it is the same.
  void recovered(const std::string& who);
  // The first fatal error wins; the pipeline ends as failed with it.
  void fail(const std::string& who, const Error& error);
  std::optional<Error> failure() const;

  // While one exists its pipeline counts as backing off.
  class BackingOff {
   public:
    explicit BackingOff(Monitor& monitor) : monitor_(monitor) { ++monitor_.backing_off_; }
    ~BackingOff() { --monitor_.backing_off_; }
    BackingOff(const BackingOff&) = delete;
    BackingOff& operator=(const BackingOff&) = delete;

   private:
    Monitor& monitor_;
  };
  bool backing_off() const { return backing_off_ > 0; }

  // A thread got something done, were it only finding that there is nothing to do.
  void progressed() { last_progress_.store(clock_.utc_microseconds(), std::memory_order_relaxed); }
  std::int64_t last_progress() const { return last_progress_.load(std::memory_order_relaxed); }
  std::optional<LastError> last_error() const;

 private:
  Counter& errors_of(ErrorKind kind);

  const std::string pipeline_;
  Metrics& metrics_;
  Logger& log_;
  Clock& clock_;
  std::atomic<int> backing_off_{0};
  std::atomic<std::int64_t> last_progress_{0};
  mutable std::mutex mutex_;
  std::optional<LastError> last_error_;  // of anybody; stays after a recovery, with its time
  std::map<std::string, std::pair<std::string, std::string>> failing_;  // who -> code and message
  std::optional<Error> failure_;
};

}  // namespace sluice::pipeline
