#pragma once
// A small HTTP/1.1 server for the admin API: cpp-httplib reads requests and writes answers, over connections of our own, so that nothing
// that a client sends can hold it up or make it grow (docs/decisions/0080).
//
// Bounds: ConnectionLimits; one request per connection; HttpLobby's numbers of connections; no compression of requests, no chunked
// bodies, no ranges.  stop() wakes every wait.

#include <cstdint>
#include <functional>
#include <memory>

#include "core/result.h"
#include "daemon/admin/http_connection.h"
#include "daemon/admin/http_message.h"
#include "daemon/admin/listen_address.h"

namespace sluice::admin {

class HttpListener {
 public:
  struct Options {
    ListenAddress address;
    unsigned threads = 8;           // a client that reads its answer slowly holds one of them for at most write_timeout
    std::size_t connections = 128;  // HttpLobby's numbers, both of them
    ConnectionLimits limits = {};
    std::string certificate_file = {}, key_file = {};  // both: TLS
  };
  // Called on the worker threads, several at once.  What it throws becomes a 500 without details.
  using Handler = std::function<HttpResponse(const HttpRequest&)>;

  // kFatal listen_failed with the system's reason (exit code 3); kInvalidConfig tls_unusable.
  static Result<std::unique_ptr<HttpListener>> start(const Options& options, Handler handler);

  ~HttpListener();  // stops
  HttpListener(const HttpListener&) = delete;
  HttpListener& operator=(const HttpListener&) = delete;

  std::uint16_t port() const;  // the one in use, also when 0 was asked for

  // Ends every connection and joins the threads: as long as the handler takes, at most.  Idempotent; one thread.
  void stop();

 private:
  class Impl;
  explicit HttpListener(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::admin
