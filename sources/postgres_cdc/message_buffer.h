#pragma once
// The messages between the thread that reads the socket and the one that decodes: blocks of bytes, handed over a drained socket at a
// time, so that the lock is taken per block and not per row.  One producer, one consumer.
//
//   block = { u32 size | size bytes of one CopyData message }*

#include <chrono>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "core/result.h"

namespace sluice::sources::postgres {

class MessageBlock {
 public:
  static constexpr std::size_t kBytes = 256 * 1024;  // beyond it a new block begins; a larger message has a block of its own

  void append(std::string_view message) {
    const auto size = static_cast<std::uint32_t>(message.size());  // the protocol's own length is an int32
    char head[sizeof size];
    std::memcpy(head, &size, sizeof size);
    bytes_.append(head, sizeof head).append(message);
  }
  std::size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }

  // The next message, or nullopt at the end.  The view lives as long as the block.
  std::optional<std::string_view> next() {
    if (at_ == bytes_.size()) return std::nullopt;
    std::uint32_t size = 0;
    std::memcpy(&size, bytes_.data() + at_, sizeof size);
    const std::string_view message(bytes_.data() + at_ + sizeof size, size);
    at_ += sizeof size + size;
    return message;
  }

 private:
  std::string bytes_;
  std::size_t at_ = 0;
};

class MessageBuffer {
 public:
  // full() from `limit` bytes on; a message that passes it is still taken.
  explicit MessageBuffer(std::size_t limit) : limit_(limit) {}

  // Producer: append() as often as there are messages, then publish().
  void append(std::string_view message);
  void publish();
  bool full() const;
  // No more messages; what is published can still be taken, then error() is set.
  void fail(Error reason);
  // Called by the consumer's take() when the buffer was full and no longer is.  Set before the threads start.
  void on_room(std::function<void()> notify) { notify_room_ = std::move(notify); }

  // Consumer.  Empty after `deadline`, at a stop request, or when all is taken and the producer failed.
  MessageBlock take(std::chrono::steady_clock::time_point deadline, std::stop_token stop);
  std::optional<Error> error() const;

 private:
  const std::size_t limit_;
  std::function<void()> notify_room_;
  MessageBlock open_;  // the producer's alone
  mutable std::mutex mutex_;
  std::condition_variable_any arrived_;
  std::deque<MessageBlock> blocks_;
  std::size_t bytes_ = 0;
  std::optional<Error> error_;
};

}  // namespace sluice::sources::postgres
