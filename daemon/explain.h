#pragma once
// What a pipeline does and what it promises, for people (`sluice explain`).

#include <string>
#include <vector>

#include "daemon/pipeline_config.h"

namespace sluice::daemon {

// The weaker of a sink and the sources that reach it, with the reason of the one that decides (G26).
Guarantee end_to_end(const PipelineConfig& pipeline, const SinkConfig& sink);

// The sources a step or sink reads, through all steps between.
std::vector<const SourceConfig*> sources_of(const PipelineConfig& pipeline, const std::vector<std::string>& from);

// The sets of a route's outputs that are read together, each once, in the order of the readers.
std::vector<std::vector<std::string>> output_groups(const PipelineConfig& pipeline, const StepConfig& route);

std::string explain_pipeline(const PipelineConfig& pipeline);

// The graph as a Mermaid flowchart (https://mermaid.js.org).
std::string explain_mermaid(const PipelineConfig& pipeline);

// {"version": 1, "pipelines": [...]}
std::string explain_json(const std::vector<PipelineConfig>& pipelines);

}  // namespace sluice::daemon
