#pragma once
// Time as a dependency, so that tests can move it.  Any thread.

#include <chrono>
#include <cstdint>
#include <stop_token>

namespace sluice {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual std::chrono::steady_clock::time_point now() const = 0;  // for timers
  virtual std::int64_t utc_microseconds() const = 0;              // since 1970; for stamps, never for order
  // False if `stop` was requested before the time was over.
  virtual bool sleep_for(std::chrono::nanoseconds duration, std::stop_token stop) = 0;
};

// The machine's clock.
class SystemClock final : public Clock {
 public:
  std::chrono::steady_clock::time_point now() const override;
  std::int64_t utc_microseconds() const override;
  bool sleep_for(std::chrono::nanoseconds duration, std::stop_token stop) override;
};

}  // namespace sluice
