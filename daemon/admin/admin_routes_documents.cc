// GET / (the page for people) and GET /api/v1/openapi.json (the page for programs).
#include <nlohmann/json.hpp>

#include "daemon/admin/json_text_internal.h"
#include "daemon/admin/openapi_schemas.h"
#include "daemon/admin/page.h"
#include "daemon/admin/routes.h"

namespace sluice::admin {

namespace {

using nlohmann::json;

json content(std::string_view media, std::string_view schema) {
  json body = schema.empty() ? json{{"type", "string"}} : json{{"$ref", "#/components/schemas/" + std::string(schema)}};
  return {{std::string(media), {{"schema", std::move(body)}}}};
}

json response(std::string_view description, std::string_view media, std::string_view schema) {
  return {{"description", description}, {"content", content(media, schema)}};
}

json path_parameters(std::string_view pattern) {
  json result = json::array();
  for (std::size_t at = 0; (at = pattern.find('{', at)) != std::string_view::npos; ++at) {
    const std::string_view name = pattern.substr(at + 1, pattern.find('}', at) - at - 1);
    result.push_back({{"name", name}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}, {"minLength", 1}}}});
  }
  return result;
}

json responses(const Route& route) {
  const bool probe = route.pattern == "/healthz" || route.pattern == "/readyz";
  json result = {{"200", response("Done.", route.media, route.answers)},
                 {"default", response("Why it was refused.", "application/problem+json", "Problem")}};
  if (route.method != "GET")
    result["202"] = response("The wish is kept; the state tells when it is fulfilled.", route.media, route.answers);
  if (probe) result["503"] = response("Not so.", route.media, route.answers);
  if (!probe) result["4XX"] = response("Why it was refused.", "application/problem+json", "Problem");
  return result;
}

// "get_pipelines_books" for GET /api/v1/pipelines/{pipeline}/books.
std::string operation_id(const Route& route) {
  std::string id = route.method == "GET" ? "get" : "post";
  std::string_view rest = route.pattern;
  if (rest.starts_with("/api/v1")) rest.remove_prefix(7);
  while (!rest.empty()) {
    rest.remove_prefix(1);
    const std::string_view segment = rest.substr(0, rest.find('/'));
    rest.remove_prefix(segment.size());
    if (segment.starts_with('{')) continue;
    id += '_';
    for (const char c : segment) id += c == '-' || c == '.' ? '_' : c;
  }
  // One pipeline and the list of them would have the same name.
  return route.pattern.ends_with('}') ? id + "_one" : id;
}

json operation(const Route& route) {
  json parameters = path_parameters(route.pattern);
  for (const QueryParameter& query : route.query) {
    parameters.push_back(
        {{"name", query.name}, {"in", "query"}, {"description", query.description}, {"schema", json::parse(query.schema)}});
  }
  json result = {{"operationId", operation_id(route)}, {"summary", route.summary}, {"responses", responses(route)}};
  if (!parameters.empty()) result["parameters"] = std::move(parameters);
  if (!route.takes.empty()) result["requestBody"] = {{"required", true}, {"content", content("application/json", route.takes)}};
  result["security"] = route.access == Access::kAnybody ? json::array({json::object()}) : json::array({{{"token", json::array()}}});
  return result;
}

HttpResponse openapi(const RouteContext& context, const RouteRequest&) {
  json paths = json::object();
  for (const Route& route : *context.table) {
    paths[std::string(route.pattern)][route.method == "GET" ? "get" : "post"] = operation(route);
  }
  return json_response(
      200, {{"openapi", "3.1.0"},
            {"info", {{"title", "sluice admin API"}, {"version", context.version}}},
            {"paths", std::move(paths)},
            {"components",
             {{"schemas", json::parse(kOpenApiSchemas)}, {"securitySchemes", {{"token", {{"type", "http"}, {"scheme", "bearer"}}}}}}}});
}

// Nothing but the page itself may run or be loaded, and it may talk to us alone.
HttpResponse page(const RouteContext&, const RouteRequest&) {
  HttpResponse response{200, "text/html; charset=utf-8", std::string(kPage)};
  response.headers.emplace_back("Content-Security-Policy",
                                "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; "
                                "base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
  return response;
}

}  // namespace

void add_document_routes(std::vector<Route>& routes) {
  Route home{"GET", "/", Access::kAnybody, "A page for people; it holds no data and asks for the token itself.", "", page};
  home.media = "text/html";
  routes.push_back(std::move(home));
  routes.push_back({"GET", "/api/v1/openapi.json", Access::kTrusted, "This document.", "OpenApi", openapi});
}

}  // namespace sluice::admin
