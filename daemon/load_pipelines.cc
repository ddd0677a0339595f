#include "daemon/load_pipelines.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "daemon/connections.h"
#include "daemon/yaml_loader.h"

namespace sluice::daemon {

namespace {

namespace fs = std::filesystem;

void unreadable(const std::string& path, std::string message, Diagnostics& findings) {
  findings.add({Diagnostic::Severity::kError, {path, 1, 1, 1, 1}, {}, "unreadable_file", std::move(message), {}, {}});
}

std::vector<std::string> files_of_directory(const std::string& directory, Diagnostics& findings) {
  std::vector<std::string> files;
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    const fs::path& path = it->path();
    const bool yaml = path.extension() == ".yaml" || path.extension() == ".yml";
    std::error_code ignored;
    if (yaml && !path.filename().string().starts_with('.') && !it->is_directory(ignored)) files.push_back(path.string());
  }
  if (error) {
    unreadable(directory, fmt::format("cannot read the directory \"{}\": {}", directory, error.message()), findings);
  } else if (files.empty()) {
    unreadable(directory, fmt::format("the directory \"{}\" has no *.yaml file", directory), findings);
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::string> expand(const std::vector<std::string>& paths, Diagnostics& findings) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    std::error_code ignored;
    if (!fs::is_directory(path, ignored)) {
      files.push_back(path);
      continue;
    }
    const auto found = files_of_directory(path, findings);
    files.insert(files.end(), found.begin(), found.end());
  }
  // A file named twice (a directory and a file in it) is one pipeline.
  std::vector<std::string> unique;
  for (const std::string& file : files) {
    if (std::find(unique.begin(), unique.end(), file) == unique.end()) unique.push_back(file);
  }
  return unique;
}

void load_one(const std::string& file, std::string text, const LoadContext& context, LoadedPipelines& out) {
  auto root = load_yaml(text, file, out.findings);
  out.texts.add(file, std::move(text));
  if (!root) return;
  use_connections(*root, context.settings, context.registry, out.findings);
  BindContext binding{out.findings, context.variables, context.expressions, context.allow_unset};
  out.pipelines.push_back(check_pipeline(*root, file, context.registry, binding));
}

void check_unique_names(LoadedPipelines& loaded) {
  std::map<std::string, const PipelineConfig*> seen;
  for (const PipelineConfig& pipeline : loaded.pipelines) {
    if (pipeline.name.empty()) continue;
    const auto [first, is_new] = seen.try_emplace(pipeline.name, &pipeline);
    if (is_new) continue;
    loaded.findings.add({Diagnostic::Severity::kError,
                         pipeline.name_place,
                         "name",
                         "conflict",
                         fmt::format("two pipelines are called \"{}\"; the other one is in {}", pipeline.name, first->second->file),
                         {},
                         "names are unique in a daemon: positions and dead letters are kept under them"});
  }
}

}  // namespace

LoadedPipelines load_pipelines(const std::vector<std::string>& paths, const LoadContext& context) {
  LoadedPipelines loaded;
  for (const std::string& file : expand(paths, loaded.findings)) {
    auto text = read_whole_file(file, YamlLimits{}.bytes);
    if (text) {
      load_one(file, std::move(text).value(), context, loaded);
    } else {
      unreadable(file, text.error().message(), loaded.findings);
    }
  }
  check_unique_names(loaded);
  return loaded;
}

LoadedPipelines load_pipeline_text(std::string text, const std::string& file, const LoadContext& context) {
  LoadedPipelines loaded;
  load_one(file, std::move(text), context, loaded);
  return loaded;
}

}  // namespace sluice::daemon
