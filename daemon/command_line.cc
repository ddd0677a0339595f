#include "daemon/command_line.h"

#include <CLI/CLI.hpp>
#include <functional>
#include <istream>
#include <ostream>

#include "daemon/client/client_arguments.h"
#include "daemon/dead_letter_options.h"
#include "daemon/guide_commands.h"

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
  DeadLetterOptions letters = {};
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
  command->add_option("--token-file", parser.run.token_file, "File with the token that the admin API asks for; mode 0600");
  command->add_option("--tls-certificate", parser.run.tls_certificate, "PEM file: the admin API speaks TLS");
  command->add_option("--tls-key", parser.run.tls_key, "PEM file: the certificate's key");
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
  add_guide_commands(app, registry, streams, parser.action);
  add_dead_letter_commands(app, parser.letters, [&parser] {
    parser.action = [&parser] { return dead_letter_command(parser.letters, parser.registry, parser.streams); };
  });
  client::add_client_commands(app, parser.registry, parser.streams, parser.action);
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
