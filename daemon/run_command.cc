// `sluice run`: validate, take the data directory and the port, start all, wait for the end.
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ostream>

#include "core/clock.h"
#include "daemon/admin/admin_server.h"
#include "daemon/admin/status_metrics.h"
#include "daemon/admin/token.h"
#include "daemon/config_commands.h"
#include "daemon/daemon_control.h"
#include "daemon/data_directory.h"
#include "daemon/definition_builder.h"
#include "daemon/findings.h"
#include "daemon/kill_fault_points.h"
#include "daemon/known_positions.h"
#include "daemon/open_dead_letters.h"
#include "daemon/reload_worker.h"
#include "daemon/run_status.h"
#include "daemon/settings.h"
#include "daemon/stop_signals.h"
#include "daemon/version.h"
#include "metrics/metrics_registry.h"
#include "pipeline/supervisor.h"

namespace sluice::daemon {

namespace {

using namespace std::chrono_literals;

// How often the main thread looks whether everything has ended; signals wake it at once.
constexpr auto kLookEvery = 50ms;

// Everything that can refuse a configuration; nothing is started.
struct Prepared {
  LoadedPipelines loaded;
  Settings settings;
};

// --until-done promises an end, so every source must have one.
void check_ends(LoadedPipelines& loaded) {
  for (const PipelineConfig& pipeline : loaded.pipelines) {
    for (const SourceConfig& source : pipeline.sources) {
      if (!source.config.has_value() || source.component->can_end(source.config)) continue;
      loaded.findings.error(source.node, "conflict",
                            fmt::format("the source \"{}\" never ends, so --until-done would wait forever", source.name),
                            "for example mode: once of a file, count of a generator");
    }
  }
}

Prepared prepare(const RunOptions& options, const Registry& registry) {
  Prepared result{load_configuration(options.config, registry), {}};
  result.settings = result.loaded.settings;
  if (options.data_dir) result.settings.data_dir = *options.data_dir;
  if (result.settings.data_dir.empty()) result.settings.data_dir = default_data_directory();
  if (options.listen) result.settings.listen = *options.listen;
  if (options.log_format) result.settings.log.format = *options.log_format;
  if (options.until_done) check_ends(result.loaded);
  check_positions(result.loaded, result.settings.data_dir);
  return result;
}

// As many files as the administrator allows: sinks keep many open, and the usual soft limit is there for select() only.
void raise_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));  // the old limit serves too
}

// The admin API's settings, the command line's first; the token is read now, so that a file that will not do is noticed at start.
Result<admin::AdminOptions> admin_options(const Settings& settings, const RunOptions& options) {
  admin::AdminOptions result;
  result.listen = settings.listen;
  result.version = product_version();
  result.stall_after = std::chrono::ceil<std::chrono::seconds>(settings.stall_after);
  const std::string& token_file = options.token_file.empty() ? settings.token_file.path : options.token_file;
  if (!token_file.empty()) result.token = SLUICE_TRY(admin::read_token_file(token_file));
  const bool own_tls = !options.tls_certificate.empty() || !options.tls_key.empty();
  result.certificate_file = own_tls || !settings.tls ? options.tls_certificate : settings.tls->certificate.path;
  result.key_file = own_tls || !settings.tls ? options.tls_key : settings.tls->key.path;
  result.connections = settings.limits.connections;
  result.limits.head.head = settings.limits.head.bytes;
  result.limits.head.body = settings.limits.body.bytes;
  result.limits.read_timeout = result.limits.write_timeout = settings.limits.request_timeout;
  return result;
}

// One run of the daemon, from the lock to the exit code.  Main thread.
class Daemon {
 public:
  Daemon(Prepared prepared, const RunOptions& options, const Registry& registry, FaultPoints& faults)
      : prepared_(std::move(prepared)),
        options_(options),
        registry_(registry),
        faults_(faults),
        log_(make_logger(prepared_.settings.log.format, prepared_.settings.log.level)) {}

