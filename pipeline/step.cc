#include "pipeline/step.h"

#include <ctime>

#include <algorithm>
#include <utility>

namespace sluice::pipeline {

namespace {

double thread_cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

Error stopped_by(const std::string& step, const Error& reason) {
  return {ErrorKind::kFatal, reason.code(), "step \"" + step + "\" is told to stop the pipeline on errors: " + reason.message()};
}

// Nobody applies a step to the same batch again: it may be changed by half, and the source is behind it already.  Were the failure to be
// taken for a passing one, the batch would be lost and the position move on without it.  A restart reads it again.
Error failed(const std::string& step, Error error) {
  if (error.kind() == ErrorKind::kFatal || error.kind() == ErrorKind::kCancelled) return error;
  return {ErrorKind::kFatal, "step_failed",
          "step \"" + step + "\" could not be applied (" + std::string(error.code()) + ": " + error.message() +
              "); a restart applies it to the same records again"};
}

}  // namespace

Result<std::unique_ptr<Step>> Step::build(const StepDefinition& definition, Runtime& runtime, unsigned shard, unsigned shard_count) {
  Counter& cpu = runtime.environment.metrics.counter("sluice_step_cpu_seconds_total", "CPU time spent in the step.",
                                                     runtime.labels("transform", definition.name));
  std::unique_ptr<Step> step(new Step(definition, cpu));
  const auto built = [&]() -> Status {
    const BuildContext context = runtime.build_context("transform", definition.name, shard, shard_count);
    if (definition.build_router) {
      step->router_ = SLUICE_TRY(definition.build_router(context));
    } else {
      step->transform_ = SLUICE_TRY(definition.build(context));
    }
    return {};
  }();
  if (!built) return Error(built.error()).context("step \"" + definition.name + "\"");
  step->routes_.outputs.resize(definition.outputs.size());
  if (definition.when) step->when_ = SLUICE_TRY(definition.when());
  return step;
}

Status Step::activate(Batch& batch, Rejects& rejects) {
  batch.activate_all();
  if (!when_) return {};
  std::vector<std::uint32_t> holding;
  when_->select(batch, batch.active(), holding, rejects);
  batch.activate(std::move(holding));
  return {};
}

Status Step::apply(Batch& batch, DeadLettering& dead_letters, std::stop_token stop) {
  const double began = thread_cpu_seconds();
  Rejects rejects;
  SLUICE_TRY(activate(batch, rejects));
  if (!batch.active().empty()) {
    Status applied = transform_->apply(batch, rejects, stop);
    if (!applied) return failed(definition_.name, std::move(applied).error());
  }
  cpu_seconds_.add(thread_cpu_seconds() - began);
  if (!rejects.empty()) SLUICE_TRY(settle(batch, rejects, dead_letters, stop));
  batch.sweep();
  return {};
}

Status Step::settle(Batch& batch, const Rejects& rejects, DeadLettering& dead_letters, std::stop_token stop) {
  switch (definition_.on_error) {
    case OnError::kStop: return stopped_by(definition_.name, rejects.entries().front().reason);
    case OnError::kTag:
      for (const Rejected& entry : rejects.entries()) add_tag(batch, batch.records()[entry.index], entry.reason.code());
      return {};
    case OnError::kDrop:
      for (const Rejected& entry : rejects.entries()) batch.remove(entry.index, Fate::kFiltered);
      return {};
    case OnError::kDeadLetter: break;
  }
  SLUICE_TRY(put(batch, rejects, dead_letters, stop));
  for (const Rejected& entry : rejects.entries()) batch.remove(entry.index, Fate::kDeadLettered);
  return {};
}

Status Step::put(const Batch& batch, const Rejects& rejects, DeadLettering& dead_letters, std::stop_token stop) {
  return dead_letters.put(batch, rejects.entries(), {definition_.name, "transform", definition_.type, "transform"}, stop);
}

Result<const Routes*> Step::route(Batch& batch, std::uint64_t& dead_lettered, DeadLettering& dead_letters, std::stop_token stop) {
  const double began = thread_cpu_seconds();
  Rejects rejects;
  routes_.clear();
  dead_lettered = 0;
  batch.activate_all();
  if (batch.size() != 0) {
    Status routed = router_->route(batch, routes_, rejects, stop);
    if (!routed) return failed(definition_.name, std::move(routed).error());
  }
  cpu_seconds_.add(thread_cpu_seconds() - began);
  if (!rejects.empty() && definition_.on_error == OnError::kStop) return stopped_by(definition_.name, rejects.entries().front().reason);
  if (definition_.on_error == OnError::kDrop) rejects.clear();
  for (const std::uint32_t index : routes_.dead_letters)
    rejects.add(index, Error(ErrorKind::kBadRecord, "unmatched", "no condition of the route holds for this record"));
  SLUICE_TRY(put(batch, rejects, dead_letters, stop));
  dead_lettered = rejects.entries().size();
  return &std::as_const(routes_);
}

void add_tag(Batch& batch, Record& record, std::string_view tag) {
  std::span<const Value> old;
  if (!record.tags.is_null()) old = record.tags.as_list();
  auto tags = batch.arena().array<Value>(old.size() + 1);
  std::copy(old.begin(), old.end(), tags.begin());
  tags.back() = Value::string_in(batch.arena(), tag);
  record.tags = Value::list(tags);
}

}  // namespace sluice::pipeline
