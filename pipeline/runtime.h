#pragma once
// What the threads of one pipeline share.  Owned by the Pipeline, which outlives them; each member says how it is protected.

#include <memory>
#include <vector>

#include "core/dead_letter_queue.h"
#include "core/labelled_metrics.h"
#include "core/schema.h"
#include "pipeline/books.h"
#include "pipeline/checkpoint_keeper.h"
#include "pipeline/definition.h"
#include "pipeline/monitor.h"

namespace sluice::pipeline {

struct Runtime {
  const Definition& definition;    // immutable
  const Environment& environment;  // immutable; what it refers to is thread-safe
  SchemaPool& schemas;             // thread-safe
  CheckpointKeeper& keeper;        // thread-safe
  DeadLetterQueue& dead_letters;   // thread-safe
  Books& books;                    // thread-safe
  Monitor& monitor;                // thread-safe

  std::string known_as = {};  // see BuildContext

  // One per component built; only while the pipeline is being built, by the thread that builds it.
  std::vector<std::unique_ptr<LabelledMetrics>> labelled = {};

  BuildContext build_context(std::string_view kind, const std::string& component, unsigned shard, unsigned shard_count) {
    labelled.push_back(std::make_unique<LabelledMetrics>(environment.metrics, labels(kind, component)));
    return BuildContext{definition.name,  component, shard,           shard_count,       environment.state_directory, environment.instance,
                        *labelled.back(), schemas,   environment.log, environment.clock, environment.faults,          known_as};
  }
  Labels labels(std::string_view kind, const std::string& component) const {
    return {{"pipeline", definition.name}, {"component_kind", std::string(kind)}, {"component", component}};
  }
};

}  // namespace sluice::pipeline