  int run(StopSignals& signals) {
    const auto begin = clock_.now();
    auto data = DataDirectory::open(prepared_.settings.data_dir, faults_);
    if (!data) return refuse(data.error());
    report_left_behind(prepared_.loaded.pipelines, data->path(), *log_);
    std::vector<std::string> names;
    for (const PipelineConfig& config : prepared_.loaded.pipelines) names.push_back(config.name);
    RunStatus status(std::move(names));
    pipeline::Supervisor supervisor;
    DaemonControl control({supervisor, metrics_, *log_, clock_, [this] { return load_again(); },
                           [this, &data](const std::string& name) { return environment(*data, name); }, prepared_.settings.data_dir});
    publish_build_info(metrics_, product_version());
    const auto published = admin::publish_status(metrics_, status);
    const auto api = admin_options(prepared_.settings, options_);
    if (!api) return refuse(api.error());
    auto server = admin::AdminServer::start(*api, {metrics_, status, clock_, *log_, &control, &control, &control, &control, &control});
    if (!server) return refuse(server.error());
    log_->info("listening", {{"address", (*server)->address()}, {"tls", api->key_file.empty() ? "off" : "on"}});
    auto started = start_all(*data, supervisor);
    if (!started) return refuse(started.error());
    status.started(supervisor);
    control.begin();
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now() - begin);
    log_->info("started",
               {{"pipelines", std::to_string(prepared_.loaded.pipelines.size())}, {"milliseconds", std::to_string(took.count())}});
    wait_for_end(signals, supervisor, control);
    control.end();
    supervisor.request_stop();  // a reload may have started one at the last moment
    supervisor.join();
    return exit_code(supervisor);
  }

 private:
  int refuse(const Error& error) {
    log_->error(error.message(), {{"code", error.code()}});
    return error.kind() == ErrorKind::kInvalidConfig ? kInvalid : kUnusable;
  }

  Result<pipeline::Environment> environment(const DataDirectory& data, const std::string& name) {
    return pipeline::Environment{
        SLUICE_TRY(data.pipeline_directory(name)), data.instance(), metrics_, *log_, clock_, faults_, open_dead_letters};
  }

  Status start_all(const DataDirectory& data, pipeline::Supervisor& supervisor) {
    std::vector<pipeline::Environment> environments;
    for (const PipelineConfig& config : prepared_.loaded.pipelines) environments.push_back(SLUICE_TRY(environment(data, config.name)));
    for (std::size_t i = 0; i < environments.size(); ++i)
      supervisor.start(build_definition(prepared_.loaded.pipelines[i]), environments[i]);
    return {};
  }

  // The environment's file is read at start only: other threads read the environment now.
  LoadedPipelines load_again() const {
    ConfigOptions config = options_.config;
    config.again = true;
    LoadedPipelines loaded = load_configuration(config, registry_);
    if (options_.until_done) check_ends(loaded);
    return loaded;
  }

  // Until a signal has come and everything has stopped, or nothing is left to do.
  void wait_for_end(StopSignals& signals, pipeline::Supervisor& supervisor, DaemonControl& control) {
    bool stopping = false;
    ReloadWorker reloads(control);
    while (control.reloading() || !supervisor.all_finished() || waits_for_signal(stopping, supervisor)) {
      if (stopping) supervisor.request_stop();  // also those that a reload has just started
      const auto signal = signals.wait(kLookEvery);
      if (!signal) continue;
      if (*signal == SIGHUP) {
        reloads.ask();
        continue;
      }
      if (stopping) {
        log_->warning("second signal: stopping at once; the next start replays what was not committed");
        ::_exit(kFailed);
      }
      log_->info("stopping", {{"signal", *signal == SIGINT ? "SIGINT" : "SIGTERM"}});
      stopping = true;
      reloads.request_stop();
      supervisor.request_stop();
    }
  }

  // Pipelines that have come to their end do not end a daemon, unless that was asked for or one of them failed: then whoever supervises
  // the process is to know.
  bool waits_for_signal(bool stopping, const pipeline::Supervisor& supervisor) const {
    return !stopping && !options_.until_done && !supervisor.any_failed();
  }

  // Every pipeline that failed did so because a component refused its configuration, which a restart does not mend.
  static bool all_refused(const pipeline::Supervisor& supervisor) {
    const auto statuses = supervisor.statuses();
    return std::all_of(statuses.begin(), statuses.end(), [](const pipeline::PipelineStatus& status) {
      return status.state != pipeline::State::kFailed || (status.last_error && status.last_error->kind == ErrorKind::kInvalidConfig);
    });
  }

  int exit_code(const pipeline::Supervisor& supervisor) {
    std::uint64_t dead_lettered = 0;
    for (const auto& pipeline : supervisor.pipelines()) {
      for (const pipeline::LaneBooks& books : pipeline->books()) dead_lettered += books.dead_lettered;
    }
    const bool failed = supervisor.any_failed();
    log_->info("stopped", {{"failed", failed ? "true" : "false"}});
    if (failed) return all_refused(supervisor) ? kInvalid : kFailed;
    return options_.fail_on_dead_letters && dead_lettered > 0 ? kDoneWithDeadLetters : kOk;
  }

  Prepared prepared_;
  const RunOptions& options_;
  const Registry& registry_;
  FaultPoints& faults_;
  std::unique_ptr<Logger> log_;
  SystemClock clock_;
  MetricsRegistry metrics_;
};

}  // namespace

int run_command(const RunOptions& options, const Registry& registry, Streams streams) {
  Prepared prepared = prepare(options, registry);
  streams.err << findings_text(sorted_findings(prepared.loaded.findings), prepared.loaded.texts) << std::flush;
  if (prepared.loaded.findings.has_errors()) return kInvalid;
  const char* fault_point = std::getenv("SLUICE_FAULT_POINT");
  const char* fault_trace = std::getenv("SLUICE_FAULT_TRACE");
  const auto faults = make_fault_points(fault_point == nullptr ? "" : fault_point, fault_trace == nullptr ? "" : fault_trace);
  if (!faults) {
    streams.err << faults.error().message() << "\n";
    return kUsage;
  }
  StopSignals signals;
  raise_file_limit();
  return Daemon(std::move(prepared), options, registry, **faults).run(signals);
}

}  // namespace sluice::daemon
