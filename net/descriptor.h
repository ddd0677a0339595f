#pragma once
// An open file descriptor with an owner.

#include <unistd.h>

#include <utility>

namespace sluice::net {

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void reset() { Descriptor().swap(*this); }

 private:
  void swap(Descriptor& other) noexcept { std::swap(fd_, other.fd_); }
  int fd_;
};

}  // namespace sluice::net
