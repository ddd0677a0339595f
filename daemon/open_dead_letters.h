#pragma once
// The dead-letter store of a pipeline as its definition wants it, with its gauges.

#include <memory>

#include "core/dead_letter_queue.h"
#include "pipeline/definition.h"

namespace sluice::daemon {

// For pipeline::Environment::open_dead_letters.
Result<std::unique_ptr<DeadLetterQueue>> open_dead_letters(const pipeline::Definition& definition,
                                                           const pipeline::Environment& environment);

}  // namespace sluice::daemon
