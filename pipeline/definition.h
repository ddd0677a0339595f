#pragma once
// What a pipeline is made of, without the name of any concrete component: daemon/ fills it from the configuration and the registry,
// Pipeline runs it.  Immutable while a pipeline runs; the factories may be called again for a restart, one call per instance.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/build_context.h"
#include "core/dead_letter_queue.h"
#include "core/predicate.h"
#include "core/registry.h"
#include "core/router.h"
#include "core/sink.h"
#include "core/source.h"
#include "core/transform.h"

namespace sluice::pipeline {

struct RetryPolicy {
  std::chrono::milliseconds initial{200};
  std::chrono::milliseconds max{30'000};
  std::optional<std::chrono::milliseconds> give_up_after;  // nullopt: never
};

// Commit when any of these is reached.
struct CommitPolicy {
  std::chrono::milliseconds every{1000};
  std::uint64_t records = 10'000;
  std::uint64_t bytes = 16ULL << 20U;
};

// What happens to a record that a step or sink rejects (CONFIG.md rule 6).
enum class OnError : std::uint8_t { kDeadLetter, kDrop, kTag, kStop };

using PredicateFactory = std::function<Result<std::unique_ptr<Predicate>>()>;

struct StepDefinition {
  std::string name;  // the user's; in the chain of a source or sink "<owner>.<step>"
  std::string type;
  std::vector<std::string> from;  // what it reads: sources, one step, or outputs of one route as "<route>.<output>"; not in a chain
  PredicateFactory when;          // empty: always
  OnError on_error = OnError::kDeadLetter;
  std::function<Result<std::unique_ptr<Transform>>(const BuildContext&)> build;  // empty for a route, which has these two:
  std::function<Result<std::unique_ptr<Router>>(const BuildContext&)> build_router;
  std::vector<std::string> outputs;  // names, without the step's
};

struct SourceDefinition {
  std::string name;
  std::string type;
  std::vector<StepDefinition> chain;
  std::function<Result<std::unique_ptr<Source>>(const BuildContext&)> build;
  std::vector<std::string> meta;  // names of the slots of Record::meta
  Guarantee guarantee;
  bool partitioned = false;
  bool can_end = false;
  bool keeps_lag = false;  // sluice_source_lag_seconds is its
  RetryPolicy retry;
};

struct SinkDefinition {
  std::string name;
  std::string type;
  std::vector<std::string> from;  // as a step's
  PredicateFactory when;          // empty: every record
  OnError on_error = OnError::kDeadLetter;
  std::vector<StepDefinition> chain;
  std::function<Result<std::unique_ptr<Sink>>(const BuildContext&)> build;
  Guarantee guarantee;
  CommitPolicy commit;
  RetryPolicy retry;
};

enum class Unmatched : std::uint8_t { kDrop, kDeadLetter };

struct Definition {
  std::string name;
  std::vector<SourceDefinition> sources;
  std::vector<StepDefinition> steps;  // a step stands after everything it reads
  std::vector<SinkDefinition> sinks;
  Unmatched unmatched = Unmatched::kDrop;  // where only sinks with a `when` read, and none takes a record
  unsigned shards = 1;
  std::size_t queue_bytes = 16ULL << 20U;  // per sink
  std::chrono::milliseconds shutdown_timeout{30'000};
  std::string config_hash;        // of the resolved configuration; stands in dead letters
  std::string sources_hash = {};  // of what the sources are, whatever the pipeline is called; a renaming is noticed by it
};

// What the daemon lends to a running pipeline; outlives it.
struct Environment {
  std::string state_directory;  // "<data dir>/<pipeline>"; exists, mode 0700
  std::string instance;
  Metrics& metrics;
  Logger& log;
  Clock& clock;
  FaultPoints& faults;
  // Opens the pipeline's own store in `state_directory`.
  std::function<Result<std::unique_ptr<DeadLetterQueue>>(const Definition&, const Environment&)> open_dead_letters;
};

}  // namespace sluice::pipeline
