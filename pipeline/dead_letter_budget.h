#pragma once
// How many dead letters a pipeline may make before it is better stopped (G21).  Thread-safe; one per run, so a restart begins anew.

#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>

#include "core/clock.h"
#include "core/result.h"
#include "pipeline/definition.h"

namespace sluice::pipeline {

class DeadLetterBudget {
 public:
  // `share` says nothing of fewer records than this.
  static constexpr std::uint64_t kLeastRecords = 100;

  DeadLetterBudget(std::optional<DeadLetterBudgetPolicy> policy, const Clock& clock) : policy_(policy), clock_(clock) {}

  void note_records(std::uint64_t count);
  // kFatal dead_letter_budget: the pipeline is to stop.
  Status note_letters(std::uint64_t count);

 private:
  // The window moves in steps of within / kBuckets.
  static constexpr std::size_t kBuckets = 32;
  struct Bucket {
    std::int64_t number = -1;  // of the step since the clock's beginning
    std::uint64_t records = 0, letters = 0;
  };

  Bucket& current();

  const std::optional<DeadLetterBudgetPolicy> policy_;
  const Clock& clock_;
  std::mutex mutex_;
  std::array<Bucket, kBuckets> buckets_;
};

}  // namespace sluice::pipeline
