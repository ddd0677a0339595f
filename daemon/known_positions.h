#pragma once
// What a data directory holds of pipelines, against what files describe: a renamed pipeline would start anew, and a pipeline without a file
// leaves its positions (and maybe a slot) behind.  Reads only; a daemon may be running.

#include <string>
#include <vector>

#include "core/logger.h"
#include "daemon/load_pipelines.h"

namespace sluice::daemon {

// Adds to loaded.findings: the warning renamed_pipeline, for a pipeline that has no positions where one that no file describes has some
// and reads the same; the error conflict, for a new pipeline under a name that another one is known by outside (see
// pipeline/identity.h).  A directory that is not there has nothing to say.
void check_positions(LoadedPipelines& loaded, const std::string& data_dir);

// Pipelines of the data directory that have positions and that none of `names` is, by name.
std::vector<std::string> left_behind(const std::string& data_dir, const std::vector<std::string>& names);

// A warning in the log for each of them.
void report_left_behind(const std::vector<PipelineConfig>& pipelines, const std::string& data_dir, Logger& log);

// What the outside knows `pipeline` by; the same name where the data directory says nothing else.
std::string known_as(const std::string& data_dir, const std::string& pipeline);

}  // namespace sluice::daemon
