#pragma once
// What a pipeline does and what it promises, for people (`sluice explain`).

#include <string>

#include "daemon/pipeline_config.h"

namespace sluice::daemon {

// The weaker of a sink and the sources that reach it, with the reason of the one that decides (G26).
Guarantee end_to_end(const PipelineConfig& pipeline, const SinkConfig& sink);

// The sources a step or sink reads, through all steps between.
std::vector<const SourceConfig*> sources_of(const PipelineConfig& pipeline, const std::vector<std::string>& from);

std::string explain_pipeline(const PipelineConfig& pipeline);

}  // namespace sluice::daemon
