// GET /metrics: Prometheus' text format.
#include "daemon/admin/routes.h"

namespace sluice::admin {

void add_metrics_routes(std::vector<Route>& routes) {
  Route route{"GET",
              "/metrics",
              Access::kTrusted,
              "All series in Prometheus' text format.",
              "",
              [](const RouteContext& context, const RouteRequest&) {
                return HttpResponse{200, "text/plain; version=0.0.4; charset=utf-8", context.metrics.text()};
              }};
  route.media = "text/plain";
  routes.push_back(std::move(route));
}

}  // namespace sluice::admin
