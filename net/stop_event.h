#pragma once
// A stop token that poll() can wait for.

#include <stop_token>

#include "net/descriptor.h"

namespace sluice::net {

// Readable once `stop` was requested.  Used by one thread.
class StopEvent {
 public:
  explicit StopEvent(std::stop_token stop);
  int fd() const { return event_.get(); }

 private:
  struct Waker {
    int fd;
    void operator()() const;
  };
  Descriptor event_;
  std::stop_callback<Waker> callback_;
};

}  // namespace sluice::net
