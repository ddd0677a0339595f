#include "daemon/admin/admin_server.h"

#include <algorithm>

namespace sluice::admin {

namespace {

// Takes the same time wherever the texts differ, so that a token cannot be guessed byte by byte.
bool equal_in_constant_time(std::string_view a, std::string_view b) {
  unsigned difference = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b.empty() ? 0 : b[i % b.size()]);
  }
  return difference == 0;
}

std::string_view next_segment(std::string_view& path) {
  path.remove_prefix(1);  // the slash
  const std::string_view segment = path.substr(0, path.find('/'));
  path.remove_prefix(segment.size());
  return segment;
}

std::string allowed_methods(const std::vector<std::string_view>& methods) {
  std::string text;
  for (const std::string_view method : methods)
    text += (text.empty() ? "" : ", ") + std::string(method) + (method == "GET" ? ", HEAD" : "");
  return text;
}

}  // namespace

std::optional<std::vector<std::string>> match_path(std::string_view pattern, std::string_view path) {
  std::vector<std::string> segments;
  while (!pattern.empty() && !path.empty()) {
    if (pattern.front() != '/' || path.front() != '/') return std::nullopt;
    const std::string_view wanted = next_segment(pattern);
    const std::string_view given = next_segment(path);
    if (wanted == "{}" && !given.empty()) {
      segments.emplace_back(given);
    } else if (wanted != given) {
      return std::nullopt;
    }
  }
  if (!pattern.empty() || !path.empty()) return std::nullopt;
  return segments;
}

AdminServer::AdminServer(AdminOptions options, ListenAddress address, const MetricsRegistry& metrics, const StatusSource& status,
                         const Clock& clock)
    : options_(std::move(options)), address_(std::move(address)), context_{metrics, status, clock, options_.version, options_.stall_after} {
  add_metrics_routes(routes_);
  add_health_routes(routes_);
  add_pipeline_routes(routes_);
}

AdminServer::~AdminServer() = default;

Result<std::unique_ptr<AdminServer>> AdminServer::start(const AdminOptions& options, const MetricsRegistry& metrics,
                                                        const StatusSource& status, const Clock& clock) {
  const ListenAddress address = SLUICE_TRY(parse_listen_address(options.listen));
  if (!address.loopback && options.token.empty()) {
    return Error(ErrorKind::kInvalidConfig, "listen_not_loopback",
                 "listen on " + options.listen + ": other machines could reach the admin API, and there is no setting for a token yet; listen on 127.0.0.1 and put a proxy "
                 "that asks who comes in front of it");
  }
  std::unique_ptr<AdminServer> server(new AdminServer(options, address, metrics, status, clock));
  HttpListener::Options http;
  http.address = address;
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

HttpResponse AdminServer::answer(const HttpRequest& request) const {
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (options_.token.empty() && !request.host.empty() && !names_this_machine(request.host)) {
    return error_response(403, "host_not_allowed", "the Host header names another machine; use 127.0.0.1");
  }
  if (!reads && !request.origin.empty()) return error_response(403, "origin_not_allowed", "requests of web pages may change nothing here");
  const bool trusted = authorized(request);
  std::vector<std::string_view> methods;
  for (const Route& route : routes_) {
    auto segments = match_path(route.pattern, request.path);
    if (!segments) continue;
    if (route.method != (reads ? "GET" : std::string_view(request.method))) {
      methods.push_back(route.method);
      continue;
    }
    if (trusted || route.access == Access::kAnybody) return route.answer(context_, {std::move(*segments), trusted});
  }
  if (!trusted) {
    HttpResponse response = error_response(401, "unauthorized", "send the token: Authorization: Bearer ...");
    response.headers.emplace_back("WWW-Authenticate", "Bearer");
    return response;
  }
  if (methods.empty()) return error_response(404, "not_found", "there is nothing at this address");
  HttpResponse response = error_response(405, "method_not_allowed", "this address does not answer to that method");
  response.headers.emplace_back("Allow", allowed_methods(methods));
  return response;
}

}  // namespace sluice::admin
