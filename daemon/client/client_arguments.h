#pragma once
// The part of the command line that talks to a daemon.

#include <functional>

#include "daemon/command_line.h"

namespace CLI {
class App;
}

namespace sluice::client {

// Adds status, pause, resume, restart, reload, snapshot, positions, resync, cleanup and tap.  What was asked for is left in `action`;
// all three outlive the parsing.
void add_client_commands(CLI::App& app, const Registry& registry, const daemon::Streams& streams, std::function<int()>& action);

}  // namespace sluice::client
