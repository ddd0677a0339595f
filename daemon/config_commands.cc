#include "daemon/config_commands.h"

#include <fmt/format.h>

#include <ostream>

#include "daemon/data_directory.h"
#include "daemon/environment_variables.h"
#include "daemon/explain.h"
#include "daemon/findings.h"
#include "daemon/known_positions.h"
#include "daemon/render.h"
#include "daemon/type_flow.h"
#include "expr/expression.h"

namespace sluice::daemon {

namespace {

// A file that cannot be read is a mistake at the place where it is named; a wrong line in it has a place of its own.
void load_environment(const std::string& path, const Place& place, const std::string& yaml_path, Diagnostics& findings) {
  Diagnostics of_file;
  load_environment_file(path, of_file);
  for (Diagnostic finding : of_file.findings()) {
    if (finding.code == "unreadable_file") {
      finding.place = place;
      finding.path = yaml_path;
    }
    findings.add(std::move(finding));
  }
}

}  // namespace

std::string data_directory_of(const ConfigOptions& options, const LoadedPipelines& loaded) {
  if (!options.data_dir.empty()) return options.data_dir;
  return loaded.settings.data_dir.empty() ? default_data_directory() : loaded.settings.data_dir;
}

LoadedPipelines load_configuration(const ConfigOptions& options, const Registry& registry) {
  Diagnostics before;
  SourceTexts texts;
  Settings settings;
  const EnvironmentVariables variables;
  if (!options.env_file.empty()) load_environment(options.env_file, {options.env_file, 1, 1, 1, 1}, {}, before);
  if (!options.settings_file.empty()) settings = load_settings(options.settings_file, variables, before, texts);
  const FileSetting& env_file = settings.env_file;
  if (options.env_file.empty() && !env_file.empty()) load_environment(env_file.path, env_file.node.place, env_file.node.path, before);
  const auto expressions = expr::make_expression_checker();
  LoadedPipelines result = load_pipelines(options.paths, {registry, variables, expressions.get(), options.allow_unset, &settings});
  for (const Diagnostic& finding : before.findings()) result.findings.add(finding);
  for (const PipelineConfig& pipeline : result.pipelines)
    check_types(pipeline, options.online ? Online::kYes : Online::kNo, result.findings);
  if (!options.settings_file.empty()) result.texts.add(options.settings_file, std::string(texts.text(options.settings_file)));
  result.settings = std::move(settings);
  return result;
}

int validate_command(const ConfigOptions& options, const Registry& registry, Streams streams) {
  LoadedPipelines loaded = load_configuration(options, registry);
  check_positions(loaded, data_directory_of(options, loaded));
  const auto findings = sorted_findings(loaded.findings);
  const bool good = !loaded.findings.has_errors();
  if (options.json) {
    streams.out << findings_json(findings);
    return good ? kOk : kInvalid;
  }
  streams.err << findings_text(findings, loaded.texts);
  if (!good) {
    const auto errors =
        std::count_if(findings.begin(), findings.end(), [](const Diagnostic& d) { return d.severity == Diagnostic::Severity::kError; });
    streams.err << fmt::format("{} error{}\n", errors, errors == 1 ? "" : "s");
    return kInvalid;
  }
  for (const PipelineConfig& pipeline : loaded.pipelines)
    streams.out << fmt::format("{}: pipeline {} is valid\n", pipeline.file, pipeline.name);
  return kOk;
}

int render_command(const ConfigOptions& options, const Registry& registry, Streams streams) {
  const LoadedPipelines loaded = load_configuration(options, registry);
  streams.err << findings_text(sorted_findings(loaded.findings), loaded.texts);
  if (loaded.findings.has_errors()) return kInvalid;
  const EnvironmentVariables variables;
  bool first = true;
  for (const PipelineConfig& pipeline : loaded.pipelines) {
    streams.out << (first ? "" : "---\n") << render_pipeline(pipeline, registry, variables);
    first = false;
  }
  return kOk;
}

int explain_command(const ConfigOptions& options, const Registry& registry, Streams streams) {
  const LoadedPipelines loaded = load_configuration(options, registry);
  streams.err << findings_text(sorted_findings(loaded.findings), loaded.texts);
  if (loaded.findings.has_errors()) return kInvalid;
  if (options.json) {
    streams.out << explain_json(loaded.pipelines);
    return kOk;
  }
  bool first = true;
  for (const PipelineConfig& pipeline : loaded.pipelines) {
    streams.out << (first ? "" : "\n") << (options.mermaid ? explain_mermaid(pipeline) : explain_pipeline(pipeline));
    first = false;
  }
  return kOk;
}

}  // namespace sluice::daemon
