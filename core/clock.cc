#include "core/clock.h"

#include <condition_variable>
#include <mutex>

namespace sluice {

std::chrono::steady_clock::time_point SystemClock::now() const { return std::chrono::steady_clock::now(); }

std::int64_t SystemClock::utc_microseconds() const {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

bool SystemClock::sleep_for(std::chrono::nanoseconds duration, std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  return !wake.wait_for(lock, stop, duration, [&] { return stop.stop_requested(); }) && !stop.stop_requested();
}

}  // namespace sluice
