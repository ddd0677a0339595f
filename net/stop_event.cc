#include "net/stop_event.h"

#include <sys/eventfd.h>

#include <cstdint>
#include <utility>

namespace sluice::net {

void StopEvent::Waker::operator()() const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(fd, &one, sizeof(one));  // cannot fail: the counter is far from full
}

StopEvent::StopEvent(std::stop_token stop)
    : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), callback_(std::move(stop), Waker{event_.get()}) {}

}  // namespace sluice::net
