#pragma once
// Where wishes for a snapshot wait for the shard's thread, which passes by between two reads.

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "core/source.h"

namespace sluice::pipeline {

// Any thread asks, one at a time; one thread serves.  Shared by the shard and those who ask.
class SnapshotDesk {
 public:
  // Blocks until the source has taken the wish or refused it.  kTransient source_busy when its thread does not come by within 30 s (it
  // waits for a sink) or another wish is waiting; kFatal not_running once the desk is closed; else what the source says.
  Status ask(std::span<const std::string> tables, std::stop_token stop);

  // The shard's thread; costs one relaxed load when nobody asks.
  void serve(Source& source) {
    if (waiting_.load(std::memory_order_relaxed)) answer(source);
  }
  void close();

 private:
  void answer(Source& source);

  std::atomic<bool> waiting_{false};
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<std::string> tables_;
  std::optional<Status> answer_;
  bool closed_ = false;
};

}  // namespace sluice::pipeline
