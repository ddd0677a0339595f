#pragma once
// One pipeline file, checked: every name resolved, every component's configuration bound.  A value; made once, then only read.

#include <optional>
#include <string>
#include <vector>

#include "core/config_binding.h"
#include "core/registry.h"
#include "daemon/reference_data.h"
#include "pipeline/definition.h"

namespace sluice::daemon {

// "A step or sink reads this", with the place it was written at.
struct Reference {
  std::string name;
  ConfigNode node;
};

// An expression of a component's own, to be checked again where the records that it reads are known.
struct WrittenExpression {
  ConfigNode node;
  std::string source;
  std::size_t offset = 0;  // of the source in node.text; not 0: it stands in a template
  bool is_condition = false;
};

// What source, step and sink have in common.  `component` lives in the Registry; null when it is unknown (a finding was added).
struct ComponentUse {
  std::string name;  // the user's, or the type
  ConfigNode node;   // the mapping it was read from; without its children
  const Component* component = nullptr;
  Component::Config config;  // empty when binding failed
  std::vector<WrittenExpression> expressions;

  std::string type() const { return component == nullptr ? "" : std::string(component->name); }
};

struct StepConfig : ComponentUse {
  std::optional<std::vector<Reference>> written_from;
  std::vector<std::string> from;    // resolved: sources, a step, or outputs "<route>.<output>"; empty in a chain of a source or sink
  bool is_route = false;            // it has outputs instead of a way straight on
  std::vector<ConfigNode> outputs;  // the nodes that name them
  std::vector<Condition> when;      // all must hold
  pipeline::OnError on_error = pipeline::OnError::kDeadLetter;
};

struct SourceConfig : ComponentUse {
  std::vector<StepConfig> chain;
  pipeline::RetryPolicy retry;
};

struct SinkConfig : ComponentUse {
  std::optional<std::vector<Reference>> written_from;
  std::vector<std::string> from;  // resolved
  std::vector<Condition> when;
  pipeline::OnError on_error = pipeline::OnError::kDeadLetter;
  std::vector<StepConfig> chain;
  pipeline::CommitPolicy commit;
  pipeline::RetryPolicy retry;
};

struct PipelineConfig {
  std::string file;
  Place name_place;  // of the name, or of the file's begin
  std::string name;
  std::string description;
  std::vector<SourceConfig> sources;
  std::vector<StepConfig> steps;  // a step stands after the one it reads
  std::vector<SinkConfig> sinks;
  bool resolved = false;  // every `from` has its meaning
  std::vector<ReferenceData> references;
  std::optional<pipeline::Unmatched> unmatched;
  std::chrono::milliseconds keep_dead_letters{std::chrono::hours(24 * 30)};
  ByteSize keep_dead_letter_bytes{10ULL << 30U};
  unsigned shards = 1;
  ByteSize queue_bytes{16ULL << 20U};  // per sink
  std::chrono::milliseconds shutdown_timeout{30'000};
  std::string sources_hash;  // of the sources' components alone, as written
  ConfigNode tree;           // of the file, merges resolved
  std::string hash;          // of the tree as written, variables by name: 16 hexadecimal digits
};

// Checks a whole file; all findings go to the context.  The result is usable only if none of them is an error.
PipelineConfig check_pipeline(const ConfigNode& root, const std::string& file, const Registry& registry, BindContext& context);

// Gives every `from` its meaning and brings the steps into reading order (CONFIG.md rule 4): unknown_reference, cycle, unread_step,
// conflict.  Part of check_pipeline().  With kSomeMissing nothing is called unread: its reader may be what is missing.
enum class Parts : std::uint8_t { kAll, kSomeMissing };
bool resolve_graph(PipelineConfig& pipeline, Parts parts, BindContext& context);  // false: the graph has errors

// The keys of a pipeline file, for documentation and completion.
std::vector<FieldDoc> pipeline_fields();

}  // namespace sluice::daemon
