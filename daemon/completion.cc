#include "daemon/completion.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

namespace sluice::daemon {

namespace {

struct CompletedOption {
  std::vector<std::string> names;  // with their dashes
  std::string description;
  bool takes_value = false;
  std::vector<std::string> values;  // empty with takes_value: files
};

struct CompletedCommand {
  std::string path;  // "dlq list"; empty: the program itself
  std::string description;
  std::vector<CompletedOption> options;
  std::vector<std::string> words;  // of its positional argument; empty: files, or its commands
};

std::string joined(const std::vector<std::string>& words, std::string_view between) { return fmt::format("{}", fmt::join(words, between)); }

// "TEXT:{text,json}" -> text, json
std::vector<std::string> values_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const std::size_t begin = type.find('{');
  const std::size_t end = type.find('}', begin == std::string::npos ? 0 : begin);
  if (begin == std::string::npos || end == std::string::npos) return {};
  return CLI::detail::split(type.substr(begin + 1, end - begin - 1), ',');
}

std::vector<std::string> words_at(const CompletionWords& words, const std::string& key) {
  const auto found = words.find(key);
  return found == words.end() ? std::vector<std::string>() : found->second;
}

CompletedOption completed(const CLI::Option& option, const std::string& path, const CompletionWords& words) {
  CompletedOption result;
  for (const std::string& name : option.get_snames()) result.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) result.names.push_back("--" + name);
  result.description = option.get_description();
  result.takes_value = option.get_type_size() != 0;
  result.values = values_of(option);
  if (result.values.empty()) result.values = words_at(words, path + " " + result.names.back());
  return result;
}

// The program and all its commands, each behind the one that it belongs to.
void collect(const CLI::App& app, const std::string& path, const CompletionWords& words, std::vector<CompletedCommand>& out) {
  CompletedCommand command{path, app.get_description(), {}, words_at(words, path)};
  for (const CLI::Option* option : app.get_options()) {
    if (!option->nonpositional()) {
      if (command.words.empty()) command.words = values_of(*option);
    } else if (!option->get_group().empty()) {
      command.options.push_back(completed(*option, path, words));
    }
  }
  out.push_back(std::move(command));
  for (const CLI::App* inner : app.get_subcommands([](const CLI::App* candidate) { return !candidate->get_group().empty(); }))
    collect(*inner, path.empty() ? inner->get_name() : path + " " + inner->get_name(), words, out);
}

std::string last_word(const std::string& path) { return path.substr(path.rfind(' ') + 1); }
std::string parent_of(const std::string& path) { return path.find(' ') == std::string::npos ? "" : path.substr(0, path.rfind(' ')); }

std::vector<std::string> commands_below(const std::string& path, const std::vector<CompletedCommand>& all) {
  std::vector<std::string> result;
  for (const CompletedCommand& command : all) {
    if (!command.path.empty() && parent_of(command.path) == path) result.push_back(last_word(command.path));
  }
  return result;
}

std::vector<std::string> option_names(const CompletedCommand& command) {
  std::vector<std::string> result;
  for (const CompletedOption& option : command.options) result.insert(result.end(), option.names.begin(), option.names.end());
  return result;
}

// The loop that finds the command's path, which bash and zsh write alike; `word` is the shell's word for the word at i.
std::string path_cases(const std::vector<CompletedCommand>& all, std::string_view word) {
  std::vector<std::string> paths;
  for (const CompletedCommand& command : all) {
    if (!command.path.empty()) paths.push_back(fmt::format("\"{} {}\"", parent_of(command.path), last_word(command.path)));
  }
  return fmt::format("    case \"$at {}\" in\n      {}) at=\"${{at:+$at }}{}\" ;;\n    esac\n", word, joined(paths, " | "), word);
}

// `answer` makes the shell's line for words, and with none for files.
template <typename Answer>
std::string value_cases(const std::vector<CompletedCommand>& all, const Answer& answer) {
  std::string out;
  for (const CompletedCommand& command : all) {
    for (const CompletedOption& option : command.options) {
      if (!option.takes_value) continue;
      for (const std::string& name : option.names)
        out += fmt::format("    \"{}/{}\") {} return ;;\n", command.path, name, answer(option.values));
    }
  }
  return out;
}

template <typename Answer>
std::string word_cases(const std::vector<CompletedCommand>& all, const Answer& answer) {
  std::string out;
  for (const CompletedCommand& command : all) {
    auto words = commands_below(command.path, all);
    if (words.empty()) words = command.words;
    out += fmt::format("    \"{}\") {} ;;\n", command.path, answer(words));
  }
  return out;
}

