// `sluice status [PIPELINE]`.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>

#include "daemon/client/conversation_internal.h"

namespace sluice::client {

namespace {

using nlohmann::json;

std::string text_of(const json& value) { return value.is_string() ? value.get<std::string>() : std::string("?"); }

std::string lag_text(const json& lag) {
  if (!lag.is_number()) return "lag not known";
  return lag.get<double>() <= 0 ? "caught up" : fmt::format("{:.1f} s behind", lag.get<double>());
}

void print_sink(const json& sink, const json& books, std::ostream& out) {
  out << fmt::format("  sink   {:<20} {:<14} {}  {} bytes waiting\n", text_of(sink["name"]), text_of(sink["type"]),
                     text_of(sink["guarantee"]), sink["queue_bytes"].dump());
  for (const json& lane : books.value("lanes", json::array())) {
    if (lane["sink"] != sink["name"]) continue;
    out << fmt::format("         in {}, out {}, filtered {}, dead-lettered {}, in flight {}\n", lane["in"].dump(), lane["out"].dump(),
                       lane["filtered"].dump(), lane["dead_lettered"].dump(), lane["in_flight"].dump());
  }
}

void print_pipeline(const json& pipeline, const json& books, std::ostream& out) {
  out << fmt::format("{}  {}  since {}", text_of(pipeline["name"]), text_of(pipeline["state"]), text_of(pipeline["since"]));
  if (pipeline["restarts"] != 0) out << fmt::format(", started again {} times", pipeline["restarts"].dump());
  out << "\n";
  const json& error = pipeline["last_error"];
  if (error.is_object())
    out << fmt::format("  error[{}] at {}: {}\n", text_of(error["code"]), text_of(error["at"]), text_of(error["message"]));
  for (const json& source : pipeline["sources"])
    out << fmt::format("  source {:<20} {:<14} {}\n", text_of(source["name"]), text_of(source["type"]), lag_text(source["lag_seconds"]));
  for (const json& sink : pipeline["sinks"]) print_sink(sink, books, out);
}

}  // namespace

int status_command(const ClientOptions& options, daemon::Streams streams) {
  const auto client = AdminClient::make(options.endpoint);
  if (!client) return tell(client.error(), streams);
  const std::string path = options.pipeline.empty() ? "/api/v1/pipelines" : pipeline_path(options);
  const auto asked = json_of((*client)->get(path), streams);
  if (const int* code = std::get_if<int>(&asked)) return *code;
  const json& said = std::get<json>(asked);
  if (options.json) {
    streams.out << said.dump() << "\n";
    return daemon::kOk;
  }
  try {
    for (const json& pipeline : said.is_array() ? said : json::array({said})) {
      const auto books = json_of((*client)->get("/api/v1/pipelines/" + path_segment(text_of(pipeline["name"])) + "/books"), streams);
      if (const int* code = std::get_if<int>(&books)) return *code;
      print_pipeline(pipeline, std::get<json>(books), streams.out);
    }
  } catch (const json::exception&) {
    return tell(Error(ErrorKind::kFatal, "unexpected_answer", "the daemon's answer is not as this version knows it"), streams);
  }
  return daemon::kOk;
}

}  // namespace sluice::client
