#pragma once
// One step of a chain as a thread runs it: `when`, the transform, and what happens to records that it rejects.
// Used by the shards and by the lanes (for a sink's own chain).  One thread.

#include <functional>
#include <memory>
#include <stop_token>

#include "pipeline/dead_lettering.h"
#include "pipeline/runtime.h"

namespace sluice::pipeline {

class Step {
 public:
  static Result<std::unique_ptr<Step>> build(const StepDefinition& definition, Runtime& runtime, unsigned shard, unsigned shard_count);

  Status open(std::stop_token stop) { return transform_->open(stop); }
  // Applies the step to the whole batch and sweeps it; batch.counts() says what happened.  kFatal when the step or `on_error: stop`
  // ends the pipeline (step_failed: of whatever other kind the step's own error is), kCancelled on stop.
  Status apply(Batch& batch, DeadLettering& dead_letters, std::stop_token stop);
  Status close() { return transform_->close(); }

  const StepDefinition& definition() const { return definition_; }

 private:
  Step(const StepDefinition& definition, Counter& cpu) : definition_(definition), cpu_seconds_(cpu) {}
  Status activate(Batch& batch, Rejects& rejects);
  Status settle(Batch& batch, const Rejects& rejects, DeadLettering& dead_letters, std::stop_token stop);

  const StepDefinition& definition_;
  Counter& cpu_seconds_;
  std::unique_ptr<Transform> transform_;
  std::unique_ptr<Predicate> when_;
};

// Adds `tag` to the record's meta.tags.
void add_tag(Batch& batch, Record& record, std::string_view tag);

}  // namespace sluice::pipeline
