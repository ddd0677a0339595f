#pragma once
// Puts rejected records into the dead-letter queue, waiting as long as the store cannot take them (G5, G18).

#include <functional>
#include <span>
#include <stop_token>
#include <string>

#include "core/batch.h"
#include "pipeline/runtime.h"

namespace sluice::pipeline {

// A replayed letter that would overwrite a newer row of its key (G20).
inline constexpr std::string_view kStaleLetter = "stale_letter";

// One per shard and lane thread.
class DeadLettering {
 public:
  explicit DeadLettering(Runtime& runtime) : runtime_(runtime) {}

  // Each returns when the store has taken the letters; kCancelled when `stop` came first, kFatal when it never will, or when these letters
  // are beyond the budget: then they are durable, for the operator who wonders why, and are made again by a restart.
  Status put(const Batch& owner, std::span<const Rejected> rejected, const RejectingStage& stage, std::stop_token stop);
  Status put_inputs(const Batch& owner, std::span<const RejectedInput> inputs, const RejectingStage& stage, std::stop_token stop);
  Status flush(std::stop_token stop);

 private:
  Status insist(const std::function<Status()>& attempt, std::stop_token stop);
  Status within_budget(const Batch& owner, std::size_t letters, std::stop_token stop);
  void count(const RejectingStage& stage, std::string_view code, std::size_t letters);
  template <typename Entries>
  void count_all(const RejectingStage& stage, const Entries& entries);

  Runtime& runtime_;
};

}  // namespace sluice::pipeline
