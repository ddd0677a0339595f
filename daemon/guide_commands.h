#pragma once
// The commands that explain sluice itself: components, schema, explain-error, init, completion.

#include <functional>

#include "core/registry.h"
#include "daemon/command_line.h"

namespace CLI {
class App;
}

namespace sluice::daemon {

struct ComponentsOptions {
  std::string name;  // empty: the list
  bool json = false;
};

struct ExplainErrorOptions {
  std::string code;  // empty: the list
  bool json = false;
};

// What is not given is asked for on a terminal, and else has its default.
struct InitOptions {
  std::string source, sink, name;  // source and sink: types
  std::string output;              // empty: <name>.yaml; "-": the standard output
  bool force = false;              // write over a file that is there
  bool ask = false;                // streams.in is a terminal
};

// kUsage: no such code.
int explain_error_command(const ExplainErrorOptions& options, Streams streams);
// kUsage: no such source or sink, or the file is there; kFailed: it cannot be written.
int init_command(const InitOptions& options, const Registry& registry, Streams streams);
int components_command(const ComponentsOptions& options, const Registry& registry, Streams streams);

// Adds them to `app`.  The one that the command line names leaves what it does in `action`; `registry`, `streams` and `app` must be
// there when that is called.
void add_guide_commands(CLI::App& app, const Registry& registry, Streams streams, std::function<int()>& action);

}  // namespace sluice::daemon
