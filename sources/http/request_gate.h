#pragma once
// Which requests http_server lets in, decided from the head before a byte of the body is read.  The HTTP server's thread.

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "net/http_server.h"
#include "sources/http/body_records.h"
#include "sources/http/server_config.h"

namespace sluice::sources {

// A problem document (RFC 9457): {"type","title","status","code","detail"}.
net::ServerAnswer problem(int status, std::string_view code, std::string_view detail);

class RequestGate {
 public:
  // `draining`: set once no more requests are to be taken.
  RequestGate(const HttpServerConfig& config, const std::atomic<bool>& draining) : config_(config), draining_(draining) {}

  // An answer refuses the request.
  std::optional<net::ServerAnswer> check(const net::RequestHead& head);
  // How the records stand in the body of a request that was let in.
  static BodyLayout layout_of(const net::RequestHead& head, Format format, std::string_view body);

 private:
  std::optional<net::ServerAnswer> check_client(const net::RequestHead& head);
  bool refresh_token();

  const HttpServerConfig& config_;
  const std::atomic<bool>& draining_;
  std::string token_;
  std::chrono::steady_clock::time_point token_read_{};
};

}  // namespace sluice::sources
