#pragma once
// A pipeline without a daemon: its data directory and its file are enough to show and change positions.

#include <functional>

#include "daemon/client/client_options.h"
#include "pipeline/checkpoint_store.h"
#include "pipeline/definition.h"

namespace sluice::client {

// What the checkpoint in options.data_dir holds.  kFatal unknown_pipeline.
Result<pipeline::StoredCheckpoints> offline_positions(const ClientOptions& options);

// Holds the data directory, loads the pipeline's file and does `work`; findings and errors are told.  Gives the exit code.
int work_offline(const ClientOptions& options, const Registry& registry, daemon::Streams streams,
                 const std::function<Status(const pipeline::Definition&, const pipeline::Environment&)>& work);

}  // namespace sluice::client
