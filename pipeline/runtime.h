#pragma once
// What the threads of one pipeline share.  Owned by the Pipeline, which outlives them; each member says how it is protected.

#include <memory>
#include <mutex>
#include <vector>

#include "core/dead_letter_queue.h"
#include "core/labelled_metrics.h"
#include "core/schema.h"
#include "pipeline/books.h"
#include "pipeline/checkpoint_keeper.h"
#include "pipeline/dead_letter_budget.h"
#include "pipeline/definition.h"
#include "pipeline/key_order.h"
#include "pipeline/monitor.h"
#include "pipeline/taps.h"

namespace sluice::pipeline {

struct Runtime {
  const Definition& definition;    // immutable
  const Environment& environment;  // immutable; what it refers to is thread-safe
  SchemaPool& schemas;             // thread-safe
  CheckpointKeeper& keeper;        // thread-safe
  DeadLetterQueue& dead_letters;   // thread-safe
  Books& books;                    // thread-safe
  Monitor& monitor;                // thread-safe
  Taps& taps;                      // thread-safe
  DeadLetterBudget& budget;        // thread-safe
  KeyOrder& key_order;             // thread-safe

  std::string known_as = {};  // see BuildContext

  // One per component built: while the pipeline is being built, and by the threads that replay and copy dead letters when they need them.
  std::unique_ptr<std::mutex> building = std::make_unique<std::mutex>();
  std::vector<std::unique_ptr<LabelledMetrics>> labelled = {};

  BuildContext build_context(std::string_view kind, const std::string& component, unsigned shard, unsigned shard_count) {
    const std::lock_guard lock(*building);
    labelled.push_back(std::make_unique<LabelledMetrics>(environment.metrics, labels(kind, component)));
    return BuildContext{definition.name,  component, shard,           shard_count,       environment.state_directory, environment.instance,
                        *labelled.back(), schemas,   environment.log, environment.clock, environment.faults,          known_as};
  }
  Labels labels(std::string_view kind, const std::string& component) const {
    return {{"pipeline", definition.name}, {"component_kind", std::string(kind)}, {"component", component}};
  }
};

}  // namespace sluice::pipeline
