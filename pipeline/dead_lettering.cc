#include "pipeline/dead_lettering.h"

#include <utility>

#include "pipeline/backoff.h"

namespace sluice::pipeline {

Status DeadLettering::insist(const std::function<Status()>& attempt, std::stop_token stop) {
  Backoff backoff({}, runtime_.environment.clock);
  while (true) {
    auto result = attempt();
    if (result && backoff.attempts() != 0) runtime_.monitor.recovered("dead_letters");
    if (result || result.error().kind() != ErrorKind::kTransient) return result;
    runtime_.monitor.report("dead_letters", result.error());
    const Monitor::BackingOff waiting(runtime_.monitor);
    SLUICE_TRY(backoff.wait(result.error(), stop));
  }
}

void DeadLettering::count(const RejectingStage& stage, std::string_view code, std::size_t letters) {
  if (letters == 0) return;
  Labels labels = runtime_.labels(stage.kind, std::string(stage.name));
  labels.emplace_back("code", std::string(code));
  runtime_.environment.metrics.counter("sluice_dead_letters_total", "Records given up, by the stage that gave them up and why.", labels)
      .add(static_cast<double>(letters));
}

// Letters of one batch mostly have the same code.
template <typename Entries>
void DeadLettering::count_all(const RejectingStage& stage, const Entries& entries) {
  std::string_view code;
  std::size_t letters = 0;
  for (const auto& entry : entries) {
    if (entry.reason.code() != code) {
      count(stage, code, std::exchange(letters, 0));
      code = entry.reason.code();
    }
    ++letters;
  }
  count(stage, code, letters);
}

// Replays are an operator's own doing, and no reason to stop.
Status DeadLettering::within_budget(const Batch& owner, std::size_t letters, std::stop_token stop) {
  if (owner.replay() != nullptr) return {};
  Status within = runtime_.budget.note_letters(letters);
  if (!within) SLUICE_TRY(flush(std::move(stop)));
  return within;
}

Status DeadLettering::put(const Batch& owner, std::span<const Rejected> rejected, const RejectingStage& stage, std::stop_token stop) {
  if (rejected.empty()) return {};
  SLUICE_TRY(insist([&] { return runtime_.dead_letters.put(owner, rejected, stage); }, stop));
  count_all(stage, rejected);
  for (const Rejected& entry : rejected) {
    const Batch& batch = entry.batch ? *entry.batch : owner;
    if (entry.reason.code() != kStaleLetter) runtime_.key_order.refused(stage.name, batch, batch.records()[entry.index]);
  }
  return within_budget(owner, rejected.size(), stop);
}

Status DeadLettering::put_inputs(const Batch& owner, std::span<const RejectedInput> inputs, const RejectingStage& stage,
                                 std::stop_token stop) {
  if (inputs.empty()) return {};
  SLUICE_TRY(insist([&] { return runtime_.dead_letters.put_inputs(owner, inputs, stage); }, stop));
  count_all(stage, inputs);
  return within_budget(owner, inputs.size(), stop);
}

Status DeadLettering::flush(std::stop_token stop) {
  return insist([&] { return runtime_.dead_letters.flush(stop); }, stop);
}

}  // namespace sluice::pipeline
