#include <CLI/CLI.hpp>

#include "daemon/data_directory.h"
#include "daemon/dead_letter_options.h"

namespace sluice::daemon {

namespace {

void add_filters(CLI::App& command, DeadLetterOptions& options) {
  command.add_option("--stage", options.stage, "Only those of this source, step or sink");
  command.add_option("--code", options.code, "Only those with this code");
  command.add_option("--state", options.state, "Only those in this state")
      ->check(CLI::IsMember({"pending", "open", "replaying", "replayed", "discarded"}));
  command.add_option("--id", options.id, "Only this one");
  command.add_option("--since", options.since, "Only those refused last at this time or later: 2026-01-31T13:00:00Z, or 2h (ago)");
  command.add_option("--until", options.until, "Only those refused last before this time");
  command.add_option("--limit", options.limit, "At most so many, the oldest first")->check(CLI::PositiveNumber);
}

void add_place(CLI::App& command, DeadLetterOptions& options) {
  auto* data_dir = command.add_option("--data-dir", options.data_dir, "Work in this data directory, which no daemon holds");
  command.add_option("--admin", options.endpoint.url, "The daemon's admin API")->capture_default_str()->excludes(data_dir);
  command.add_option("--token-file", options.endpoint.token_file, "File with the daemon's token; mode 0600");
  command.add_option("--ca-certificate", options.endpoint.ca_certificate, "PEM file to check the daemon's certificate with");
  command.add_flag("--json", options.json, "One JSON object a line");
}

void add_replay(CLI::App& dlq, DeadLetterOptions& options, const std::function<CLI::App*(CLI::App*, DeadLetterOptions::Action)>& finish) {
  CLI::App* replay = dlq.add_subcommand("replay", "Send dead letters through the pipeline again; needs a filter or --all");
  replay->add_option("pipeline", options.pipeline, "The pipeline's name")->required();
  add_filters(*replay, options);
  add_place(*replay, options);
  replay->add_flag("--all", options.all, "All that are open");
  replay->add_option("--config", options.config,
                     "The pipeline's file: the one to try with --dry-run, or to replay with in a data directory that no daemon holds");
  replay->add_option("--env-file", options.env_file, "File of NAME=value lines; the process's environment wins");
  replay
      ->add_option_function<std::string>(
          "--from", [&options](const std::string& from) { options.from_start = from == "start"; },
          "stage: where they were refused; start: at the first step")
      ->check(CLI::IsMember({"stage", "start"}));
  replay->add_flag("--dry-run", options.dry_run, "Show what would come out of each sink, and send nothing; reads the data directory")
      ->excludes(replay->get_option("--admin"));
  replay->add_flag("--allow-stale", options.allow_stale, "Also over newer rows of the same key");
  replay->add_flag("--yes", options.yes, "Do not ask");
  finish(replay, DeadLetterOptions::Action::kReplay);
}

}  // namespace

void add_dead_letter_commands(CLI::App& app, DeadLetterOptions& options, std::function<void()> chosen) {
  CLI::App* dlq = app.add_subcommand("dlq", "Records that were set aside");
  dlq->require_subcommand(1);
  const auto finish = [&options, chosen = std::move(chosen)](CLI::App* command, DeadLetterOptions::Action action) {
    command->callback([&options, command, action, chosen] {
      options.action = action;
      options.admin_given = command->get_option("--admin")->count() > 0;
      options.data_dir_given = command->get_option("--data-dir")->count() > 0;
      if (!options.data_dir_given) options.data_dir = default_data_directory();
      chosen();
    });
    return command;
  };
  CLI::App* list = dlq->add_subcommand("list", "List dead letters, or count them");
  list->add_option("pipeline", options.pipeline, "Only this pipeline's");
  add_filters(*list, options);
  add_place(*list, options);
  list->add_flag("--all", options.all, "Without a limit");
  list->add_option("--group-by", options.group_by, "Count them by stage, by code, or by stage,code")
      ->check(CLI::IsMember({"stage", "code", "stage,code"}));
  finish(list, DeadLetterOptions::Action::kList);
  CLI::App* show = dlq->add_subcommand("show", "Show one dead letter with its content");
  show->add_option("pipeline", options.pipeline, "The pipeline's name")->required();
  show->add_option("id", options.id, "The letter's id, as list shows it")->required();
  add_place(*show, options);
  finish(show, DeadLetterOptions::Action::kShow);
  add_replay(*dlq, options, finish);
  CLI::App* discard = dlq->add_subcommand("discard", "Give dead letters up; needs a filter or --all");
  discard->add_option("pipeline", options.pipeline, "The pipeline's name")->required();
  add_filters(*discard, options);
  add_place(*discard, options);
  discard->add_flag("--all", options.all, "All that wait for a decision");
  discard->add_flag("--yes", options.yes, "Do not ask");
  finish(discard, DeadLetterOptions::Action::kDiscard);
}

}  // namespace sluice::daemon
