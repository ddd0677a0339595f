#include "daemon/daemon_control.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <thread>

#include "daemon/definition_builder.h"
#include "daemon/findings.h"
#include "daemon/reload_plan.h"
#include "daemon/tap_session.h"
#include "pipeline/position_change.h"

namespace sluice::daemon {

namespace {

using admin::ReloadReport;
using pipeline::Definition;
using pipeline::Supervisor;

constexpr std::chrono::milliseconds kLookEvery{10};
// A new pipeline that has not refused its configuration by then has accepted it: it waits for a server.
constexpr std::chrono::seconds kRefusalWithin{10};

std::vector<admin::ReloadFinding> findings_of(const LoadedPipelines& loaded) {
  std::vector<admin::ReloadFinding> result;
  for (const Diagnostic& finding : sorted_findings(loaded.findings)) {
    result.push_back({finding.severity == Diagnostic::Severity::kError ? "error" : "warning", finding.place.file, finding.path,
                      std::string(finding.code), finding.message, finding.hint, static_cast<int>(finding.place.line),
                      static_cast<int>(finding.place.column)});
  }
  return result;
}

Error not_ready() { return {ErrorKind::kTransient, "not_ready", "the daemon is still starting, or stopping"}; }

bool is_action(const admin::PlannedPipeline& planned, std::string_view action) { return planned.action == action; }

}  // namespace

DaemonControl::DaemonControl(Parts parts)
    : parts_(std::move(parts)),
      success_(parts_.metrics.gauge("sluice_config_reload_success", "1 when the last load of the pipeline files succeeded.", {})),
      time_(parts_.metrics.gauge("sluice_config_reload_timestamp_seconds", "When pipeline files were last loaded with success.", {})) {
  finish_load(true);
}

void DaemonControl::finish_load(bool good) {
  success_.set(good ? 1 : 0);
  if (good) time_.set(static_cast<double>(parts_.clock.utc_microseconds()) * 1e-6);
}

void DaemonControl::end() {
  ready_ = false;
  const std::lock_guard lock(reload_mutex_);
}

Result<Supervisor::Handle> DaemonControl::find(std::string_view name) const {
  if (!ready_) return not_ready();
  auto found = parts_.supervisor.find(name);
  if (!found) return Error(ErrorKind::kFatal, "unknown_pipeline", fmt::format("there is no pipeline \"{}\"", name));
  return found;
}

Status DaemonControl::pause(std::string_view pipeline) { return SLUICE_TRY(find(pipeline))->pause(); }
Status DaemonControl::resume(std::string_view pipeline) { return SLUICE_TRY(find(pipeline))->resume(); }
Status DaemonControl::restart(std::string_view pipeline) { return SLUICE_TRY(find(pipeline))->restart(); }

Status DaemonControl::request_snapshot(std::string_view pipeline, const std::string& source, std::span<const std::string> tables,
                                       std::stop_token stop) {
  return SLUICE_TRY(find(pipeline))->request_snapshot(source, tables, std::move(stop));
}

Result<pipeline::StoredCheckpoints> DaemonControl::positions(std::string_view pipeline) {
  return pipeline::stored_positions(SLUICE_TRY(find(pipeline))->environment());
}

Status DaemonControl::set_positions(std::string_view pipeline, const NewPositions& positions, std::stop_token stop) {
  const auto found = SLUICE_TRY(find(pipeline));
  const auto errand = [&](const Definition& definition, const pipeline::Environment& environment, const std::stop_token& token) -> Status {
    static_cast<void>(SLUICE_TRY(pipeline::change_positions(definition, environment, {positions, false}, token)));
    return {};
  };
  return found->run_errand(errand, stop);
}

Result<std::vector<std::string>> DaemonControl::resync(std::string_view pipeline, std::stop_token stop) {
  const auto found = SLUICE_TRY(find(pipeline));
  std::vector<std::string> removed;
  const auto errand = [&](const Definition& definition, const pipeline::Environment& environment, const std::stop_token& token) -> Status {
    removed = SLUICE_TRY(pipeline::change_positions(definition, environment, {{}, true}, token));
    return {};
  };
  SLUICE_TRY(found->run_errand(errand, stop));
  return removed;
}

Result<std::vector<std::string>> DaemonControl::cleanup(std::string_view pipeline, std::stop_token stop) {
  const auto found = SLUICE_TRY(find(pipeline));
  std::vector<std::string> removed;
  const auto errand = [&](const Definition& definition, const pipeline::Environment& environment, const std::stop_token& token) -> Status {
    removed = SLUICE_TRY(pipeline::clean_origins(definition, environment, token));
    return {};
  };
  SLUICE_TRY(found->run_errand(errand, stop));
  return removed;
}

Result<ReloadReport> DaemonControl::reload(Mode mode, std::stop_token stop) {
  const std::unique_lock lock(reload_mutex_, std::try_to_lock);
  if (!lock) return Error(ErrorKind::kFatal, "reload_running", "another reload is under way");
  if (!ready_) return not_ready();
  const LoadedPipelines loaded = parts_.load();
  ReloadReport report;
  report.findings = findings_of(loaded);
  if (loaded.findings.has_errors()) {
    if (mode == Mode::kApply) {
      finish_load(false);
      parts_.log.error("the pipeline files are not valid; everything goes on as before",
                       {{"first", report.findings.front().file + ":" + std::to_string(report.findings.front().line) + ": " +
                                      report.findings.front().message}});
    }
    return report;
  }
  std::vector<RunningPipeline> running;
  for (const auto& one : parts_.supervisor.pipelines()) running.push_back({one->definition()});
  std::vector<Definition> definitions;
  std::vector<NextPipeline> next;
  for (const PipelineConfig& config : loaded.pipelines) {
    definitions.push_back(build_definition(config));
    std::error_code ignored;
    next.push_back({definitions.back(), std::filesystem::exists(parts_.data_dir + "/" + config.name + "/checkpoint", ignored)});
  }
  report.pipelines = plan_reload(running, next);
  if (mode == Mode::kPlan) return report;
  reloading_ = true;
  apply(std::move(definitions), report, stop);
  reloading_ = false;
  finish_load(report.problems.empty());
  for (const std::string& problem : report.problems) parts_.log.error(problem);
  parts_.log.info("reloaded", {{"problems", std::to_string(report.problems.size())}});
  return report;
}

// G28: the changed ones drain, then the new ones start; one that refuses its configuration gives way to the old one.
void DaemonControl::apply(std::vector<Definition> next, ReloadReport& report, const std::stop_token& stop) {
  std::map<std::string, Definition> before;
  std::vector<std::string> leaving;
  for (const admin::PlannedPipeline& planned : report.pipelines) {
    if (!is_action(planned, "stop") && !is_action(planned, "change")) continue;
    const auto handle = parts_.supervisor.find(planned.name);
    before.emplace(planned.name, handle->definition());
    leaving.push_back(planned.name);
  }
  stop_all(leaving);
  report.applied = true;
  std::vector<const Definition*> started;
  for (const Definition& definition : next) {
    const auto planned = std::find_if(report.pipelines.begin(), report.pipelines.end(),
                                      [&](const admin::PlannedPipeline& one) { return one.name == definition.name; });
    if (is_action(*planned, "none") || stop.stop_requested()) continue;
    if (const Status begun = start(definition); begun) {
      started.push_back(&definition);
    } else {
      report.problems.push_back(fmt::format("pipeline \"{}\": {}", definition.name, begun.error().message()));
    }
  }
  for (const Definition* definition : started) {
    const Status accepted = refusal(definition->name, stop);
    if (accepted) continue;
    const auto old = before.find(definition->name);
    stop_all({definition->name});
    if (old != before.end()) static_cast<void>(start(old->second).has_value());  // its directory was there a moment ago
    report.problems.push_back(fmt::format("pipeline \"{}\" refused its configuration ({}: {}); {}", definition->name,
                                          accepted.error().code(), accepted.error().message(),
                                          old != before.end() ? "the old one runs again" : "it was not started"));
  }
}

void DaemonControl::stop_all(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (const auto handle = parts_.supervisor.find(name)) handle->request_stop();
  }
  for (const std::string& name : names) {
    const auto handle = parts_.supervisor.find(name);
    while (handle && !handle->finished()) std::this_thread::sleep_for(kLookEvery);  // bounded by its shutdown_timeout
    parts_.supervisor.take_out(name);
  }
}

