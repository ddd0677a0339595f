// GET /api/v1/pipelines, /api/v1/pipelines/{p} and /api/v1/pipelines/{p}/books.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "daemon/admin/json_text_internal.h"
#include "daemon/admin/routes.h"

namespace sluice::admin {

namespace {

using nlohmann::json;

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
  routes.push_back({"GET", "/api/v1/pipelines", Access::kTrusted, "All pipelines, in the order of their names.", "Pipelines", list});
  routes.push_back({"GET", "/api/v1/pipelines/{pipeline}", Access::kTrusted, "One pipeline.", "Pipeline", one});
  routes.push_back({"GET", "/api/v1/pipelines/{pipeline}/books", Access::kTrusted,
                    "What became of every record, sink by sink: in + created = filtered + deduplicated + dead_lettered + skipped + out + "
                    "in_flight, at any moment.",
                    "Books", books});
}

}  // namespace sluice::admin
