#pragma once
// Batches between the shards and one lane; a full queue is the pipeline's back-pressure.
//
// The limit is in bytes and counts what waits here and what the lane has taken but not committed: release() gives room back.  One
// batch is admitted however large it is when nothing else is held, or when the lane cannot commit before it has more (G13).
// Thread-safe: many shards push, one lane pops.

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <stop_token>

#include "core/batch.h"

namespace sluice::pipeline {

class BoundedQueue {
 public:
  struct Item {
    std::shared_ptr<const Batch> batch;  // null: nothing came in time
    std::size_t bytes = 0;               // to be given back by release()
  };
  // What the lane can do while it waits.
  enum class Appetite : std::uint8_t { kNormal, kNeedsMore };

  explicit BoundedQueue(std::size_t limit_bytes) : limit_(limit_bytes) {}

  // Blocks while full.  False: stop was requested or the queue is closed, and the batch was not taken.
  bool push(std::shared_ptr<const Batch> batch, std::stop_token stop);
  // Blocks until something is there, `until`, `stop` or close().
  Item pop(std::chrono::steady_clock::time_point until, Appetite appetite, std::stop_token stop);
  void release(std::size_t bytes);
  // No more pushes; pop() still gives what is there.
  void close();
  bool drained() const;  // closed and empty

  std::size_t limit_bytes() const { return limit_; }
  std::size_t held_bytes() const;
  std::chrono::nanoseconds blocked() const;  // how long push() has waited in all

 private:
  bool has_room(std::size_t bytes) const;

  const std::size_t limit_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Item> items_;
  std::size_t held_ = 0;  // queued + taken and not released
  bool needs_more_ = false;
  bool closed_ = false;
  std::chrono::nanoseconds blocked_{0};
};

}  // namespace sluice::pipeline