Status DaemonControl::start(const Definition& definition) {
  auto environment = SLUICE_TRY(parts_.environment(definition.name));
  parts_.supervisor.start(definition, std::move(environment));
  return {};
}

// An error: the pipeline ended because a component refused its configuration.
Status DaemonControl::refusal(const std::string& name, const std::stop_token& stop) const {
  const auto handle = parts_.supervisor.find(name);
  const auto deadline = std::chrono::steady_clock::now() + kRefusalWithin;
  while (!handle->settled() && !stop.stop_requested() && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(kLookEvery);
  const pipeline::PipelineStatus status = handle->status();
  const bool refused =
      status.state == pipeline::State::kFailed && status.last_error && status.last_error->kind == ErrorKind::kInvalidConfig;
  if (!refused) return {};
  // The code of an Error must outlive everything, and this one is only copied text.
  return Error(ErrorKind::kInvalidConfig, "invalid_config", status.last_error->code + ": " + status.last_error->message);
}

Result<std::unique_ptr<admin::TapSession>> DaemonControl::tap(std::string_view pipeline, const admin::TapWish& wish) {
  return open_tap(*SLUICE_TRY(find(pipeline)), wish, open_taps_);
}

Result<std::shared_ptr<dlq::DeadLetterService>> DaemonControl::letters(std::string_view pipeline) {
  return SLUICE_TRY(find(pipeline))->dead_letters();
}

}  // namespace sluice::daemon
