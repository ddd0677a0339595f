// GET /api/v1/pipelines/{pipeline}/tap: records as they pass, one JSON object a line.
#include <charconv>

#include "daemon/admin/json_text_internal.h"
#include "daemon/admin/request_body_internal.h"
#include "daemon/admin/routes.h"

namespace sluice::admin {

namespace {

constexpr std::size_t kMostLines = 10'000;
constexpr std::chrono::milliseconds kPatience{100};  // between two looks whether the client is still there

HttpResponse tap(const RouteContext& context, const RouteRequest& request) {
  if (context.taps == nullptr) return not_offered();
  TapWish wish;
  wish.place = request.query("step");
  wish.filter = request.query("filter");
  const std::string side = request.query("side");
  if (!side.empty() && side != "before" && side != "after") return bad_request("side must be before or after");
  wish.before = side == "before";
  if (const std::string limit = request.query("limit"); !limit.empty()) {
    const auto [end, problem] = std::from_chars(limit.data(), limit.data() + limit.size(), wish.limit);
    const bool number = problem == std::errc() && end == limit.data() + limit.size();
    if (!number || wish.limit == 0 || wish.limit > kMostLines) return bad_request("limit must be between 1 and 10000");
  }
  auto opened = context.taps->tap(request.segments.front(), wish);
  if (!opened) return refused(opened.error());
  const std::shared_ptr<TapSession> session = std::move(opened).value();
  HttpResponse response{200, "application/x-ndjson", ""};
  response.stream = [session](HttpStream& out) {
    std::string line;
    while (out.open()) {
      const auto next = session->next(line, kPatience);
      if (next == TapSession::Next::kEnd || (next == TapSession::Next::kLine && !out.send(line))) return;
    }
  };
  return response;
}

}  // namespace

void add_tap_routes(std::vector<Route>& routes) {
  Route route{"GET",
              "/api/v1/pipelines/{pipeline}/tap",
              Access::kTrusted,
              "Records as they pass, one JSON object a line, until the limit is reached or the pipeline stops. Changes nothing.",
              "",
              tap};
  route.query = {{"step", R"({"type":"string"})", "A source, step or sink; without it every source."},
                 {"side", R"({"enum":["before","after"],"default":"after"})", "Of that step."},
                 {"filter", R"({"type":"string"})", "An expression; only records for which it is true."},
                 {"limit", R"({"type":"integer","minimum":1,"maximum":10000,"default":10})", "So many lines."}};
  route.media = "application/x-ndjson";
  routes.push_back(std::move(route));
}

}  // namespace sluice::admin
