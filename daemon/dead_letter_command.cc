// `sluice dlq list`, `show` and `discard`; and where each of `sluice dlq` works: with the daemon, or in a data directory that none holds.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <istream>
#include <limits>
#include <ostream>

#include "core/civil_time.h"
#include "daemon/client/letter_client.h"
#include "daemon/data_directory.h"
#include "daemon/dead_letter_options.h"
#include "daemon/letter_desk.h"
#include "dlq/letter_json.h"

namespace sluice::daemon {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kListLimit = 100;
constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

std::string time_text(std::int64_t microseconds) {
  std::array<char, kTimeTextBytes> buffer{};
  return {buffer.data(), write_timestamp(buffer.data(), microseconds)};
}

// Messages quote data, which must not move the cursor of a terminal.
std::string printable(std::string_view text) {
  std::string result;
  for (const char c : text) result += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  return result;
}

void print_letter(const dlq::StoredLetter& letter, bool json, std::ostream& out) {
  if (json) {
    std::string line;
    dlq::append_letter_json(letter, line);
    out << line << "\n";
    return;
  }
  out << fmt::format("{}  {}  {} ({}, {})  {}  {}/{}/{}  {}{}\n", letter.id, time_text(letter.last_seen), printable(letter.stage),
                     printable(letter.component), printable(letter.phase), printable(letter.code), printable(letter.source),
                     printable(letter.partition), letter.ordinal.major, letter.state,
                     letter.attempts > 1 ? fmt::format(", {} attempts", letter.attempts) : "")
      << "    " << printable(letter.message) << "\n";
  if (letter.note) out << "    not replayed: " << printable(*letter.note) << "\n";
  if (letter.raw) out << "    original: " << printable(*letter.raw) << "\n";
  if (letter.input) out << "    input:    " << printable(*letter.input) << "\n";
  if (letter.record) out << "    record:   " << printable(*letter.record) << "\n";
}

void print_total(const dlq::LetterTotal& total, bool json, std::ostream& out) {
  if (json) {
    std::string line;
    dlq::append_total_json(total, line);
    out << line << "\n";
    return;
  }
  std::string states;
  const auto add = [&](std::string_view name, std::uint64_t count) {
    if (count != 0) states += fmt::format("{}{} {}", states.empty() ? "" : ", ", count, name);
  };
  add("pending", total.pending);
  add("open", total.open);
  add("replaying", total.replaying);
  add("replayed", total.replayed);
  add("discarded", total.discarded);
  out << fmt::format("{:>9}  {}{}{}  ({})  {} .. {}\n", total.count, printable(total.stage),
                     total.stage.empty() || total.code.empty() ? "" : "  ", printable(total.code), states, time_text(total.first_seen),
                     time_text(total.last_seen));
}

int list_pipeline(LetterDesk& desk, const std::string& pipeline, const DeadLetterOptions& options, dlq::LetterFilter& filter,
                  Streams streams) {
  if (!options.group_by.empty()) {
    const auto by = options.group_by == "stage"  ? dlq::LetterGroup::kStage
                    : options.group_by == "code" ? dlq::LetterGroup::kCode
                                                 : dlq::LetterGroup::kStageAndCode;
    const auto totals = desk.totals(pipeline, filter, by);
    if (!totals) return report(totals.error(), streams);
    if (!options.json && !totals->empty()) streams.out << pipeline << "\n";
    for (const dlq::LetterTotal& total : *totals) print_total(total, options.json, streams.out);
    return kOk;
  }
  const auto letters = desk.list(pipeline, filter);
  if (!letters) return report(letters.error(), streams);
  if (!options.json && !letters->empty()) streams.out << pipeline << "\n";
  for (const dlq::StoredLetter& letter : *letters) print_letter(letter, options.json, streams.out);
  filter.limit -= std::min(filter.limit, letters->size());
  return kOk;
}

int list_command(LetterDesk& desk, const DeadLetterOptions& options, Streams streams) {
  auto filter = letter_filter(options, options.all ? kNoLimit : kListLimit);
  if (!filter) return report(filter.error(), streams);
  const auto pipelines = options.pipeline.empty() ? desk.pipelines() : std::vector{options.pipeline};
  if (!pipelines) return report(pipelines.error(), streams);
  for (const std::string& pipeline : *pipelines) {
    const int code = list_pipeline(desk, pipeline, options, *filter, streams);
    if (code != kOk || filter->limit == 0) return code;
  }
  return kOk;
}

int show_command(LetterDesk& desk, const DeadLetterOptions& options, Streams streams) {
  const auto letters = desk.show(options.pipeline, *options.id);
  if (!letters) return report(letters.error(), streams);
  if (letters->empty()) {
    streams.err << fmt::format("\"{}\" has no dead letter {}\n", options.pipeline, *options.id);
    return kFailed;
  }
  print_letter(letters->front(), options.json, streams.out);
  return kOk;
}

int discard_command(LetterDesk& desk, const DeadLetterOptions& options, Streams streams) {
  const auto filter = letter_filter(options, kNoLimit);
  if (!filter) return report(filter.error(), streams);
  if (!options.yes) {
    const auto totals = desk.totals(options.pipeline, *filter, dlq::LetterGroup::kStageAndCode);
    if (!totals) return report(totals.error(), streams);
    for (const dlq::LetterTotal& total : *totals) print_total(total, false, streams.err);
    if (!confirmed("Discard those that are open or pending? They are kept for the time that dead_letters.keep says, but never replayed.",
                   streams))
      return kFailed;
  }
  const auto result = desk.discard(options.pipeline, *filter);
  if (!result) return report(result.error(), streams);
  if (options.json) {
    streams.out << fmt::format("{{\"discarded\":{},\"not_open\":{}}}\n", result->discarded, result->not_open);
  } else {
    streams.out << fmt::format("{} discarded", result->discarded)
                << (result->not_open == 0 ? std::string() : fmt::format(", {} left as they are (decided upon already)", result->not_open))
                << "\n";
  }
  return kOk;
}

int offline_command(const DeadLetterOptions& options, const Registry& registry, Streams streams) {
  std::error_code ignored;
  if (!fs::is_directory(options.data_dir, ignored)) {
    streams.err << fmt::format("there is no data directory \"{}\"\n", options.data_dir);
    return kUnusable;
  }
  if (!options.dry_run && data_directory_in_use(options.data_dir)) {  // a dry run only reads
    streams.err << fmt::format("a daemon holds \"{}\": ask it (--admin instead of --data-dir), or stop it first\n", options.data_dir);
    return kUnusable;
  }
  if (!options.pipeline.empty() && !fs::is_directory(options.data_dir + "/" + options.pipeline, ignored)) {
    streams.err << fmt::format("\"{}\" knows no pipeline \"{}\"\n", options.data_dir, options.pipeline);
    return kFailed;
  }
  const auto desk = make_offline_desk(options.data_dir);
  switch (options.action) {
    case DeadLetterOptions::Action::kList: return list_command(*desk, options, streams);
    case DeadLetterOptions::Action::kShow: return show_command(*desk, options, streams);
    case DeadLetterOptions::Action::kReplay: return dead_letter_replay_command(options, registry, streams);
    case DeadLetterOptions::Action::kDiscard: return discard_command(*desk, options, streams);
  }
  return kUsage;
}

int online_command(client::LetterClient& client, const DeadLetterOptions& options, Streams streams) {
  switch (options.action) {
    case DeadLetterOptions::Action::kList: return list_command(client, options, streams);
    case DeadLetterOptions::Action::kShow: return show_command(client, options, streams);
    case DeadLetterOptions::Action::kReplay: return dead_letter_live_replay(client, options, streams);
    case DeadLetterOptions::Action::kDiscard: return discard_command(client, options, streams);
  }
  return kUsage;
}

bool is_free(const std::string& data_dir) {
  std::error_code ignored;
  return fs::is_directory(data_dir, ignored) && !data_directory_in_use(data_dir);
}

}  // namespace

