#pragma once
// Where rejected records go; dlq/ implements it.

#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/batch.h"
#include "core/position.h"
#include "core/result.h"

namespace sluice::dlq {
class ReplayLog;
}

namespace sluice {

// Where a lane stands when its pipeline starts.
struct LaneStart {
  std::string sink;
  Checkpoint done;
  std::vector<std::string> stages;  // names of the sources, steps and sinks whose records come to it
};

// Which part of the pipeline gave the record up.
struct RejectingStage {
  std::string_view name;       // the user's name of source, step or sink
  std::string_view phase;      // parse | decode | transform | template | write
  std::string_view component;  // its type
  std::string_view kind;       // source | transform | sink: a metric's component_kind
};

// Thread-safe: every shard and lane of a pipeline calls it.
class DeadLetterQueue {
 public:
  virtual ~DeadLetterQueue() = default;

  // Upsert by identity (pipeline, stage, source, partition, major, minor, sub), so a replay makes no second letter (G18).
  // Copies what it needs.  Not durable before flush().  kTransient when the store cannot take it (disk full): call again.
  virtual Status put(const Batch& owner, std::span<const Rejected> rejected, const RejectingStage& stage) = 0;
  virtual Status put_inputs(const Batch& owner, std::span<const RejectedInput> inputs, const RejectingStage& stage) = 0;

  // Makes every letter put so far durable; precedes every commit that covers a rejected record (G5).
  virtual Status flush(std::stop_token stop) = 0;

  // Every lane has durably committed `minimum`: letters at or below it cannot come again from the source and wait for a decision from
  // now on (G20).  Cheap when nothing is pending.  kTransient: call again, with this minimum or a later one.
  virtual Status settle(const Checkpoint& minimum) = 0;

  // Once, before the first put() of a run and after settle() of the minimum that it starts from.  Letters above that minimum meet their
  // records again in this run: those that are not refused again were delivered, to the lanes that had not passed them already.
  virtual Status begin_run(std::span<const LaneStart> /*lanes*/) { return {}; }

  // The letters that are on their way again (G20); null: this store has none.  Lives as long as the queue.
  virtual dlq::ReplayLog* replays() { return nullptr; }
};

}  // namespace sluice
