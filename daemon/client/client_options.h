#pragma once
// What the commands against a daemon, or against a data directory that no daemon holds, are told.

#include <string>
#include <vector>

#include "daemon/client/admin_client.h"
#include "daemon/command_line.h"

namespace sluice::client {

struct ClientOptions {
  Endpoint endpoint;
  bool json = false;
  bool yes = false;              // do not ask
  std::string pipeline;          // empty: all, where that makes sense
  std::string data_dir;          // not empty: work there, without a daemon
  daemon::ConfigOptions config;  // the pipeline's file, for work without a daemon

  std::vector<std::string> tables;               // snapshot
  std::string source;                            // snapshot
  std::string key, position, resume, from_file;  // positions set
  std::vector<std::string> keys;                 // positions reset
  bool all = false;                              // positions reset
  bool plan = false;                             // reload
  std::string side = "after", filter;            // tap
  std::size_t limit = 10;                        // tap
};

// Each returns the command's exit code: kOk, kFailed (refused), kUnusable (no daemon there), kUsage.
int status_command(const ClientOptions& options, daemon::Streams streams);
int pause_command(const ClientOptions& options, daemon::Streams streams);
int resume_command(const ClientOptions& options, daemon::Streams streams);
int restart_command(const ClientOptions& options, daemon::Streams streams);
int reload_command(const ClientOptions& options, daemon::Streams streams);
int snapshot_command(const ClientOptions& options, daemon::Streams streams);
int tap_command(const ClientOptions& options, daemon::Streams streams);
int positions_show_command(const ClientOptions& options, daemon::Streams streams);
int positions_set_command(const ClientOptions& options, const Registry& registry, daemon::Streams streams);
int positions_reset_command(const ClientOptions& options, const Registry& registry, daemon::Streams streams);
int resync_command(const ClientOptions& options, const Registry& registry, daemon::Streams streams);
int cleanup_command(const ClientOptions& options, const Registry& registry, daemon::Streams streams);

}  // namespace sluice::client
