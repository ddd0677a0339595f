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

  Status open(std::stop_token stop) { return transform_ ? transform_->open(stop) : Status{}; }
  // Applies the step to the whole batch and sweeps it; batch.counts() says what happened.  kFatal when the step or `on_error: stop`
  // ends the pipeline (step_failed: of whatever other kind the step's own error is), kCancelled on stop.
  Status apply(Batch& batch, DeadLettering& dead_letters, std::stop_token stop);
  Status close() { return transform_ ? transform_->close() : Status{}; }

  // A step with outputs: which records go where, instead of apply().  Nothing is swept, so that the lists hold; `dead_lettered` is how many
  // records became dead letters.  Fails as apply() does.  The result is valid until the next call.
  bool has_outputs() const { return router_ != nullptr; }
  Result<const Routes*> route(Batch& batch, std::uint64_t& dead_lettered, DeadLettering& dead_letters, std::stop_token stop);

  const StepDefinition& definition() const { return definition_; }

 private:
  Step(const StepDefinition& definition, Counter& cpu) : definition_(definition), cpu_seconds_(cpu) {}
  Status activate(Batch& batch, Rejects& rejects);
  Status settle(Batch& batch, const Rejects& rejects, DeadLettering& dead_letters, std::stop_token stop);
  Status put(const Batch& batch, const Rejects& rejects, DeadLettering& dead_letters, std::stop_token stop);

  const StepDefinition& definition_;
  Counter& cpu_seconds_;
  std::unique_ptr<Transform> transform_;  // or
  std::unique_ptr<Router> router_;
  Routes routes_;
  std::unique_ptr<Predicate> when_;
};

// Adds `tag` to the record's meta.tags.
void add_tag(Batch& batch, Record& record, std::string_view tag);

}  // namespace sluice::pipeline
