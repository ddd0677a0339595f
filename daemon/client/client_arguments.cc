#include "daemon/client/client_arguments.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "daemon/client/client_options.h"
#include "daemon/command_line.h"
#include "daemon/data_directory.h"

namespace sluice::client {

namespace {

using daemon::Streams;
using Options = std::shared_ptr<ClientOptions>;
using Command = int (*)(const ClientOptions&, Streams);
using OfflineCommand = int (*)(const ClientOptions&, const Registry&, Streams);

// What every command is added with.
struct Adder {
  const Registry& registry;
  const Streams& streams;
  std::function<int()>& action;

  CLI::App* add(CLI::App& app, const char* name, const char* description, const Options& options) const {
    CLI::App* command = app.add_subcommand(name, description);
    command->add_option("--admin", options->endpoint.url, "The daemon's admin API")->capture_default_str();
    command->add_option("--token-file", options->endpoint.token_file, "File with the daemon's token; mode 0600");
    command->add_option("--ca-certificate", options->endpoint.ca_certificate, "PEM file to check the daemon's certificate with");
    command->add_flag("--json", options->json, "JSON on standard output");
    return command;
  }
  void run(CLI::App* command, const Options& options, Command function) const {
    command->callback([options, function, this_streams = streams, &to = action] {
      to = [options, function, this_streams] { return function(*options, this_streams); };
    });
  }
  void run(CLI::App* command, const Options& options, OfflineCommand function) const {
    command->callback([options, function, this_streams = streams, &known = registry, &to = action] {
      to = [options, function, this_streams, &known] { return function(*options, known, this_streams); };
    });
  }
};

void add_pipeline(CLI::App* command, const Options& options) {
  command->add_option("pipeline", options->pipeline, "The pipeline's name")->required();
}

void add_yes(CLI::App* command, const Options& options) { command->add_flag("--yes", options->yes, "Do not ask"); }

enum class Changes : bool { kNo, kYes };

void add_offline(CLI::App* command, const Options& options, Changes changes) {
  auto* data_dir = command->add_option("--data-dir", options->data_dir, "Work in this data directory, which no daemon holds");
  if (changes == Changes::kNo) return;
  add_yes(command, options);
  command->add_option("--config", options->config.paths, "With --data-dir: the pipeline's file, or a directory of them")->needs(data_dir);
  command->add_option("--env-file", options->config.env_file, "With --data-dir: file of NAME=value lines")->needs(data_dir);
}

void add_state_commands(CLI::App& app, const Adder& adder) {
  const auto status = std::make_shared<ClientOptions>();
  CLI::App* command = adder.add(app, "status", "Show what the pipelines of a daemon do", status);
  command->add_option("pipeline", status->pipeline, "Only this one");
  adder.run(command, status, &status_command);
  struct Verb {
    const char *name, *description;
    Command function;
  };
  for (const Verb& verb : {Verb{"pause", "Stop a pipeline until it is resumed", &pause_command},
                           Verb{"resume", "Start a pipeline that is paused or has failed", &resume_command},
                           Verb{"restart", "Stop a pipeline gracefully and start it again", &restart_command}}) {
    const auto options = std::make_shared<ClientOptions>();
    command = adder.add(app, verb.name, verb.description, options);
    add_pipeline(command, options);
    add_yes(command, options);
    adder.run(command, options, verb.function);
  }
  const auto reload = std::make_shared<ClientOptions>();
  command = adder.add(app, "reload", "Let a daemon read its pipeline files again", reload);
  command->add_flag("--plan", reload->plan, "Only say what would happen");
  add_yes(command, reload);
  adder.run(command, reload, &reload_command);
  const auto snapshot = std::make_shared<ClientOptions>();
  command = adder.add(app, "snapshot", "Let a source read whole tables again", snapshot);
  add_pipeline(command, snapshot);
  command->add_option("table", snapshot->tables, "Its tables, as schema.table")->required();
  command->add_option("--source", snapshot->source, "Which of the pipeline's sources");
  add_yes(command, snapshot);
  adder.run(command, snapshot, &snapshot_command);
}

void add_positions(CLI::App& app, const Adder& adder) {
  CLI::App* positions = app.add_subcommand("positions", "How far a pipeline's sinks have committed");
  positions->require_subcommand(1);
  const auto show = std::make_shared<ClientOptions>();
  CLI::App* command = adder.add(*positions, "show", "Show the positions", show);
  add_pipeline(command, show);
  add_offline(command, show, Changes::kNo);
  adder.run(command, show, &positions_show_command);
  const auto set = std::make_shared<ClientOptions>();
  command = adder.add(*positions, "set", "Set a position of a pipeline that does not run", set);
  add_pipeline(command, set);
  auto* key = command->add_option("key", set->key, "<source>/<partition>, as `positions show` has it");
  auto* position = command->add_option("position", set->position, "MAJOR or MAJOR.MINOR: the last record that counts as delivered");
  auto* resume = command->add_option("--resume", set->resume, "What the source needs to go on there, in hexadecimal");
  auto* from = command->add_option("--from", set->from_file, "A file that `positions show --json` wrote");
  from->excludes(key)->excludes(position)->excludes(resume);
  add_offline(command, set, Changes::kYes);
  adder.run(command, set, &positions_set_command);
  const auto reset = std::make_shared<ClientOptions>();
  command = adder.add(*positions, "reset", "Forget positions of a pipeline that does not run", reset);
  add_pipeline(command, reset);
  auto* keys = command->add_option("key", reset->keys, "Only these");
  command->add_flag("--all", reset->all, "Every one")->excludes(keys);
  add_offline(command, reset, Changes::kYes);
  adder.run(command, reset, &positions_reset_command);
  // By itself: no daemon takes part, and no file of the pipeline is needed.
  const auto rename = std::make_shared<daemon::PositionsRenameOptions>();
  command = positions->add_subcommand("rename", "Carry positions and dead letters over to a new name while the daemon is stopped");
  command->add_option("old", rename->old_name, "The name so far")->required();
  command->add_option("new", rename->new_name, "The new name")->required();
  command->add_option("--data-dir", rename->data_dir, "The daemon's data directory (default: $STATE_DIRECTORY, else ./sluice-data)");
  command->callback([rename, this_streams = adder.streams, &to = adder.action] {
    if (rename->data_dir.empty()) rename->data_dir = daemon::default_data_directory();
    to = [rename, this_streams] { return daemon::positions_rename_command(*rename, this_streams); };
  });
}

void add_fresh_starts(CLI::App& app, const Adder& adder) {
  const auto resync = std::make_shared<ClientOptions>();
  CLI::App* command = adder.add(app, "resync", "Let a pipeline that does not run begin anew", resync);
  add_pipeline(command, resync);
  add_offline(command, resync, Changes::kYes);
  adder.run(command, resync, &resync_command);
  const auto cleanup = std::make_shared<ClientOptions>();
  command = adder.add(app, "cleanup", "Remove what a pipeline made at its origins", cleanup);
  add_pipeline(command, cleanup);
  add_offline(command, cleanup, Changes::kYes);
  adder.run(command, cleanup, &cleanup_command);
}

void add_tap(CLI::App& app, const Adder& adder) {
  const auto tap = std::make_shared<ClientOptions>();
  CLI::App* command = adder.add(app, "tap", "Show records as they pass", tap);
  command->add_option("place", tap->pipeline, "PIPELINE, or PIPELINE.STEP with the name of a source, step or sink")->required();
  command->add_option("--side", tap->side, "before or after the step")->check(CLI::IsMember({"before", "after"}))->capture_default_str();
  command->add_option("--filter", tap->filter, "An expression; only records for which it is true");
  command->add_option("--limit", tap->limit, "End after so many")->check(CLI::Range(1, 10'000))->capture_default_str();
  adder.run(command, tap, &tap_command);
}

}  // namespace

void add_client_commands(CLI::App& app, const Registry& registry, const Streams& streams, std::function<int()>& action) {
  const Adder adder{registry, streams, action};
  add_state_commands(app, adder);
  add_positions(app, adder);
  add_fresh_starts(app, adder);
  add_tap(app, adder);
}

}  // namespace sluice::client
