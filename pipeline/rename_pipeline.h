#pragma once
// A pipeline gets another name and keeps its positions: in its data directory and in every sink that keeps its own under the name.

#include <stop_token>
#include <string>

#include "core/result.h"
#include "pipeline/definition.h"

namespace sluice::pipeline {

// `definition` has the new name; `environment` has the directory of the old one, and `new_directory` is not there yet.  Nothing runs under
// either name.  Each step may be done twice: after an error or a crash call it again.
//
//   each sink: the old name's positions under the new name, then none under the old one -> the directory is renamed
//
// kFatal progress_lost (a sink has less than the checkpoint under both names), name_in_use (the new name has other positions), and what
// sinks and storage/ say.
Status rename_pipeline(const Definition& definition, const std::string& old_name, const Environment& environment,
                       const std::string& new_directory, const std::stop_token& stop);

}  // namespace sluice::pipeline
