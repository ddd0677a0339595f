#include "daemon/admin/admin_server.h"

#include <algorithm>
#include <exception>

#include "daemon/admin/token.h"

namespace sluice::admin {

namespace {

std::vector<Route> all_routes() {
  std::vector<Route> routes;
  add_metrics_routes(routes);
  add_health_routes(routes);
  add_pipeline_routes(routes);
  add_control_routes(routes);
  add_position_routes(routes);
  add_tap_routes(routes);
  add_letter_routes(routes);
  add_document_routes(routes);
  return routes;
}

bool only_reads(const HttpRequest& request) { return request.method == "GET" || request.method == "HEAD"; }

HttpResponse method_not_allowed(const std::vector<std::string_view>& methods) {
  std::string allowed;
  for (const std::string_view method : methods)
    allowed += (allowed.empty() ? "" : ", ") + std::string(method) + (method == "GET" ? ", HEAD" : "");
  HttpResponse response = error_response(405, "method_not_allowed", "this address does not answer to that method");
  response.headers.emplace_back("Allow", allowed);
  return response;
}

// The page of our own origin may ask; every other one may change nothing.
bool same_origin(const HttpRequest& request) {
  return request.origin == "http://" + request.host || request.origin == "https://" + request.host;
}

}  // namespace

AdminServer::AdminServer(AdminOptions options, ListenAddress address, const AdminParts& parts)
    : options_(std::move(options)),
      address_(std::move(address)),
      log_(parts.log),
      routes_(all_routes()),
      context_{parts.metrics, parts.status, parts.clock,   options_.version, options_.stall_after, parts.pipelines, parts.positions,
               parts.reload,  parts.taps,   parts.letters, &routes_} {}

AdminServer::~AdminServer() = default;

Result<std::unique_ptr<AdminServer>> AdminServer::start(const AdminOptions& options, const AdminParts& parts) {
  const ListenAddress address = SLUICE_TRY(parse_listen_address(options.listen));
  if (!address.loopback && options.token.empty()) {
    return Error(
        ErrorKind::kInvalidConfig, "listen_not_loopback",
        "listen on " + options.listen +
            ": other machines could reach the admin API, so it needs a token: set token_file (--token-file), or listen on 127.0.0.1");
  }
  if (options.certificate_file.empty() != options.key_file.empty()) {
    return Error(ErrorKind::kInvalidConfig, "tls_unusable", "TLS needs both a certificate and its key");
  }
  if (!address.loopback && options.certificate_file.empty()) {
    parts.log.warning("the admin API's token crosses the network in clear text: set a certificate and a key", {{"listen", options.listen}});
  }
  std::unique_ptr<AdminServer> server(new AdminServer(options, address, parts));
  HttpListener::Options http;
  http.address = address;
  http.connections = options.connections;
  http.limits = options.limits;
  http.certificate_file = options.certificate_file;
  http.key_file = options.key_file;
  server->listener_ =
      SLUICE_TRY(HttpListener::start(http, [self = server.get()](const HttpRequest& request) { return self->answer(request); }));
  return server;
}

std::uint16_t AdminServer::port() const { return listener_->port(); }

std::string AdminServer::address() const {
  const bool six = address_.host.find(':') != std::string::npos;
  return (six ? "[" + address_.host + "]" : address_.host) + ":" + std::to_string(port());
}

void AdminServer::stop() { listener_->stop(); }

bool AdminServer::authorized(const HttpRequest& request) const {
  constexpr std::string_view kScheme = "Bearer ";
  if (options_.token.empty()) return true;
  const std::string_view given = request.authorization;
  if (given.size() < kScheme.size() || !equal_ignoring_case(given.substr(0, kScheme.size()), kScheme)) return false;
  return equal_in_constant_time(given.substr(kScheme.size()), options_.token.reveal());
}

bool AdminServer::names_this_machine(const std::string& host) const {
  const auto bare = parse_listen_address(host);
  if (bare) return bare->loopback || equal_ignoring_case(bare->host, address_.host);
  const auto with_port = parse_listen_address(host + ":80");
  return with_port && (with_port->loopback || equal_ignoring_case(with_port->host, address_.host));
}

// One line for each try to change something, also for one that is refused.
HttpResponse AdminServer::answer(const HttpRequest& request) const {
  if (only_reads(request)) return route(request);
  HttpResponse response;
  try {
    response = route(request);
  } catch (const std::exception&) {
    response = error_response(500, "internal", "the request failed inside sluice");
  }
  const bool done = response.status < 400;
  log_.log(done ? LogLevel::kInfo : LogLevel::kWarning, "admin change",
           {{"peer", request.peer},
            {"token", options_.token.empty() ? "none" : (authorized(request) ? "valid" : "missing or wrong")},
            {"method", request.method},
            {"path", request.path},
            {"status", std::to_string(response.status)}});
  return response;
}

HttpResponse AdminServer::route(const HttpRequest& request) const {
  const bool reads = only_reads(request);
  if (options_.token.empty() && !request.host.empty() && !names_this_machine(request.host)) {
    return error_response(403, "host_not_allowed", "the Host header names another machine; use 127.0.0.1");
  }
  if (!reads && !request.origin.empty() && !same_origin(request)) {
    return error_response(403, "origin_not_allowed", "pages of other origins may change nothing here");
  }
  const bool trusted = authorized(request);
  std::vector<std::string_view> methods;
  for (const Route& route : routes_) {
    auto segments = match_path(route.pattern, request.path);
    if (!segments) continue;
    if (route.method != (reads ? "GET" : std::string_view(request.method))) {
      methods.push_back(route.method);
      continue;
    }
    if (trusted || route.access == Access::kAnybody) return route.answer(context_, {std::move(*segments), trusted, request});
  }
  if (!trusted) {
    HttpResponse response = error_response(401, "unauthorized", "send the token: Authorization: Bearer ...");
    response.headers.emplace_back("WWW-Authenticate", "Bearer");
    return response;
  }
  if (methods.empty()) return error_response(404, "not_found", "there is nothing at this address");
  return method_not_allowed(methods);
}

}  // namespace sluice::admin
