#pragma once
// What the threads of one pipeline share.  Owned by the Pipeline, which outlives them; each member says how it is protected.

#include "core/dead_letter_queue.h"
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

  BuildContext build_context(const std::string& component, unsigned shard, unsigned shard_count) const {
    return BuildContext{definition.name, component, shard, shard_count, environment.state_directory, environment.instance,
                        environment.metrics, schemas, environment.log, environment.clock, environment.faults};
  }
  Labels labels(std::string_view kind, const std::string& component) const {
    return {{"pipeline", definition.name}, {"component_kind", std::string(kind)}, {"component", component}};
  }
};

}  // namespace sluice::pipeline
