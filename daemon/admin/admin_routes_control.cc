// POST /api/v1/pipelines/{pipeline}/pause, resume, restart and snapshot, and POST /api/v1/reload.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "daemon/admin/json_text_internal.h"
#include "daemon/admin/request_body_internal.h"
#include "daemon/admin/routes.h"

namespace sluice::admin {

namespace {

using nlohmann::json;

constexpr std::size_t kTables = 1000;  // of one request for a snapshot

// The wish is durable; the pipeline follows, and its state tells how far it is.
HttpResponse accepted(const RouteContext& context, const std::string& name) {
  for (const auto& status : context.status.pipelines()) {
    if (status.name == name) return json_response(202, pipeline_json(status));
  }
  return unknown_pipeline();
}

using Wish = Status (PipelineControl::*)(std::string_view);

template <Wish wish>
HttpResponse ask(const RouteContext& context, const RouteRequest& request) {
  if (context.pipelines == nullptr) return not_offered();
  const std::string& name = request.segments.front();
  const Status done = (context.pipelines->*wish)(name);
  return done ? accepted(context, name) : refused(done.error());
}

HttpResponse snapshot(const RouteContext& context, const RouteRequest& request) {
  if (context.pipelines == nullptr) return not_offered();
  auto parsed = json_body(request.http);
  if (auto* wrong = std::get_if<HttpResponse>(&parsed)) return std::move(*wrong);
  const json& body = std::get<json>(parsed);
  const auto tables = body.find("tables");
  const bool named = tables != body.end() && tables->is_array() && !tables->empty() && tables->size() <= kTables &&
                     std::all_of(tables->begin(), tables->end(), [](const json& table) { return table.is_string(); });
  if (!named) return bad_request("\"tables\" must be a list of up to 1000 names of tables");
  const json source = body.value("source", json(""));
  if (!source.is_string()) return bad_request("\"source\" must be the name of a source");
  const auto names = tables->get<std::vector<std::string>>();
  const Status asked = context.pipelines->request_snapshot(request.segments.front(), source.get<std::string>(), names, request.http.stop);
  if (!asked) return refused(asked.error());
  return json_response(202, {{"tables", names}});
}

json finding_json(const ReloadFinding& finding) {
  json result = {{"severity", finding.severity}, {"file", finding.file}, {"line", finding.line},      {"column", finding.column},
                 {"path", finding.path},         {"code", finding.code}, {"message", finding.message}};
  if (!finding.hint.empty()) result["hint"] = finding.hint;
  return result;
}

json report_json(const ReloadReport& report) {
  json pipelines = json::array();
  for (const PlannedPipeline& planned : report.pipelines)
    pipelines.push_back({{"name", planned.name}, {"action", planned.action}, {"positions", planned.positions}});
  json findings = json::array();
  for (const ReloadFinding& finding : report.findings) findings.push_back(finding_json(finding));
  return {{"applied", report.applied}, {"pipelines", pipelines}, {"findings", findings}, {"problems", report.problems}};
}

// A problem that also tells everything that a good answer would.
HttpResponse failed_reload(int status, std::string_view code, std::string_view detail, const ReloadReport& report) {
  HttpResponse response = error_response(status, code, detail);
  json body = json::parse(response.body);
  body.update(report_json(report));
  response.body = json_response(status, body).body;
  return response;
}

HttpResponse reload(const RouteContext& context, const RouteRequest& request) {
  if (context.reload == nullptr) return not_offered();
  const std::string plan = request.query("plan");
  if (!plan.empty() && plan != "true" && plan != "false") return bad_request("plan must be true or false");
  const auto mode = plan == "true" ? ReloadControl::Mode::kPlan : ReloadControl::Mode::kApply;
  const auto report = context.reload->reload(mode, request.http.stop);
  if (!report) return refused(report.error());
  const bool invalid =
      std::any_of(report->findings.begin(), report->findings.end(), [](const ReloadFinding& f) { return f.severity == "error"; });
  if (invalid) return failed_reload(422, "invalid_config", "the files are not valid; nothing was changed", *report);
  if (!report->problems.empty())
    return failed_reload(409, "reload_refused", "a pipeline refused its new configuration; the old one runs again", *report);
  return json_response(200, report_json(*report));
}

}  // namespace

void add_control_routes(std::vector<Route>& routes) {
  routes.push_back({"POST", "/api/v1/pipelines/{pipeline}/pause", Access::kTrusted,
                    "Stops the pipeline gracefully until it is resumed, also over restarts of the daemon.", "Pipeline",
                    ask<&PipelineControl::pause>});
  routes.push_back({"POST", "/api/v1/pipelines/{pipeline}/resume", Access::kTrusted,
                    "Starts a pipeline that is paused, has failed or has ended.", "Pipeline", ask<&PipelineControl::resume>});
  routes.push_back({"POST", "/api/v1/pipelines/{pipeline}/restart", Access::kTrusted, "Stops the pipeline gracefully and starts it again.",
                    "Pipeline", ask<&PipelineControl::restart>});
  Route again{"POST",           "/api/v1/pipelines/{pipeline}/snapshot",
              Access::kTrusted, "Asks a source to read whole tables again, merged into the stream without a gap.",
              "SnapshotAsked",  snapshot};
  again.takes = "SnapshotWish";
  routes.push_back(std::move(again));
  routes.push_back({"POST",
                    "/api/v1/reload",
                    Access::kTrusted,
                    "Reads the pipeline files again. Unchanged pipelines are not touched; with an error in any file nothing is.",
                    "Reload",
                    reload,
                    {{"plan", R"({"type":"boolean"})", "Say only what would happen."}}});
}

}  // namespace sluice::admin
