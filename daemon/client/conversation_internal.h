#pragma once
// What the client commands have in common: asking the person, telling errors, JSON answers.

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <variant>

#include "daemon/client/client_options.h"

namespace sluice::client {

// Says what will happen and asks; true with --yes.  Without an answer (no terminal, end of input) it is no.
bool agreed(const ClientOptions& options, const std::string& what, daemon::Streams streams);

// Tells an error; kUnusable for daemon_unreachable, kUsage for kInvalidConfig, else kFailed.
int tell(const Error& error, daemon::Streams streams);

// The answer's JSON, or the exit code after its problem was told.
std::variant<nlohmann::json, int> json_of(const Result<Answer>& answer, daemon::Streams streams);

// "/api/v1/pipelines/<name>" with more behind it.
std::string pipeline_path(const ClientOptions& options, const std::string& more = {});

}  // namespace sluice::client
