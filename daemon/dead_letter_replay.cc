// `sluice dlq replay` without a daemon: runs the pipeline with nothing but its dead letters.  With --dry-run on a copy of them, every sink
// replaced by one that shows what comes.
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <limits>
#include <ostream>
#include <stop_token>
#include <thread>

#include "core/clock.h"
#include "daemon/config_commands.h"
#include "daemon/data_directory.h"
#include "daemon/dead_letter_options.h"
#include "daemon/definition_builder.h"
#include "daemon/dry_run_sink.h"
#include "daemon/findings.h"
#include "daemon/kill_fault_points.h"
#include "daemon/open_dead_letters.h"
#include "daemon/stop_signals.h"
#include "dlq/letter_copy.h"
#include "formats/json_writer.h"
#include "metrics/metrics_registry.h"
#include "pipeline/pipeline.h"

namespace sluice::daemon {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();
constexpr std::size_t kTrialLimit = 100;  // letters of a dry run that asks for no number

// A folder that goes away with it, for the owner only.
class PrivateDirectory {
 public:
  static Result<std::unique_ptr<PrivateDirectory>> make(const std::string& parent) {
    std::string path = parent + "/dry-run-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr)
      return Error(ErrorKind::kFatal, "io_error", fmt::format("cannot make a directory in \"{}\"", parent));
    return std::unique_ptr<PrivateDirectory>(new PrivateDirectory(std::move(path)));
  }
  ~PrivateDirectory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  PrivateDirectory(const PrivateDirectory&) = delete;
  PrivateDirectory& operator=(const PrivateDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  explicit PrivateDirectory(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

// The one pipeline of the file, which must have the name that was given.
std::optional<pipeline::Definition> load_definition(const DeadLetterOptions& options, const Registry& registry, Streams streams,
                                                    int& exit_code) {
  if (options.config.empty()) {
    streams.err << "say which configuration to replay with: --config FILE\n";
    exit_code = kUsage;
    return std::nullopt;
  }
  ConfigOptions config;
  config.paths = {options.config};
  config.env_file = options.env_file;
  LoadedPipelines loaded = load_configuration(config, registry);
  streams.err << findings_text(sorted_findings(loaded.findings), loaded.texts) << std::flush;
  exit_code = kInvalid;
  if (loaded.findings.has_errors()) return std::nullopt;
  for (const PipelineConfig& pipeline : loaded.pipelines) {
    if (pipeline.name == options.pipeline) return build_definition(pipeline);
  }
  streams.err << fmt::format("\"{}\" has no pipeline \"{}\"\n", options.config, options.pipeline);
  return std::nullopt;
}

// Runs the definition's dead letters to their end; a signal stops it, and what was not committed is replayed later.
Status run_replays(pipeline::Definition definition, const std::string& directory, const std::string& instance, FaultPoints& faults) {
  definition.replay_only = true;
  MetricsRegistry metrics;
  SystemClock clock;
  const auto log = make_logger(LogFormat::kText, LogLevel::kWarning);
  pipeline::Pipeline pipeline(std::move(definition), {directory, instance, metrics, *log, clock, faults, open_dead_letters});
  StopSignals signals;
  std::stop_source stop;
  Status result;
  {
    std::jthread thread([&] { result = pipeline.run(stop.get_token()); });
    while (!pipeline.finished()) {
      if (signals.wait(std::chrono::milliseconds(20))) stop.request_stop();
    }
  }
  return result;
}

// ---- for real ----------------------------------------------------------------------------------------------------------

int replay_for_real(const DeadLetterOptions& options, pipeline::Definition definition, Streams streams) {
  const char* fault_point = std::getenv("SLUICE_FAULT_POINT");
  const char* fault_trace = std::getenv("SLUICE_FAULT_TRACE");
  const auto faults = make_fault_points(fault_point == nullptr ? "" : fault_point, fault_trace == nullptr ? "" : fault_trace);
  if (!faults) return report(faults.error(), streams);
  auto data = DataDirectory::open(options.data_dir, **faults);
  if (!data) {
    report(data.error(), streams);
    return kUnusable;
  }
  const auto directory = data->pipeline_directory(options.pipeline);
  if (!directory) return report(directory.error(), streams);
  auto filter = letter_filter(options, kNoLimit);
  if (!filter) return report(filter.error(), streams);
  dlq::DeadLetterService service(store_path(options.data_dir, options.pipeline));
  if (!options.yes) {
    const auto totals = service.totals(*filter, dlq::LetterGroup::kStageAndCode);
    if (!totals) return report(totals.error(), streams);
    if (!replay_agreed(*totals, options, streams)) return kFailed;
  }
  const auto ticket = service.replay({*filter, options.from_start, options.allow_stale});
  if (!ticket) return report(ticket.error(), streams);
  // Also without new ones: an earlier run may have been stopped.
  if (const auto run = run_replays(std::move(definition), *directory, data->instance(), **faults); !run)
    return report(run.error(), streams);
  const auto progress = service.progress(*ticket);
  if (!progress) return report(progress.error(), streams);
  print_progress(*ticket, *progress, options.json, streams.out);
  return progress->refused_again + progress->put_back == 0 ? kOk : kDoneWithDeadLetters;
}

// ---- dry run -----------------------------------------------------------------------------------------------------------

void print_row(const DryRunOutput::Row& row, bool json, std::ostream& out) {
  if (json) {
    std::string sink;
    append_json_string(row.sink, sink);
    out << fmt::format("{{\"letter\":{},\"sink\":{},\"record\":{}}}\n", row.letter, sink, row.record);
  } else {
    out << fmt::format("{} -> {}: {}\n", row.letter, row.sink, row.record);
  }
}

// A letter of the trial that waits again, or came new.
void print_refusal(const dlq::StoredLetter& letter, bool json, std::ostream& out) {
  const std::string message = letter.note.value_or(letter.message);
  if (!json) {
    out << fmt::format("{}/{}/{} refused by {}: {}: {}\n", letter.source, letter.partition, letter.ordinal.major, letter.stage, letter.code,
                       message);
    return;
  }
  std::string texts[4];
  std::size_t i = 0;
  for (const std::string* text : {&letter.stage, &letter.code, &message, &letter.partition}) append_json_string(*text, texts[i++]);
  out << fmt::format("{{\"letter\":{},\"refused_by\":{},\"code\":{},\"message\":{},\"partition\":{},\"ordinal\":[\"{}\",\"{}\"]}}\n",
                     letter.id, texts[0], texts[1], texts[2], texts[3], letter.ordinal.major, letter.ordinal.minor);
}

int try_replay(const DeadLetterOptions& options, pipeline::Definition definition, Streams streams) {
  auto filter = letter_filter(options, options.all ? kNoLimit : kTrialLimit);
  if (!filter) return report(filter.error(), streams);
  if (!filter->state) filter->state = "open";
  const auto directory = PrivateDirectory::make(options.data_dir + "/" + options.pipeline);
  if (!directory) return report(directory.error(), streams);
  const std::string trial = (*directory)->path() + "/dead_letters.db";
  const auto count = dlq::make_trial_store(store_path(options.data_dir, options.pipeline), trial, {*filter, options.from_start});
  if (!count) return report(count.error(), streams);
  DryRunOutput output;
  for (pipeline::SinkDefinition& sink : definition.sinks) {
    sink.build = [name = sink.name, &output](const BuildContext&) -> Result<std::unique_ptr<Sink>> {
      return make_dry_run_sink(name, output);
    };
  }
  FaultPoints none;
  if (const auto run = run_replays(std::move(definition), (*directory)->path(), "dry-run", none); !run) return report(run.error(), streams);
  const auto rows = output.take();
  for (const DryRunOutput::Row& row : rows) print_row(row, options.json, streams.out);
  dlq::LetterFilter refused;
  refused.state = "open";
  refused.limit = kNoLimit;
  const auto letters = dlq::list_letters(trial, refused);
  if (!letters) return report(letters.error(), streams);
  for (const dlq::StoredLetter& letter : *letters) print_refusal(letter, options.json, streams.out);
  streams.err << fmt::format("dry run: {} letters, {} records would come out, {} would be refused; nothing was sent\n", *count, rows.size(),
                             letters->size());
  return kOk;
}

}  // namespace

bool replay_agreed(const std::vector<dlq::LetterTotal>& totals, const DeadLetterOptions& options, Streams streams) {
  for (const dlq::LetterTotal& total : totals) {
    if (total.open != 0) streams.err << fmt::format("{:>9}  {}  {}\n", total.open, total.stage, total.code);
  }
  return confirmed(fmt::format("Replay these from {}?", options.from_start ? "the start" : "the stage that refused them"), streams);
}

void print_progress(const dlq::ReplayTicket& ticket, const dlq::ReplayProgress& progress, bool json, std::ostream& out) {
  if (json) {
    out << fmt::format(
        "{{\"accepted\":{},\"replayed\":{},\"refused_again\":{},\"put_back\":{},\"waiting\":{},\"not_yet\":{},\"not_open\":{}}}\n",
        ticket.accepted, progress.replayed, progress.refused_again, progress.put_back, progress.waiting, ticket.not_yet, ticket.not_open);
    return;
  }
  std::string text = fmt::format("{} replayed", progress.replayed);
  const auto add = [&](std::uint64_t count, std::string_view what) {
    if (count != 0) text += fmt::format(", {} {}", count, what);
  };
  add(progress.refused_again, "refused again (open, with one more attempt)");
  add(progress.put_back, "could not be replayed (open as before; `sluice dlq show` says why)");
  add(progress.waiting, "still on their way (the next start goes on with them)");
  add(ticket.not_yet, "left pending (a sink has not passed them yet)");
  add(ticket.not_open, "left as they are (decided upon already)");
  out << text << "\n";
}

int dead_letter_replay_command(const DeadLetterOptions& options, const Registry& registry, Streams streams) {
  int exit_code = kOk;
  auto definition = load_definition(options, registry, streams, exit_code);
  if (!definition) return exit_code;
  return options.dry_run ? try_replay(options, std::move(*definition), streams) : replay_for_real(options, std::move(*definition), streams);
}

}  // namespace sluice::daemon
