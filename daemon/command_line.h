#pragma once
// The command line: one function per command, each with its own streams so that tests can run it in process.

#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "core/registry.h"
#include "daemon/log_output.h"

namespace sluice::daemon {

// COMPONENTS.md "Command line".
enum ExitCode : int { kOk = 0, kFailed = 1, kInvalid = 2, kUnusable = 3, kDoneWithDeadLetters = 4, kUsage = 64 };

struct Streams {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
};

struct ConfigOptions {
  std::vector<std::string> paths;
  std::string env_file;       // empty: none
  std::string settings_file;  // empty: none
  bool json = false;
  bool allow_unset = false;
  bool online = false;   // validate: ask servers for their catalogues
  bool mermaid = false;  // explain
  std::string data_dir;  // validate, doctor: where positions may be known; empty: the default
};

struct RunOptions {
  ConfigOptions config;
  std::optional<std::string> data_dir, listen;
  std::optional<LogFormat> log_format;
  bool until_done = false;
  bool fail_on_dead_letters = false;
};

struct EvalOptions {
  std::string expression;
  std::string this_json;   // empty: no record
  std::string cases_file;  // "-": standard input
  bool pipeline_rules = false;
};

struct DeadLetterListOptions {
  std::string pipeline;  // empty: all
  std::string data_dir;
  std::string stage, code;
  std::size_t limit = 100;
  bool json = false;
};

struct PositionsRenameOptions {
  std::string old_name, new_name, data_dir;
};

int run_command(const RunOptions& options, const Registry& registry, Streams streams);
int validate_command(const ConfigOptions& options, const Registry& registry, Streams streams);
int render_command(const ConfigOptions& options, const Registry& registry, Streams streams);
int explain_command(const ConfigOptions& options, const Registry& registry, Streams streams);
// Asks the systems that the configuration names; kOk when no finding is an error, else kInvalid.
int doctor_command(const ConfigOptions& options, const Registry& registry, Streams streams);
int eval_command(const EvalOptions& options, Streams streams);
int components_command(const std::string& name, const Registry& registry, Streams streams);  // empty name: the list
int dead_letter_list_command(const DeadLetterListOptions& options, Streams streams);
// While no daemon holds the data directory.  kFailed with the reason when it is refused; nothing is changed then.
int positions_rename_command(const PositionsRenameOptions& options, Streams streams);
int version_command(Streams streams);

// Everything: parses and calls the command.  Usage errors go to streams.err and give kUsage.
int command_line(int argc, const char* const* argv, const Registry& registry, Streams streams);

}  // namespace sluice::daemon
