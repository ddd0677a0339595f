#pragma once
// Somebody looks at the records of a running pipeline.

#include <atomic>
#include <memory>

#include "daemon/admin/control.h"
#include "pipeline/supervised_pipeline.h"

namespace sluice::daemon {

// `open` counts the sessions that are open, at most four.  kFatal not_running, unknown_step, too_many_taps; kInvalidConfig for the filter.
Result<std::unique_ptr<admin::TapSession>> open_tap(const pipeline::SupervisedPipeline& pipeline, const admin::TapWish& wish,
                                                    std::shared_ptr<std::atomic<int>> open);

}  // namespace sluice::daemon
