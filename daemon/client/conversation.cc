#include "daemon/client/conversation_internal.h"

#include <fmt/format.h>

#include <istream>
#include <nlohmann/json.hpp>
#include <ostream>

namespace sluice::client {

using nlohmann::json;

bool agreed(const ClientOptions& options, const std::string& what, daemon::Streams streams) {
  streams.err << what << "\n";
  if (options.yes) return true;
  streams.err << "Go on? [y/N] " << std::flush;
  std::string answer;
  std::getline(streams.in, answer);
  if (answer == "y" || answer == "Y" || answer == "yes") return true;
  streams.err << "nothing was changed (--yes answers for you)\n";
  return false;
}

int tell(const Error& error, daemon::Streams streams) {
  streams.err << fmt::format("error[{}]: {}\n", error.code(), error.message());
  if (error.code() == "daemon_unreachable") return daemon::kUnusable;
  return error.kind() == ErrorKind::kInvalidConfig ? daemon::kUsage : daemon::kFailed;
}

std::variant<json, int> json_of(const Result<Answer>& answer, daemon::Streams streams) {
  if (!answer) return tell(answer.error(), streams);
  json body = json::parse(answer->body, nullptr, false);
  if (answer->good() && !body.is_discarded()) return body;
  if (body.is_object() && body.contains("code") && body.contains("detail") && body["code"].is_string() && body["detail"].is_string()) {
    streams.err << fmt::format("error[{}]: {}\n", body["code"].get<std::string>(), body["detail"].get<std::string>());
  } else {
    streams.err << fmt::format("error[unexpected_answer]: HTTP {} from what should be a sluice daemon\n", answer->status);
  }
  return daemon::kFailed;
}

std::string pipeline_path(const ClientOptions& options, const std::string& more) {
  return "/api/v1/pipelines/" + path_segment(options.pipeline) + more;
}

}  // namespace sluice::client
