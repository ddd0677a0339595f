#include "daemon/known_positions.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "pipeline/identity.h"

namespace sluice::daemon {

namespace {

namespace fs = std::filesystem;

bool has_positions(const std::string& data_dir, const std::string& pipeline) {
  std::error_code ignored;
  return fs::is_regular_file(fs::path(data_dir) / pipeline / "checkpoint", ignored);
}

std::vector<std::string> names_of(const std::vector<PipelineConfig>& pipelines) {
  std::vector<std::string> names;
  for (const PipelineConfig& pipeline : pipelines) names.push_back(pipeline.name);
  return names;
}

void warn_of_renaming(const PipelineConfig& pipeline, const std::string& old_name, const std::string& data_dir, Diagnostics& findings) {
  findings.add({Diagnostic::Severity::kWarning,
                pipeline.name_place,
                "name",
                "renamed_pipeline",
                fmt::format("\"{}\" has positions of a pipeline \"{}\" with the same sources: as \"{}\" everything is read anew", data_dir,
                            old_name, pipeline.name),
                {},
                fmt::format("if it is the same pipeline, carry them over: sluice positions rename {} {} --data-dir {}", old_name,
                            pipeline.name, data_dir)});
}

void refuse_name(const PipelineConfig& pipeline, const std::string& other, Diagnostics& findings) {
  findings.add({Diagnostic::Severity::kError,
                pipeline.name_place,
                "name",
                "conflict",
                fmt::format("the pipeline \"{}\" was once called \"{}\", and its sinks still know it by that name", other, pipeline.name),
                {},
                "choose another name: two pipelines would take each other's positions"});
}

}  // namespace

std::vector<std::string> left_behind(const std::string& data_dir, const std::vector<std::string>& names) {
  std::vector<std::string> result;
  std::error_code error;
  for (fs::directory_iterator it(data_dir, error), end; !error && it != end; it.increment(error)) {
    std::string name = it->path().filename().string();
    if (std::find(names.begin(), names.end(), name) == names.end() && has_positions(data_dir, name)) result.push_back(std::move(name));
  }
  std::sort(result.begin(), result.end());
  return result;
}

void check_positions(LoadedPipelines& loaded, const std::string& data_dir) {
  std::error_code ignored;
  if (!fs::is_directory(data_dir, ignored)) return;
  const std::vector<std::string> orphans = left_behind(data_dir, names_of(loaded.pipelines));
  for (const PipelineConfig& pipeline : loaded.pipelines) {
    const std::string folder = data_dir + "/" + pipeline.name;
    if (fs::exists(folder + "/identity", ignored) || has_positions(data_dir, pipeline.name)) continue;
    if (const std::string other = pipeline::other_known_as(folder, pipeline.name); !other.empty())
      refuse_name(pipeline, other, loaded.findings);
    for (const std::string& orphan : orphans) {
      const auto identity = pipeline::read_identity(data_dir + "/" + orphan);
      const bool same = identity && *identity && !pipeline.sources_hash.empty() && (*identity)->sources == pipeline.sources_hash;
      if (same) warn_of_renaming(pipeline, orphan, data_dir, loaded.findings);
    }
  }
}

void report_left_behind(const std::vector<PipelineConfig>& pipelines, const std::string& data_dir, Logger& log) {
  for (const std::string& name : left_behind(data_dir, names_of(pipelines))) {
    log.warning(
        "the data directory has positions of a pipeline that no file describes; where its source keeps something for it at the server (a "
        "replication slot holds the log), that stays too: run it again, carry its positions over with sluice positions rename, or clean up",
        {{"pipeline", name}, {"code", "positions_left_behind"}});
  }
}

std::string known_as(const std::string& data_dir, const std::string& pipeline) {
  const auto identity = pipeline::read_identity(data_dir + "/" + pipeline);
  return identity && *identity ? (*identity)->known_as : pipeline;
}

}  // namespace sluice::daemon
