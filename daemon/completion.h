#pragma once
// `sluice completion SHELL`: a script that completes commands, options and their values.  Made from the command line itself, so that a
// new command is completed without a word here.

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace sluice::daemon {

// Words for arguments that the command line knows no values of: "components" (its positional) or "init --source" -> words.
using CompletionWords = std::map<std::string, std::vector<std::string>>;

// `shell`: bash, zsh or fish.
std::string completion_script(std::string_view shell, const CLI::App& app, const CompletionWords& words);

}  // namespace sluice::daemon
