#include "daemon/command_line.h"

#include <CLI/CLI.hpp>
#include <functional>
#include <istream>
#include <ostream>

#include "daemon/data_directory.h"

namespace sluice::daemon {

namespace {

using Action = std::function<int()>;

// Where every command leaves what it is to do, so that nothing runs before the whole line is known to be good.
struct Parser {
  const Registry& registry;
  Streams streams;
  Action action = {};
  ConfigOptions config = {};
  RunOptions run = {};
  EvalOptions eval = {};
  DeadLetterListOptions letters = {};
  PositionsRenameOptions positions = {};
  std::string component = {};
  std::string log_format = {}, data_dir = {}, listen = {};
};

void add_config_options(CLI::App& command, ConfigOptions& options) {
  command.add_option("path", options.paths, "Pipeline files, or directories of them")
      ->required()
      ->multi_option_policy(CLI::MultiOptionPolicy::Throw);
  command.add_option("--env-file", options.env_file, "File of NAME=value lines; the process's environment wins");
  command.add_option("--settings", options.settings_file, "YAML file of the daemon's settings; the command line wins");
}

void add_run(CLI::App& app, Parser& parser) {
  CLI::App* command = app.add_subcommand("run", "Run pipelines until SIGTERM or SIGINT");
  add_config_options(*command, parser.run.config);
  auto* data_dir = command->add_option("--data-dir", parser.data_dir,
                                       "Where positions and dead letters are kept (default: $STATE_DIRECTORY, else ./sluice-data)");
  auto* listen = command->add_option("--listen", parser.listen, "Address of the admin API (default 127.0.0.1:7600; port 0 picks one)");
  auto* format = command->add_option("--log-format", parser.log_format, "text or json")->check(CLI::IsMember({"text", "json"}));
  command->add_flag("--until-done", parser.run.until_done, "End when every source has ended and every sink has committed");
  command->add_flag("--fail-on-dead-letters", parser.run.fail_on_dead_letters, "Exit with 4 when records became dead letters");
  command->callback([&parser, data_dir, listen, format] {
    if (data_dir->count() > 0) parser.run.data_dir = parser.data_dir;
    if (listen->count() > 0) parser.run.listen = parser.listen;
    if (format->count() > 0) parser.run.log_format = parser.log_format == "json" ? LogFormat::kJson : LogFormat::kText;
    parser.action = [&parser] { return run_command(parser.run, parser.registry, parser.streams); };
  });
}

void add_validate(CLI::App& app, Parser& parser) {
  CLI::App* command = app.add_subcommand("validate", "Check pipeline files as `run` would, and start nothing");
  add_config_options(*command, parser.config);
  command->add_flag("--json", parser.config.json, "Findings as JSON on standard output");
  command->add_flag("--allow-unset", parser.config.allow_unset, "Unset environment variables are warnings");
  command->add_flag("--online", parser.config.online, "Ask databases for their columns, too, and check expressions against them");
  command->add_option("--data-dir", parser.config.data_dir, "A daemon's data directory, to notice renamed pipelines");
  command->callback([&parser] { parser.action = [&parser] { return validate_command(parser.config, parser.registry, parser.streams); }; });
}

void add_explain(CLI::App& app, Parser& parser) {
  CLI::App* command = app.add_subcommand("explain", "Show what a pipeline does and what it guarantees");
  add_config_options(*command, parser.config);
  command->add_flag("--allow-unset", parser.config.allow_unset, "Unset environment variables are warnings");
  auto* mermaid = command->add_flag("--mermaid", parser.config.mermaid, "The graph as a Mermaid flowchart");
  command->add_flag("--json", parser.config.json, "As JSON")->excludes(mermaid);
  command->callback([&parser] { parser.action = [&parser] { return explain_command(parser.config, parser.registry, parser.streams); }; });
}

void add_render(CLI::App& app, Parser& parser) {
  CLI::App* command = app.add_subcommand("render", "Show a pipeline file as it is understood: merged, substituted, defaults filled in");
  add_config_options(*command, parser.config);
  command->add_flag("--allow-unset", parser.config.allow_unset, "Unset environment variables are warnings");
  command->callback([&parser] { parser.action = [&parser] { return render_command(parser.config, parser.registry, parser.streams); }; });
}

void add_doctor(CLI::App& app, Parser& parser) {
  CLI::App* command = app.add_subcommand("doctor", "Look at the systems that pipelines lead to, and say what to mend");
  add_config_options(*command, parser.config);
  command->add_option("--data-dir", parser.config.data_dir, "The daemon's data directory, to know renamed pipelines' slots");
  command->add_flag("--json", parser.config.json, "Findings as JSON on standard output");
  command->callback([&parser] { parser.action = [&parser] { return doctor_command(parser.config, parser.registry, parser.streams); }; });
}

void add_eval(CLI::App& app, Parser& parser) {
  CLI::App* command = app.add_subcommand("eval", "Evaluate an expression");
  auto* expression = command->add_option("expression", parser.eval.expression, "The expression (CEL)");
  command->add_option("--this", parser.eval.this_json, "JSON object that `this` stands for");
  command->add_flag("--pipeline", parser.eval.pipeline_rules, "The number rules of pipelines instead of strict CEL");
  auto* cases = command->add_option("--cases", parser.eval.cases_file, "File of cases, one JSON object a line; - is standard input");
  expression->excludes(cases);
  command->callback([&parser, expression, cases] {
    if (expression->count() + cases->count() == 0) throw CLI::RequiredError("EXPRESSION or --cases");
    parser.action = [&parser] { return eval_command(parser.eval, parser.streams); };
  });
}

void add_components(CLI::App& app, Parser& parser) {
  CLI::App* command = app.add_subcommand("components", "List sources, steps and sinks, or describe one");
  command->add_option("name", parser.component, "Its type; `pipeline` describes the keys of a pipeline file");
  command->callback(
      [&parser] { parser.action = [&parser] { return components_command(parser.component, parser.registry, parser.streams); }; });
}

void add_dead_letters(CLI::App& app, Parser& parser) {
  CLI::App* command = app.add_subcommand("dlq", "Records that were set aside");
  command->require_subcommand(1);
  CLI::App* list = command->add_subcommand("list", "List dead letters while the daemon is stopped");
  list->add_option("pipeline", parser.letters.pipeline, "Only this pipeline's");
  list->add_option("--data-dir", parser.letters.data_dir, "The daemon's data directory (default: $STATE_DIRECTORY, else ./sluice-data)");
  list->add_option("--stage", parser.letters.stage, "Only those of this source, step or sink");
  list->add_option("--code", parser.letters.code, "Only those with this code");
  list->add_option("--limit", parser.letters.limit, "At most so many")->check(CLI::PositiveNumber);
  list->add_flag("--json", parser.letters.json, "One JSON object a line");
  list->callback([&parser] {
    if (parser.letters.data_dir.empty()) parser.letters.data_dir = default_data_directory();
    parser.action = [&parser] { return dead_letter_list_command(parser.letters, parser.streams); };
  });
}

void add_positions(CLI::App& app, Parser& parser) {
  CLI::App* command = app.add_subcommand("positions", "How far pipelines have come");
  command->require_subcommand(1);
  CLI::App* rename = command->add_subcommand("rename", "Carry positions and dead letters over to a new name while the daemon is stopped");
  rename->add_option("old", parser.positions.old_name, "The name so far")->required();
  rename->add_option("new", parser.positions.new_name, "The new name")->required();
  rename->add_option("--data-dir", parser.positions.data_dir,
                     "The daemon's data directory (default: $STATE_DIRECTORY, else ./sluice-data)");
  rename->callback([&parser] {
    if (parser.positions.data_dir.empty()) parser.positions.data_dir = default_data_directory();
    parser.action = [&parser] { return positions_rename_command(parser.positions, parser.streams); };
  });
}

}  // namespace

int command_line(int argc, const char* const* argv, const Registry& registry, Streams streams) {
  CLI::App app("sluice: data pipelines that lose nothing", "sluice");
  app.require_subcommand(1);
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);  // a wrapper script's option can be overridden
  app.set_help_all_flag("--help-all", "Help of every command");
  Parser parser{registry, streams};
  add_run(app, parser);
  add_validate(app, parser);
  add_explain(app, parser);
  add_render(app, parser);
  add_doctor(app, parser);
  add_eval(app, parser);
  add_components(app, parser);
  add_dead_letters(app, parser);
  add_positions(app, parser);
  app.add_subcommand("version", "Show the version of sluice and of its libraries")->callback([&parser] {
    parser.action = [&parser] { return version_command(parser.streams); };
  });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error, streams.out, streams.err) == 0 ? kOk : kUsage;
  }
  return parser.action();
}

}  // namespace sluice::daemon
