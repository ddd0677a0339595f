#pragma once
// What is known of the records flows along the graph, and every expression, template and field path is held against it.

#include <stop_token>

#include "daemon/pipeline_config.h"

namespace sluice::daemon {

enum class Online : std::uint8_t { kNo, kYes };  // kYes: servers are asked for their catalogues, a few seconds each

// Adds to `findings` what cannot work with the records that the sources give: expression_unknown_field, expression_type, and the warnings
// constant_condition, template_maybe_null and, when a server did not answer, not_checked.  `pipeline` may have other errors.  Main thread.
void check_types(const PipelineConfig& pipeline, Online online, Diagnostics& findings);

}  // namespace sluice::daemon
