#include "pipeline/bounded_queue.h"

namespace sluice::pipeline {

bool BoundedQueue::has_room(std::size_t bytes) const { return held_ == 0 || held_ + bytes <= limit_ || (needs_more_ && items_.empty()); }

bool BoundedQueue::push(std::shared_ptr<const Batch> batch, std::stop_token stop) {
  const std::size_t bytes = batch->bytes();
  std::unique_lock lock(mutex_);
  if (!closed_ && !has_room(bytes)) {
    const auto began = std::chrono::steady_clock::now();
    changed_.wait(lock, stop, [&] { return closed_ || has_room(bytes); });
    blocked_ += std::chrono::steady_clock::now() - began;
  }
  if (closed_ || !has_room(bytes)) return false;
  held_ += bytes;
  items_.push_back({std::move(batch), bytes});
  changed_.notify_all();
  return true;
}

BoundedQueue::Item BoundedQueue::pop(std::chrono::steady_clock::time_point until, Appetite appetite, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  if (items_.empty() && !closed_) {
    needs_more_ = appetite == Appetite::kNeedsMore;
    if (needs_more_) changed_.notify_all();
    changed_.wait_until(lock, stop, until, [&] { return closed_ || !items_.empty(); });
    needs_more_ = false;
  }
  if (items_.empty()) return {};
  Item item = std::move(items_.front());
  items_.pop_front();
  return item;
}

void BoundedQueue::release(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  held_ -= bytes;
  changed_.notify_all();
}

void BoundedQueue::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

bool BoundedQueue::drained() const {
  const std::lock_guard lock(mutex_);
  return closed_ && items_.empty();
}

std::size_t BoundedQueue::held_bytes() const {
  const std::lock_guard lock(mutex_);
  return held_;
}

std::chrono::nanoseconds BoundedQueue::blocked() const {
  const std::lock_guard lock(mutex_);
  return blocked_;
}

}  // namespace sluice::pipeline
