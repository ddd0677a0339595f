#include "daemon/stop_signals.h"

#include <pthread.h>

#include <ctime>

namespace sluice::daemon {

StopSignals::StopSignals() {
  sigemptyset(&signals_);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals_, number);
  pthread_sigmask(SIG_BLOCK, &signals_, &before_);
  std::signal(SIGPIPE, SIG_IGN);
}

StopSignals::~StopSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

std::optional<int> StopSignals::wait(std::chrono::milliseconds time) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
  const timespec limit{static_cast<time_t>(seconds.count()), static_cast<long>(std::chrono::nanoseconds(time - seconds).count())};
  const int number = sigtimedwait(&signals_, nullptr, &limit);
  if (number < 0) return std::nullopt;  // EAGAIN: the time is over; EINTR: the caller asks again anyway
  return number;
}

}  // namespace sluice::daemon
