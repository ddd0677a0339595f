// GET /api/v1/pipelines, /api/v1/pipelines/{p} and /api/v1/pipelines/{p}/books.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "daemon/admin/json_text_internal.h"
#include "daemon/admin/routes.h"

namespace sluice::admin {

namespace {

using nlohmann::json;

HttpResponse unknown_pipeline() { return error_response(404, "unknown_pipeline", "there is no pipeline of that name"); }

// {"<source>/<partition>": ["<major>", "<minor>"]}: as text, because the numbers use all 64 bits.
json checkpoint_json(const Checkpoint& checkpoint) {
  json result = json::object();
  for (const auto& [key, position] : checkpoint) {
    result[key] = {std::to_string(position.done.major), std::to_string(position.done.minor)};
  }
  return result;
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

HttpResponse list(const RouteContext& context, const RouteRequest&) {
  json body = json::array();
  for (const auto& status : context.status.pipelines()) body.push_back(pipeline_json(status));
  return json_response(200, body);
}

HttpResponse one(const RouteContext& context, const RouteRequest& request) {
  const auto all = context.status.pipelines();
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& status) { return status.name == request.segments.front(); });
  return found == all.end() ? unknown_pipeline() : json_response(200, pipeline_json(*found));
}

HttpResponse books(const RouteContext& context, const RouteRequest& request) {
  const auto books = context.status.books(request.segments.front());
  if (!books) return unknown_pipeline();
  json lanes = json::array();
  for (const pipeline::LaneBooks& lane : *books) {
    lanes.push_back({{"sink", lane.sink},
                     {"in", lane.in},
                     {"created", lane.created},
                     {"filtered", lane.filtered},
                     {"deduplicated", lane.deduplicated},
                     {"dead_lettered", lane.dead_lettered},
                     {"skipped", lane.skipped},
                     {"out", lane.out},
                     {"in_flight", lane.in_flight}});
  }
  return json_response(200, {{"lanes", std::move(lanes)}});
}

}  // namespace

void add_pipeline_routes(std::vector<Route>& routes) {
  routes.push_back({"GET", "/api/v1/pipelines", Access::kTrusted, list});
  routes.push_back({"GET", "/api/v1/pipelines/{}", Access::kTrusted, one});
  routes.push_back({"GET", "/api/v1/pipelines/{}/books", Access::kTrusted, books});
}

}  // namespace sluice::admin
