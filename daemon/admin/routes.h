#pragma once
// The routes of the admin API, one file per group.  The table is also what the OpenAPI document is made of, so each route says what it is.

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "daemon/admin/control.h"
#include "daemon/admin/http_message.h"
#include "daemon/admin/status_source.h"
#include "metrics/metrics_registry.h"

namespace sluice::admin {

struct Route;

// What routes answer from; outlives the server.  A control that is null is not offered: its routes answer 503.
struct RouteContext {
  const MetricsRegistry& metrics;
  const StatusSource& status;
  const Clock& clock;
  std::string version;
  std::chrono::seconds stall_after;
  PipelineControl* pipelines = nullptr;
  PositionControl* positions = nullptr;
  ReloadControl* reload = nullptr;
  TapControl* taps = nullptr;
  LetterControl* letters = nullptr;
  const std::vector<Route>* table = nullptr;  // all routes
};

struct RouteRequest {
  std::vector<std::string> segments;  // those that a {name} of the pattern matched
  bool trusted = true;                // false: no token was given where one is asked; say no details
  const HttpRequest& http;

  // The value of a query parameter; empty when it is absent.
  std::string query(std::string_view name) const;
};

enum class Access : std::uint8_t { kTrusted, kAnybody };

struct QueryParameter {
  std::string_view name, schema, description;  // schema: JSON Schema as text
};

struct Route {
  std::string_view method;   // GET also answers HEAD
  std::string_view pattern;  // "/api/v1/pipelines/{pipeline}/books"
  Access access;
  std::string_view summary;
  std::string_view answers;  // the component schema of a 200, or "" for what is no JSON
  std::function<HttpResponse(const RouteContext&, const RouteRequest&)> answer;
  std::vector<QueryParameter> query = {};
  std::string_view takes = {};                  // the component schema of the body; "": none
  std::string_view media = "application/json";  // of the answer
};

void add_metrics_routes(std::vector<Route>& routes);   // /metrics
void add_health_routes(std::vector<Route>& routes);    // /healthz, /readyz, /api/v1/version
void add_pipeline_routes(std::vector<Route>& routes);  // /api/v1/pipelines...
void add_control_routes(std::vector<Route>& routes);   // .../pause, resume, restart, snapshot; /api/v1/reload
void add_position_routes(std::vector<Route>& routes);  // .../positions, resync, cleanup
void add_letter_routes(std::vector<Route>& routes);    // .../dead-letters
void add_tap_routes(std::vector<Route>& routes);       // .../tap
void add_document_routes(std::vector<Route>& routes);  // /, /api/v1/openapi.json

// The segments of `path` that stand where `pattern` has {name}; nullopt when it does not match.
std::optional<std::vector<std::string>> match_path(std::string_view pattern, std::string_view path);

}  // namespace sluice::admin
