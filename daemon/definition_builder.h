#pragma once
// From a checked configuration to what pipeline/ runs: factories in which every component's name is gone.

#include "daemon/pipeline_config.h"
#include "pipeline/definition.h"

namespace sluice::daemon {

// `config` must be free of errors; the registry it points to must outlive the definition.  Factories may be called any number of
// times, one instance each.
pipeline::Definition build_definition(const PipelineConfig& config);

}  // namespace sluice::daemon