std::string store_path(const std::string& data_dir, const std::string& pipeline) { return data_dir + "/" + pipeline + "/dead_letters.db"; }

int report(const Error& error, Streams streams) {
  streams.err << fmt::format("error[{}]: {}\n", error.code(), error.message());
  if (error.code() == "daemon_unreachable") return kUnusable;
  return error.kind() == ErrorKind::kInvalidConfig ? kUsage : kFailed;
}

bool confirmed(const std::string& question, Streams streams) {
  streams.err << question << " [y/N] " << std::flush;
  std::string answer;
  std::getline(streams.in, answer);
  return answer == "y" || answer == "yes";
}

bool has_filter(const DeadLetterOptions& options) {
  return !options.stage.empty() || !options.code.empty() || !options.state.empty() || !options.since.empty() || !options.until.empty() ||
         options.id || options.limit;
}

Result<dlq::LetterFilter> letter_filter(const DeadLetterOptions& options, std::size_t default_limit) {
  const auto time_of = [](std::string_view name, const std::string& text) -> Result<std::optional<std::int64_t>> {
    if (text.empty()) return std::optional<std::int64_t>();
    if (const auto time = parse_timestamp(text)) return std::optional(time->as_int64());
    std::string duration = text;
    if (duration.ends_with('d')) {  // CEL's durations end at hours
      const std::size_t days = static_cast<std::size_t>(std::strtoull(text.c_str(), nullptr, 10));
      if (std::to_string(days) + "d" == text) duration = std::to_string(days * 24) + "h";
    }
    if (const auto ago = parse_duration(duration)) return std::optional(SystemClock().utc_microseconds() - *ago / 1000);
    return Error(ErrorKind::kInvalidConfig, "bad_value",
                 fmt::format("--{} \"{}\" is neither a time (2026-01-31T13:00:00Z) nor a duration (2h)", name, text));
  };
  dlq::LetterFilter filter;
  if (!options.stage.empty()) filter.stage = options.stage;
  if (!options.code.empty()) filter.code = options.code;
  if (!options.state.empty()) filter.state = options.state;
  filter.id = options.id;
  filter.since = SLUICE_TRY(time_of("since", options.since));
  filter.until = SLUICE_TRY(time_of("until", options.until));
  filter.limit = options.limit.value_or(default_limit);
  return filter;
}

int dead_letter_command(const DeadLetterOptions& options, const Registry& registry, Streams streams) {
  const bool decides = options.action == DeadLetterOptions::Action::kReplay || options.action == DeadLetterOptions::Action::kDiscard;
  if (decides && !options.all && !has_filter(options)) {
    streams.err << "say which dead letters: a filter (--stage, --code, --since, --until, --id, ...) or --all\n";
    return kUsage;
  }
  if (options.data_dir_given || options.dry_run) return offline_command(options, registry, streams);  // a dry run sends nothing anywhere
  const auto client = client::make_letter_client(options.endpoint);
  if (!client) return report(client.error(), streams);
  const Status reached = (*client)->reach();
  if (reached) return online_command(**client, options, streams);
  if (reached.error().code() == "daemon_unreachable" && !options.admin_given && is_free(options.data_dir)) {
    streams.err << fmt::format("no daemon answers at {}: working in the data directory \"{}\"\n", options.endpoint.url, options.data_dir);
    return offline_command(options, registry, streams);
  }
  const int code = report(reached.error(), streams);
  if (code == kUnusable) streams.err << "give its address with --admin, or --data-dir while no daemon runs\n";
  return code;
}

}  // namespace sluice::daemon
