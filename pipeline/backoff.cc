#include "pipeline/backoff.h"

#include <algorithm>

namespace sluice::pipeline {

std::chrono::nanoseconds Backoff::next() {
  std::chrono::milliseconds doubled = policy_.initial;
  for (std::uint64_t i = 0; i < attempt_ && doubled < policy_.max; ++i) doubled *= 2;  // step by step: a shift would overflow
  const std::chrono::nanoseconds full = std::min(doubled, policy_.max);
  std::uniform_int_distribution<std::int64_t> jitter(full.count() / 2, std::max<std::int64_t>(full.count(), 1));
  return std::chrono::nanoseconds(jitter(random_));
}

Status Backoff::wait(const Error& error, std::stop_token stop) {
  if (attempt_ == 0) first_failure_ = clock_.now();
  const bool exhausted = policy_.give_up_after && clock_.now() - first_failure_ >= *policy_.give_up_after;
  if (exhausted) return Error(ErrorKind::kFatal, "gave_up", "gave up after " + std::to_string(attempt_) + " tries: " + error.message());
  const std::chrono::nanoseconds pause = error.retry_after() ? std::chrono::nanoseconds(*error.retry_after()) : next();
  ++attempt_;
  if (!clock_.sleep_for(pause, stop)) return Error(ErrorKind::kCancelled, "stopped", "stop was requested");
  return {};
}

}  // namespace sluice::pipeline
