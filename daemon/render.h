#pragma once
// `sluice render FILE`: the pipeline as sluice understands it, as YAML that means the same.

#include <string>

#include "core/registry.h"
#include "daemon/pipeline_config.h"

namespace sluice::daemon {

// Anchors and merges are resolved, variables substituted, defaults filled in; secrets are ***.  Behind each value stands where it comes
// from: `file:line`, `env NAME (file:line)`, `file PATH (file:line)`, or `default`.  `pipeline` is free of errors.
std::string render_pipeline(const PipelineConfig& pipeline, const Registry& registry, const Variables& variables);

}  // namespace sluice::daemon
