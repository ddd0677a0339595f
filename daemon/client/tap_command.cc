// `sluice tap PIPELINE[.STEP]`.
#include <nlohmann/json.hpp>
#include <ostream>

#include "daemon/client/conversation_internal.h"

namespace sluice::client {

int tap_command(const ClientOptions& options, daemon::Streams streams) {
  const auto client = AdminClient::make(options.endpoint);
  if (!client) return tell(client.error(), streams);
  ClientOptions bare = options;
  const std::size_t dot = options.pipeline.find('.');
  std::string query = "/tap?side=" + path_segment(options.side) + "&limit=" + std::to_string(options.limit);
  if (dot != std::string::npos) {
    bare.pipeline = options.pipeline.substr(0, dot);
    query += "&step=" + path_segment(options.pipeline.substr(dot + 1));
  }
  if (!options.filter.empty()) query += "&filter=" + path_segment(options.filter);
  const auto ended = (*client)->stream(pipeline_path(bare, query), [&](std::string_view bytes) {
    streams.out << bytes << std::flush;
    return streams.out.good();
  });
  if (ended && ended->good()) return daemon::kOk;
  const auto told = json_of(ended, streams);
  const int* code = std::get_if<int>(&told);
  return code == nullptr ? daemon::kFailed : *code;
}

}  // namespace sluice::client
