// GET and POST /api/v1/pipelines/{pipeline}/positions, POST .../resync and .../cleanup.
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "daemon/admin/json_text_internal.h"
#include "daemon/admin/request_body_internal.h"
#include "daemon/admin/routes.h"

namespace sluice::admin {

namespace {

using nlohmann::json;

HttpResponse show(const RouteContext& context, const RouteRequest& request) {
  if (context.positions == nullptr) return not_offered();
  const auto stored = context.positions->positions(request.segments.front());
  if (!stored) return refused(stored.error());
  json sinks = json::array();
  for (const auto& [sink, checkpoint] : stored->lanes) {
    json positions = json::object();
    for (const auto& [key, position] : checkpoint) positions[key] = position_json(position);
    sinks.push_back({{"sink", sink}, {"positions", std::move(positions)}});
  }
  return json_response(200, {{"pipeline", request.segments.front()}, {"sinks", std::move(sinks)}});
}

// {"set": {"<key>": position}, "reset": ["<key>"]}; throws std::invalid_argument.
PositionControl::NewPositions wished(const json& body) {
  PositionControl::NewPositions result;
  for (const auto& [name, ignored] : body.items()) {
    if (name != "set" && name != "reset") throw std::invalid_argument("the body has \"set\" and \"reset\" and no \"" + name + "\"");
  }
  const json set = body.value("set", json::object());
  const json reset = body.value("reset", json::array());
  if (!set.is_object()) throw std::invalid_argument("\"set\" must be an object of positions by key");
  if (!reset.is_array()) throw std::invalid_argument("\"reset\" must be a list of keys");
  for (const auto& [key, value] : set.items()) result.emplace(key, position_of(value));
  for (const json& key : reset) {
    if (!key.is_string()) throw std::invalid_argument("\"reset\" must be a list of keys");
    if (!result.emplace(key.get<std::string>(), std::nullopt).second) throw std::invalid_argument("a key is both set and reset");
  }
  if (result.empty()) throw std::invalid_argument("nothing is to be set or reset");
  return result;
}

HttpResponse change(const RouteContext& context, const RouteRequest& request) {
  if (context.positions == nullptr) return not_offered();
  auto parsed = json_body(request.http);
  if (auto* wrong = std::get_if<HttpResponse>(&parsed)) return std::move(*wrong);
  PositionControl::NewPositions positions;
  try {
    positions = wished(std::get<json>(parsed));
  } catch (const std::invalid_argument& error) {
    return bad_request(error.what());
  }
  const Status changed = context.positions->set_positions(request.segments.front(), positions, request.http.stop);
  return changed ? show(context, request) : refused(changed.error());
}

using Removal = Result<std::vector<std::string>> (PositionControl::*)(std::string_view, std::stop_token);

template <Removal removal>
HttpResponse remove(const RouteContext& context, const RouteRequest& request) {
  if (context.positions == nullptr) return not_offered();
  const auto removed = (context.positions->*removal)(request.segments.front(), request.http.stop);
  if (!removed) return refused(removed.error());
  return json_response(200, {{"removed", *removed}});
}

}  // namespace

void add_position_routes(std::vector<Route>& routes) {
  routes.push_back({"GET", "/api/v1/pipelines/{pipeline}/positions", Access::kTrusted,
                    "How far every sink has committed, with all that is needed to set it again.", "Positions", show});
  Route set{"POST",
            "/api/v1/pipelines/{pipeline}/positions",
            Access::kTrusted,
            "Sets or forgets positions of a pipeline that does not run, in every sink. Moving on skips records, moving back repeats them.",
            "Positions",
            change};
  set.takes = "PositionWish";
  routes.push_back(std::move(set));
  routes.push_back({"POST", "/api/v1/pipelines/{pipeline}/resync", Access::kTrusted,
                    "Forgets every position of a pipeline that does not run and removes what it made at its origins, so that its next "
                    "start is a first start. What its sinks hold stays there.",
                    "Removed", remove<&PositionControl::resync>});
  routes.push_back({"POST", "/api/v1/pipelines/{pipeline}/cleanup", Access::kTrusted,
                    "Removes what a pipeline that does not run made at its origins: a replication slot, a publication.", "Removed",
                    remove<&PositionControl::cleanup>});
}

}  // namespace sluice::admin
