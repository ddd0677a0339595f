#pragma once
// The routes of the admin API, one file per group.

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "daemon/admin/http_listener.h"
#include "daemon/admin/status_source.h"
#include "metrics/metrics_registry.h"

namespace sluice::admin {

// What routes answer from; outlives the server.
struct RouteContext {
  const MetricsRegistry& metrics;
  const StatusSource& status;
  const Clock& clock;
  std::string version;
  std::chrono::seconds stall_after;
};

struct RouteRequest {
  std::vector<std::string> segments;  // those that a {} of the pattern matched
  bool trusted = true;                // false: no token was given where one is asked; say no details
};

enum class Access : std::uint8_t { kTrusted, kAnybody };

struct Route {
  std::string_view method;   // GET also answers HEAD
  std::string_view pattern;  // "/api/v1/pipelines/{}/books"
  Access access;
  std::function<HttpResponse(const RouteContext&, const RouteRequest&)> answer;
};

void add_metrics_routes(std::vector<Route>& routes);   // /metrics
void add_health_routes(std::vector<Route>& routes);    // /healthz, /readyz, /api/v1/version
void add_pipeline_routes(std::vector<Route>& routes);  // /api/v1/pipelines...

// The segments of `path` that stand where `pattern` has {}; nullopt when it does not match.
std::optional<std::vector<std::string>> match_path(std::string_view pattern, std::string_view path);

}  // namespace sluice::admin
