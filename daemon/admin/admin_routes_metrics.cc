// GET /metrics: Prometheus' text format.
#include "daemon/admin/routes.h"

namespace sluice::admin {

void add_metrics_routes(std::vector<Route>& routes) {
  routes.push_back({"GET", "/metrics", Access::kTrusted, [](const RouteContext& context, const RouteRequest&) {
                      return HttpResponse{200, "text/plain; version=0.0.4; charset=utf-8", context.metrics.text()};
                    }});
}

}  // namespace sluice::admin
