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

LoadedPipelines load_configuration(const ConfigOptions& options, const Registry& registry) {
  Diagnostics of_environment;
  if (!options.env_file.empty()) {
    const auto loaded = load_environment_file(options.env_file);
    if (!loaded)
      of_environment.add(
          {Diagnostic::Severity::kError, {options.env_file, 1, 1, 1, 1}, {}, "unreadable_file", loaded.error().message(), {}, {}});
  }
  const EnvironmentVariables variables;
  const auto expressions = expr::make_expression_checker();
  LoadedPipelines result = load_pipelines(options.paths, {registry, variables, expressions.get(), options.allow_unset});
  for (const Diagnostic& finding : of_environment.findings()) result.findings.add(finding);
  for (const PipelineConfig& pipeline : result.pipelines)
    check_types(pipeline, options.online ? Online::kYes : Online::kNo, result.findings);
  return result;
}

int validate_command(const ConfigOptions& options, const Registry& registry, Streams streams) {
  LoadedPipelines loaded = load_configuration(options, registry);
  check_positions(loaded, options.data_dir.empty() ? default_data_directory() : options.data_dir);
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
