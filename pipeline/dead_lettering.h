#pragma once
// Puts rejected records into the dead-letter queue, waiting as long as the store cannot take them (G5, G18).

#include <functional>
#include <span>
#include <stop_token>
#include <string>

#include "core/batch.h"
#include "pipeline/runtime.h"

namespace sluice::pipeline {

// One per shard and lane thread.
class DeadLettering {
 public:
  explicit DeadLettering(Runtime& runtime) : runtime_(runtime) {}

  // Each returns when the store has taken the letters; kCancelled when `stop` came first, kFatal when it never will.
  Status put(const Batch& owner, std::span<const Rejected> rejected, const RejectingStage& stage, std::stop_token stop);
  Status put_inputs(const Batch& owner, std::span<const RejectedInput> inputs, const RejectingStage& stage, std::stop_token stop);
  Status flush(std::stop_token stop);

 private:
  Status insist(const std::function<Status()>& attempt, std::stop_token stop);
  void count(const RejectingStage& stage, const Error& reason);  // per letter, which is rare enough for a look-up by labels

  Runtime& runtime_;
};

}  // namespace sluice::pipeline
