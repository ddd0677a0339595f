#pragma once
// What validate, explain and run have in common: load, check, print.  Private to daemon/*_command.cc.

#include "daemon/command_line.h"
#include "daemon/load_pipelines.h"

namespace sluice::daemon {

// Puts --env-file into the environment and loads everything.  Nothing is printed.
LoadedPipelines load_configuration(const ConfigOptions& options, const Registry& registry);

// Where the positions of these pipelines are: --data-dir, else as the settings say, else default_data_directory().
std::string data_directory_of(const ConfigOptions& options, const LoadedPipelines& loaded);

}  // namespace sluice::daemon
