#include "daemon/client/offline.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <ostream>

#include "core/clock.h"
#include "daemon/client/conversation_internal.h"
#include "daemon/config_commands.h"
#include "daemon/data_directory.h"
#include "daemon/definition_builder.h"
#include "daemon/findings.h"
#include "daemon/kill_fault_points.h"
#include "metrics/metrics_registry.h"

namespace sluice::client {

namespace {

bool knows(const ClientOptions& options) {
  std::error_code ignored;
  return std::filesystem::is_directory(options.data_dir + "/" + options.pipeline, ignored);
}

Error unknown(const ClientOptions& options) {
  return {ErrorKind::kFatal, "unknown_pipeline", fmt::format("\"{}\" knows no pipeline \"{}\"", options.data_dir, options.pipeline)};
}

// Nothing is set aside by a change of positions.
Result<std::unique_ptr<DeadLetterQueue>> no_dead_letters(const pipeline::Definition&, const pipeline::Environment&) {
  return Error(ErrorKind::kFatal, "not_running", "no pipeline runs here");
}

const char* variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

Result<pipeline::StoredCheckpoints> offline_positions(const ClientOptions& options) {
  if (!knows(options)) return unknown(options);
  FaultPoints none;
  return pipeline::CheckpointStore(options.data_dir + "/" + options.pipeline + "/checkpoint", none).load();
}

int work_offline(const ClientOptions& options, const Registry& registry, daemon::Streams streams,
                 const std::function<Status(const pipeline::Definition&, const pipeline::Environment&)>& work) {
  if (options.config.paths.empty()) {
    streams.err << "--data-dir needs --config FILE: what the pipeline's sinks hold is changed too\n";
    return daemon::kUsage;
  }
  if (!knows(options)) return tell(unknown(options), streams);
  const auto loaded = daemon::load_configuration(options.config, registry);
  streams.err << daemon::findings_text(daemon::sorted_findings(loaded.findings), loaded.texts);
  if (loaded.findings.has_errors()) return daemon::kInvalid;
  const auto found = std::find_if(loaded.pipelines.begin(), loaded.pipelines.end(),
                                  [&](const daemon::PipelineConfig& one) { return one.name == options.pipeline; });
  if (found == loaded.pipelines.end()) {
    streams.err << fmt::format("no file of --config has a pipeline \"{}\"\n", options.pipeline);
    return daemon::kUsage;
  }
  const auto faults = daemon::make_fault_points(variable("SLUICE_FAULT_POINT"), variable("SLUICE_FAULT_TRACE"));
  if (!faults) return tell(faults.error(), streams);
  const auto data = daemon::DataDirectory::open(options.data_dir, **faults);
  if (!data) {
    streams.err << fmt::format("error[{}]: {}\n", data.error().code(), data.error().message());
    return daemon::kUnusable;
  }
  const auto directory = data->pipeline_directory(options.pipeline);
  if (!directory) return tell(directory.error(), streams);
  MetricsRegistry metrics;
  SystemClock clock;
  const auto log = daemon::make_logger(daemon::LogFormat::kText, LogLevel::kWarning);
  const pipeline::Environment environment{*directory, data->instance(), metrics, *log, clock, **faults, no_dead_letters};
  const Status done = work(daemon::build_definition(*found), environment);
  return done ? daemon::kOk : tell(done.error(), streams);
}

}  // namespace sluice::client
