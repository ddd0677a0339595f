#pragma once
// sluice_source_lag_seconds: how long ago the source was, for sure, level with its server.
//
//   caught up, and it looked a moment ago                     0
//   behind, or nobody looked for kStale (the pipeline is      now - the later of: commit time of the newest transaction read,
//   blocked by a sink, the connection is down)                      last moment of being caught up
//
// So it grows while nothing moves, whatever the reason.  Any thread.

#include <chrono>
#include <cstdint>
#include <mutex>

#include "core/clock.h"
#include "core/metrics.h"

namespace sluice::sources::postgres {

class SourceLag {
 public:
  // A read() waits for at most a few hundred milliseconds, so after this long something keeps the source from reading.
  static constexpr std::chrono::seconds kStale{3};

  SourceLag(Gauge& gauge, const Clock& clock);

  enum class Reached : std::uint8_t { kEndOfLog, kMore };  // nothing was at hand any more, or there was
  // After every read.  `commit_time`: of the newest transaction that was read, microseconds since 1970 UTC by the server's clock;
  // 0: none was.
  void read_done(Reached reached, std::int64_t commit_time);

  // The server has log that it has not sent yet, beyond what is on its way at any moment: it is decoding a large transaction.
  void server_holds_back(bool holds) {
    update([&] { held_back_ = holds; });
  }
  // The server's clock minus ours, microseconds.
  void clock_offset(std::int64_t microseconds) {
    update([&] { offset_ = microseconds; });
  }

  // Writes the gauge anew; called about every second, and by read_done().
  void refresh();

 private:
  template <typename F>
  void update(F change) {
    const std::lock_guard lock(mutex_);
    change();
  }
  void write();

  Gauge& gauge_;
  const Clock& clock_;
  std::mutex mutex_;
  bool caught_up_ = false, held_back_ = false;
  std::int64_t level_ = 0;  // when it was surely level with the server; microseconds since 1970 UTC, our clock
  std::int64_t offset_ = 0;
  std::chrono::steady_clock::time_point last_read_;
};

}  // namespace sluice::sources::postgres
