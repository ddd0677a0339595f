#pragma once
// From paths to checked pipelines: the first half of `run`, and all of `validate`.

#include <string>
#include <vector>

#include "core/config_binding.h"
#include "core/registry.h"
#include "daemon/pipeline_config.h"
#include "daemon/settings.h"
#include "daemon/source_texts.h"

namespace sluice::daemon {

struct LoadContext {
  const Registry& registry;
  const Variables& variables;
  const ExpressionChecker* expressions = nullptr;
  bool allow_unset = false;
  const Settings* settings = nullptr;  // whose `connections` components may use; null: there are none
};

struct LoadedPipelines {
  std::vector<PipelineConfig> pipelines;  // usable only when no finding is an error
  Diagnostics findings;
  SourceTexts texts;
  Settings settings = {};  // of load_configuration(): from --settings, else the defaults
};

// A path that is a directory stands for its *.yaml and *.yml files, by name, hidden ones and subdirectories left out.  Names must
// be unique over all files.
LoadedPipelines load_pipelines(const std::vector<std::string>& paths, const LoadContext& context);

// The same for one text; for tests.
LoadedPipelines load_pipeline_text(std::string text, const std::string& file, const LoadContext& context);

}  // namespace sluice::daemon
