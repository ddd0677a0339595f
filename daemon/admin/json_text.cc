#include "daemon/admin/json_text_internal.h"

#include <array>
#include <nlohmann/json.hpp>

#include "core/civil_time.h"

namespace sluice::admin {

namespace {

using nlohmann::json;

std::string_view kind_name(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalidConfig: return "invalid_config";
    case ErrorKind::kBadRecord: return "bad_record";
    case ErrorKind::kTransient: return "transient";
    case ErrorKind::kCommitUnknown: return "commit_unknown";
    case ErrorKind::kFatal: return "fatal";
    case ErrorKind::kCancelled: return "cancelled";
  }
  return "";
}

// {"<source>/<partition>": ["<major>", "<minor>"]}: as text, because the numbers use all 64 bits.
json checkpoint_json(const Checkpoint& checkpoint) {
  json result = json::object();
  for (const auto& [key, position] : checkpoint) {
    result[key] = {std::to_string(position.done.major), std::to_string(position.done.minor)};
  }
  return result;
}

}  // namespace

HttpResponse json_response(int status, const json& body) {
  return {status, "application/json", body.dump(-1, ' ', false, json::error_handler_t::replace) + "\n"};
}

json last_error_json(const std::optional<pipeline::LastError>& error) {
  if (!error) return nullptr;
  return {{"kind", kind_name(error->kind)}, {"code", error->code}, {"message", error->message}, {"at", time_json(error->at)}};
}

json time_json(std::int64_t utc_microseconds) {
  if (utc_microseconds == 0) return nullptr;
  std::array<char, kTimeTextBytes> text{};
  return std::string(text.data(), write_timestamp(text.data(), utc_microseconds));
}

json pipeline_json(const pipeline::PipelineStatus& status) {
  json sources = json::array();
  for (const auto& source : status.sources) {
    const json lag = source.lag_seconds ? json(*source.lag_seconds) : json(nullptr);
    sources.push_back(
        {{"name", source.name}, {"type", source.type}, {"position", checkpoint_json(source.acknowledged)}, {"lag_seconds", lag}});
  }
  json sinks = json::array();
  for (const auto& sink : status.sinks) {
    sinks.push_back({{"name", sink.name},
                     {"type", sink.type},
                     {"guarantee", sink.guarantee},
                     {"reason", sink.reason},
                     {"committed", checkpoint_json(sink.committed)},
                     {"queue_bytes", sink.queue_bytes}});
  }
  return {{"name", status.name},
          {"state", pipeline::state_name(status.state)},
          {"since", time_json(status.since)},
          {"restarts", status.restarts},
          {"last_error", last_error_json(status.last_error)},
          {"last_progress", time_json(status.last_progress)},
          {"sources", std::move(sources)},
          {"sinks", std::move(sinks)}};
}

HttpResponse unknown_pipeline() { return error_response(404, "unknown_pipeline", "there is no pipeline of that name"); }

HttpResponse refused(const Error& error) {
  const auto status = [&] {
    if (error.code() == "unknown_pipeline") return 404;
    switch (error.kind()) {
      case ErrorKind::kInvalidConfig: return 422;
      case ErrorKind::kTransient:
      case ErrorKind::kCancelled: return 503;
      default: return 409;
    }
  };
  return error_response(status(), error.code(), error.message());
}

HttpResponse not_offered() { return error_response(503, "not_ready", "the daemon is still starting, or stopping"); }

}  // namespace sluice::admin
