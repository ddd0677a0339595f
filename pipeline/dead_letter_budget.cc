#include "pipeline/dead_letter_budget.h"

#include <fmt/format.h>

#include <algorithm>

namespace sluice::pipeline {

DeadLetterBudget::Bucket& DeadLetterBudget::current() {
  const auto step = std::max<std::int64_t>(1, std::chrono::nanoseconds(policy_->within).count() / static_cast<std::int64_t>(kBuckets));
  const std::int64_t number = clock_.now().time_since_epoch().count() / step;
  for (Bucket& bucket : buckets_) {
    if (bucket.number + static_cast<std::int64_t>(kBuckets) <= number) bucket = Bucket{};
  }
  Bucket& bucket = buckets_[static_cast<std::size_t>(number) % kBuckets];
  if (bucket.number != number) bucket = Bucket{number, 0, 0};
  return bucket;
}

void DeadLetterBudget::note_records(std::uint64_t count) {
  if (!policy_ || count == 0) return;
  const std::lock_guard lock(mutex_);
  current().records += count;
}

Status DeadLetterBudget::note_letters(std::uint64_t count) {
  if (!policy_ || count == 0) return {};
  const std::lock_guard lock(mutex_);
  current().letters += count;
  std::uint64_t records = 0, letters = 0;
  for (const Bucket& bucket : buckets_) {
    records += bucket.records;
    letters += bucket.letters;
  }
  const bool too_many = policy_->count && letters > *policy_->count;
  const bool too_large_a_share =
      policy_->share && records >= kLeastRecords && static_cast<double>(letters) > *policy_->share * static_cast<double>(records);
  if (!too_many && !too_large_a_share) return {};
  return Error(
      ErrorKind::kFatal, "dead_letter_budget",
      fmt::format("{} dead letters of {} records within {} s are beyond dead_letters.budget: look at them (sluice dlq list), mend, "
                  "and start the pipeline again",
                  letters, records, static_cast<double>(policy_->within.count()) / 1000));
}

}  // namespace sluice::pipeline
