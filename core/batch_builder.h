#pragma once
// What a Source appends to during one read().  Knows its limits; a full builder ends the read.  One thread.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>

#include "core/batch.h"

namespace sluice {

struct BatchLimits {
  std::size_t records = 2048;             // large enough that work per batch does not show, small enough to stay in cache
  std::size_t bytes = 1024 * 1024;        // of arena
  std::chrono::milliseconds linger{200};  // how long read() may wait for input that is not at hand
};

class BatchBuilder {
 public:
  BatchBuilder(std::shared_ptr<Batch> batch, BatchLimits limits) : batch_(std::move(batch)), limits_(limits) {
    batch_->records().reserve(limits.records);
  }

  Batch& batch() { return *batch_; }
  Arena& arena() { return batch_->arena(); }
  Checkpoint& through() { return batch_->through(); }
  std::uint16_t partition(std::string_view name) { return batch_->partition(name); }

  bool full() const {
    const std::size_t inputs = batch_->size() + batch_->rejected_inputs().size();
    return inputs >= limits_.records || batch_->arena().capacity() >= limits_.bytes;
  }
  bool empty() const { return batch_->size() == 0 && batch_->rejected_inputs().empty(); }
  std::chrono::milliseconds linger() const { return limits_.linger; }

  // Appends a record; its spans must point into arena() or into static memory, its schema must be kept (Batch::keep).
  Record& append(const Record& record) {
    ++batch_->counts().in;
    batch_->records().push_back(record);
    return batch_->records().back();
  }

  // An input that is no record: becomes a dead letter in its place in the order.  `raw` is copied.
  void reject(std::uint16_t partition, Ordinal ordinal, std::string_view raw, Error reason) {
    ++batch_->counts().in;
    batch_->rejected_inputs().push_back({partition, ordinal, arena().copy(raw), std::move(reason)});
  }

  void forbid_commit() { batch_->set_commit_allowed(false); }  // inside a snapshot chunk (G13)
  void commit_soon() { batch_->set_commit_wanted(true); }

  std::shared_ptr<Batch> take() { return std::move(batch_); }

 private:
  std::shared_ptr<Batch> batch_;
  BatchLimits limits_;
};

}  // namespace sluice
