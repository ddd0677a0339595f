// GET /healthz, /readyz and /api/v1/version.
//
// Health is progress, not thread liveness: a pipeline is unhealthy when it failed, or when it should work and nothing of it moved for
// stall_after.  Ready: no pipeline is still on its way to its first record.
#include <nlohmann/json.hpp>

#include "daemon/admin/json_text_internal.h"
#include "daemon/admin/routes.h"

namespace sluice::admin {

namespace {

using nlohmann::json;
using pipeline::PipelineStatus;
using pipeline::State;

bool should_work(State state) { return state != State::kStopped && state != State::kFailed && state != State::kPaused; }

bool is_stalled(const PipelineStatus& status, const RouteContext& context) {
  const std::int64_t moved = status.last_progress != 0 ? status.last_progress : status.since;
  const std::int64_t limit = std::chrono::microseconds(context.stall_after).count();
  return should_work(status.state) && context.clock.utc_microseconds() - moved > limit;
}

json cause_of(const PipelineStatus& status, std::string_view cause) {
  json entry = {{"pipeline", status.name}, {"cause", cause}, {"state", pipeline::state_name(status.state)}};
  entry["last_error"] = last_error_json(status.last_error);
  return entry;
}

HttpResponse healthz(const RouteContext& context, const RouteRequest& request) {
  json causes = json::array();
  for (const PipelineStatus& status : context.status.pipelines()) {
    if (status.state == State::kFailed) {
      causes.push_back(cause_of(status, "failed"));
    } else if (is_stalled(status, context)) {
      causes.push_back(cause_of(status, "stalled"));
    }
  }
  const bool healthy = causes.empty();
  json body = {{"status", healthy ? "ok" : "unhealthy"}};
  if (request.trusted) body["causes"] = std::move(causes);
  return json_response(healthy ? 200 : 503, body);
}

HttpResponse readyz(const RouteContext& context, const RouteRequest& request) {
  json waiting = json::array();
  for (const PipelineStatus& status : context.status.pipelines()) {
    if (status.state == State::kBuilding || status.state == State::kStarting) waiting.push_back(status.name);
  }
  const bool ready = waiting.empty();
  json body = {{"status", ready ? "ready" : "starting"}};
  if (request.trusted) body["waiting_for"] = std::move(waiting);
  return json_response(ready ? 200 : 503, body);
}

HttpResponse version(const RouteContext& context, const RouteRequest&) { return json_response(200, {{"version", context.version}}); }

}  // namespace

void add_health_routes(std::vector<Route>& routes) {
  routes.push_back({"GET", "/healthz", Access::kAnybody, "Whether every pipeline works: 503 names those that failed or stand still.",
                    "Health", healthz});
  routes.push_back(
      {"GET", "/readyz", Access::kAnybody, "Whether every pipeline has started: 503 names those that have not.", "Readiness", readyz});
  routes.push_back({"GET", "/api/v1/version", Access::kTrusted, "The version of the program.", "Version", version});
}

}  // namespace sluice::admin