template <typename Answer>
std::string option_cases(const std::vector<CompletedCommand>& all, const Answer& answer) {
  std::string out;
  for (const CompletedCommand& command : all) out += fmt::format("      \"{}\") {} ;;\n", command.path, answer(option_names(command)));
  return out;
}

std::string bash_script(const std::vector<CompletedCommand>& all) {
  // Without words COMPREPLY stays empty, and `-o default` completes files.
  const auto answer = [](const std::vector<std::string>& words) {
    return words.empty() ? std::string(":;") : fmt::format("mapfile -t COMPREPLY < <(compgen -W '{}' -- \"$word\");", joined(words, " "));
  };
  return "# bash completion of sluice: source <(sluice completion bash)\n"
         "_sluice() {\n"
         "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} at=\"\" i\n"
         "  COMPREPLY=()\n"
         "  for ((i = 1; i < COMP_CWORD; i++)); do\n" +
         path_cases(all, "${COMP_WORDS[i]}") + "  done\n  case \"$at/$before\" in\n" + value_cases(all, answer) +
         "  esac\n  if [[ $word == -* ]]; then\n    case \"$at\" in\n" + option_cases(all, answer) +
         "    esac\n    return\n  fi\n  case \"$at\" in\n" + word_cases(all, answer) + "  esac\n}\ncomplete -o default -F _sluice sluice\n";
}

std::string zsh_script(const std::vector<CompletedCommand>& all) {
  const auto answer = [](const std::vector<std::string>& words) {
    return words.empty() ? std::string("_files;") : fmt::format("compadd -- {};", joined(words, " "));
  };
  return "#compdef sluice\n"
         "# zsh completion of sluice: sluice completion zsh > \"${fpath[1]}/_sluice\"\n"
         "_sluice() {\n"
         "  local at=\"\" i\n"
         "  for ((i = 2; i < CURRENT; i++)); do\n" +
         path_cases(all, "${words[i]}") + "  done\n  case \"$at/${words[CURRENT - 1]}\" in\n" + value_cases(all, answer) +
         "  esac\n  if [[ ${words[CURRENT]} == -* ]]; then\n    case \"$at\" in\n" + option_cases(all, answer) +
         "    esac\n    return\n  fi\n  case \"$at\" in\n" + word_cases(all, answer) +
         "  esac\n}\nif [[ $zsh_eval_context[-1] == loadautofunc ]]; then _sluice \"$@\"; else compdef _sluice sluice; fi\n";
}

std::string fish_quoted(std::string text) {
  std::string result = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') result += '\\';
    result += c;
  }
  return result + "'";
}

// What must have been typed, and what not, for this command to be the one at hand.
std::string fish_condition(const std::string& path, const std::vector<CompletedCommand>& all) {
  const auto below = commands_below(path, all);
  if (path.empty()) return "__fish_use_subcommand";
  std::string result;
  for (const std::string& word : CLI::detail::split(path, ' '))
    result += (result.empty() ? "" : "; and ") + ("__fish_seen_subcommand_from " + word);
  if (!below.empty()) result += "; and not __fish_seen_subcommand_from " + joined(below, " ");
  return result;
}

std::string fish_option(const std::string& condition, const CompletedOption& option) {
  std::string line = "complete -c sluice -n '" + condition + "'";
  for (const std::string& name : option.names) line += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  if (option.takes_value) line += option.values.empty() ? " -r" : " -x -a '" + joined(option.values, " ") + "'";
  return line + " -d " + fish_quoted(option.description) + "\n";
}

std::string fish_script(const std::vector<CompletedCommand>& all) {
  std::string out = "# fish completion of sluice: sluice completion fish > ~/.config/fish/completions/sluice.fish\n";
  for (const CompletedCommand& command : all) {
    const std::string condition = fish_condition(command.path, all);
    if (!command.path.empty())
      out += fmt::format("complete -c sluice -f -n '{}' -a {} -d {}\n", fish_condition(parent_of(command.path), all),
                         last_word(command.path), fish_quoted(command.description));
    if (!command.words.empty()) out += fmt::format("complete -c sluice -f -n '{}' -a '{}'\n", condition, joined(command.words, " "));
    for (const CompletedOption& option : command.options) out += fish_option(condition, option);
  }
  return out;
}

}  // namespace

std::string completion_script(std::string_view shell, const CLI::App& app, const CompletionWords& words) {
  std::vector<CompletedCommand> all;
  collect(app, "", words, all);
  if (shell == "zsh") return zsh_script(all);
  return shell == "fish" ? fish_script(all) : bash_script(all);
}

}  // namespace sluice::daemon
