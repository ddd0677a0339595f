#pragma once
// `sluice dlq list|show|replay|discard`: what was asked for, and what the commands have in common.

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "daemon/client/admin_client.h"
#include "daemon/command_line.h"
#include "dlq/dead_letter_service.h"

namespace CLI {
class App;
}

namespace sluice::client {
class LetterClient;
}

namespace sluice::daemon {

struct DeadLetterOptions {
  enum class Action : std::uint8_t { kList, kShow, kReplay, kDiscard };
  Action action = Action::kList;
  std::string pipeline;  // list: empty: all
  std::string data_dir;
  bool data_dir_given = false, admin_given = false;
  client::Endpoint endpoint;
  std::string stage, code, state, since, until;
  std::optional<std::int64_t> id;
  std::optional<std::size_t> limit;
  bool all = false;
  std::string group_by;  // stage | code | stage,code
  bool json = false;
  std::string config, env_file;  // replay: the pipeline's file
  bool from_start = false, dry_run = false, allow_stale = false;
  bool yes = false;
};

// Declares `dlq` and its commands; `chosen` is called for the one that the command line names, once it is parsed.
void add_dead_letter_commands(CLI::App& app, DeadLetterOptions& options, std::function<void()> chosen);

// Works with the daemon; with --data-dir, for a dry run, or when no --admin was given and none answers, in a data directory that is free.
int dead_letter_command(const DeadLetterOptions& options, const Registry& registry, Streams streams);

// `since` and `until` are RFC 3339 times or durations before now ("2h").  kInvalidConfig bad_value.
Result<dlq::LetterFilter> letter_filter(const DeadLetterOptions& options, std::size_t default_limit);
// Whether anything but --all limits what is meant.
bool has_filter(const DeadLetterOptions& options);

std::string store_path(const std::string& data_dir, const std::string& pipeline);
// Asks on streams.err and reads streams.in; true: "y" or "yes".
bool confirmed(const std::string& question, Streams streams);
int report(const Error& error, Streams streams);

// The commands; private to daemon/dead_letter_*.cc.
int dead_letter_replay_command(const DeadLetterOptions& options, const Registry& registry, Streams streams);
int dead_letter_live_replay(client::LetterClient& client, const DeadLetterOptions& options, Streams streams);

// What --yes leaves out: shows what is open and asks.
bool replay_agreed(const std::vector<dlq::LetterTotal>& totals, const DeadLetterOptions& options, Streams streams);
void print_progress(const dlq::ReplayTicket& ticket, const dlq::ReplayProgress& progress, bool json, std::ostream& out);

}  // namespace sluice::daemon
