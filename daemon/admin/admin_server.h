#pragma once
// The admin API: metrics, health, what the pipelines say of themselves, and control over them.  Owned by main(); answers on threads of
// its own.
//
// Who may ask: without a token only this machine, and only requests whose Host names this machine (so that no web page can reach it by
// pointing a name at 127.0.0.1); with a token everybody who sends it, /healthz and /readyz excepted, which then tell no details.
// Requests that change something are refused when a browser sends them for a page of another origin.  No CORS.
// Every request that changes something is one line in the log: who (the peer), what, and how it ended.

#include <cstdint>
#include <memory>
#include <string>

#include "core/clock.h"
#include "core/config_types.h"
#include "core/logger.h"
#include "core/result.h"
#include "daemon/admin/http_listener.h"
#include "daemon/admin/routes.h"

namespace sluice::admin {

struct AdminOptions {
  std::string listen = "127.0.0.1:7600";             // port 0: any free one
  Secret token;                                      // empty: none
  std::string certificate_file = {}, key_file = {};  // both: TLS
  std::string version;                               // of this program
  std::chrono::seconds stall_after{60};              // without progress for so long a pipeline is unhealthy
  std::size_t connections = 128;                     // that wait for their head, and as many for a worker
  ConnectionLimits limits = {};
};

// What it answers from; all outlive the server.  A control that is null is not offered.
struct AdminParts {
  const MetricsRegistry& metrics;
  const StatusSource& status;
  const Clock& clock;
  Logger& log;
  PipelineControl* pipelines = nullptr;
  PositionControl* positions = nullptr;
  ReloadControl* reload = nullptr;
  TapControl* taps = nullptr;
  LetterControl* letters = nullptr;
};

class AdminServer {
 public:
  // kInvalidConfig bad_value, listen_not_loopback (another machine could reach it and no token is set) or tls_unusable; kFatal
  // listen_failed (exit code 3).
  static Result<std::unique_ptr<AdminServer>> start(const AdminOptions& options, const AdminParts& parts);

  ~AdminServer();  // stops
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

  std::uint16_t port() const;
  std::string address() const;  // "127.0.0.1:7600", with the real port
  void stop();                  // within a second

 private:
  AdminServer(AdminOptions options, ListenAddress address, const AdminParts& parts);
  HttpResponse answer(const HttpRequest& request) const;
  HttpResponse route(const HttpRequest& request) const;
  bool authorized(const HttpRequest& request) const;
  bool names_this_machine(const std::string& host) const;

  const AdminOptions options_;
  const ListenAddress address_;
  Logger& log_;
  std::vector<Route> routes_;
  const RouteContext context_;
  std::unique_ptr<HttpListener> listener_;
};

}  // namespace sluice::admin
