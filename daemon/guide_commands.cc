#include "daemon/guide_commands.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <ostream>

#include "daemon/completion.h"
#include "daemon/error_codes.h"
#include "daemon/schema.h"

namespace sluice::daemon {

namespace {

struct Commands {
  CLI::App& app;
  const Registry& registry;
  Streams streams;
  std::function<int()>& action;
};

void add_components(const Commands& commands) {
  const auto options = std::make_shared<ComponentsOptions>();
  CLI::App* command = commands.app.add_subcommand("components", "List sources, steps and sinks, or describe one");
  command->add_option("name", options->name, "Its type; `pipeline` and `settings` describe the keys of those files");
  command->add_flag("--json", options->json, "As JSON");
  command->callback([commands, options] {
    commands.action = [commands, options] { return components_command(*options, commands.registry, commands.streams); };
  });
}

void add_schema(const Commands& commands) {
  const auto of = std::make_shared<std::string>("pipeline");
  CLI::App* command = commands.app.add_subcommand("schema", "Print the JSON Schema of a pipeline file, for editors");
  command->add_option("of", *of, "pipeline or settings")->check(CLI::IsMember({"pipeline", "settings"}));
  command->callback([commands, of] {
    commands.action = [commands, of] {
      commands.streams.out << (*of == "settings" ? settings_schema() : pipeline_schema(commands.registry));
      return static_cast<int>(kOk);
    };
  });
}

void add_explain_error(const Commands& commands) {
  const auto options = std::make_shared<ExplainErrorOptions>();
  CLI::App* command = commands.app.add_subcommand("explain-error", "Say what a code means and what to do about it");
  command->add_option("code", options->code, "Of a finding, a dead letter, a log line or last_error; without it all are listed");
  command->add_flag("--json", options->json, "As JSON");
  command->callback(
      [commands, options] { commands.action = [commands, options] { return explain_error_command(*options, commands.streams); }; });
}

void add_init(const Commands& commands) {
  const auto options = std::make_shared<InitOptions>();
  CLI::App* command = commands.app.add_subcommand("init", "Write a commented pipeline to begin with; asks on a terminal");
  command->add_option("--source", options->source, "Type of the source");
  command->add_option("--sink", options->sink, "Type of the sink");
  command->add_option("--name", options->name, "Of the pipeline (default: SOURCE_to_SINK)");
  command->add_option("--output", options->output, "File to write (default: NAME.yaml); - is the standard output");
  command->add_flag("--force", options->force, "Write over a file that is there");
  command->callback([commands, options] {
    commands.action = [commands, options] {
      options->ask = &commands.streams.in == &std::cin && ::isatty(STDIN_FILENO) == 1;
      return init_command(*options, commands.registry, commands.streams);
    };
  });
}

CompletionWords completion_words(const Registry& registry) {
  CompletionWords words;
  const auto names = [&registry](ComponentKind kind) {
    const auto all = registry.names(kind);
    return std::vector<std::string>(all.begin(), all.end());
  };
  for (const ComponentKind kind : {ComponentKind::kSource, ComponentKind::kTransform, ComponentKind::kSink}) {
    for (const std::string& name : names(kind)) words["components"].push_back(name);
  }
  words["components"].insert(words["components"].end(), {"pipeline", "settings"});
  for (const ErrorCode* code : all_error_codes()) words["explain-error"].emplace_back(code->code);
  words["init --source"] = names(ComponentKind::kSource);
  words["init --sink"] = names(ComponentKind::kSink);
  return words;
}

void add_completion(const Commands& commands) {
  const auto shell = std::make_shared<std::string>();
  CLI::App* command = commands.app.add_subcommand("completion", "Print a shell's completion script: source <(sluice completion bash)");
  command->add_option("shell", *shell, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->callback([commands, shell] {
    commands.action = [commands, shell] {
      commands.streams.out << completion_script(*shell, commands.app, completion_words(commands.registry));
      return static_cast<int>(kOk);
    };
  });
}

}  // namespace

void add_guide_commands(CLI::App& app, const Registry& registry, Streams streams, std::function<int()>& action) {
  const Commands commands{app, registry, streams, action};
  add_components(commands);
  add_schema(commands);
  add_explain_error(commands);
  add_init(commands);
  add_completion(commands);
}

}  // namespace sluice::daemon
