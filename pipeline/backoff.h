#pragma once
// How long to wait before the next try: doubling, with jitter so that many pipelines do not knock in step.  One thread.

#include <chrono>
#include <cstdint>
#include <random>

#include "core/clock.h"
#include "core/result.h"
#include "pipeline/definition.h"

namespace sluice::pipeline {

class Backoff {
 public:
  Backoff(const RetryPolicy& policy, Clock& clock) : policy_(policy), clock_(clock), random_(std::random_device{}()) {}

  // Waits before the next try; `error` may ask for its own waiting time.  kCancelled on stop; kFatal with code `gave_up` when
  // the policy's time is over.
  Status wait(const Error& error, std::stop_token stop);
  // After a success: the next failure begins anew.
  void reset() { attempt_ = 0; }
  std::uint64_t attempts() const { return attempt_; }

 private:
  std::chrono::nanoseconds next();

  RetryPolicy policy_;
  Clock& clock_;
  std::minstd_rand random_;
  std::uint64_t attempt_ = 0;
  std::chrono::steady_clock::time_point first_failure_;
};

}  // namespace sluice::pipeline
