#include "sources/postgres_cdc/message_buffer.h"

namespace sluice::sources::postgres {

void MessageBuffer::append(std::string_view message) {
  if (!open_.empty() && open_.size() + message.size() > MessageBlock::kBytes) publish();
  open_.append(message);
}

void MessageBuffer::publish() {
  if (open_.empty()) return;
  {
    const std::lock_guard lock(mutex_);
    bytes_ += open_.size();
    blocks_.push_back(std::move(open_));
  }
  arrived_.notify_one();
  open_ = MessageBlock();
}

bool MessageBuffer::full() const {
  const std::lock_guard lock(mutex_);
  return bytes_ + open_.size() >= limit_;
}

void MessageBuffer::fail(Error reason) {
  publish();
  {
    const std::lock_guard lock(mutex_);
    error_ = std::move(reason);
  }
  arrived_.notify_one();
}

MessageBlock MessageBuffer::take(std::chrono::steady_clock::time_point deadline, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  arrived_.wait_until(lock, stop, deadline, [this] { return !blocks_.empty() || error_.has_value(); });
  if (blocks_.empty()) return {};
  MessageBlock block = std::move(blocks_.front());
  blocks_.pop_front();
  const bool was_full = bytes_ >= limit_;
  bytes_ -= block.size();
  const bool has_room = was_full && bytes_ < limit_;
  lock.unlock();
  if (has_room && notify_room_) notify_room_();
  return block;
}

std::optional<Error> MessageBuffer::error() const {
  const std::lock_guard lock(mutex_);
  return blocks_.empty() ? error_ : std::nullopt;
}

}  // namespace sluice::sources::postgres
