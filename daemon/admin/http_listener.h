#pragma once
// A small HTTP/1.1 server for the admin API: few connections, nothing that a client sends can hold it up or make it grow.
//
// Every worker thread accepts one connection at a time, reads one request, answers and closes, so the queue is the kernel's backlog.
// Bounds: HeadLimits; 5 s for a whole request head and body, 5 s for a whole answer; no keep-alive; no compression of requests, no
// chunked bodies, no ranges.  stop() wakes every wait.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"
#include "daemon/admin/http_request_head.h"

namespace sluice::admin {

struct HttpRequest {
  std::string method;
  std::string path;                         // percent-decoded, without the query
  std::string host, origin, authorization;  // headers; empty when absent
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers = {};
};

// {"error":{"code","message"}}
HttpResponse error_response(int status, std::string_view code, std::string_view message);

struct ListenAddress {
  std::string host;  // name or number, IPv6 without brackets
  std::uint16_t port = 0;
  bool loopback = false;  // 127.0.0.0/8, ::1 or localhost
};

// "127.0.0.1:7600", "[::1]:0", "localhost:7600".  kInvalidConfig bad_value.
Result<ListenAddress> parse_listen_address(std::string_view text);

class HttpListener {
 public:
  struct Options {
    ListenAddress address;
    unsigned threads = 4;                           // a slow client holds one of them for at most the timeouts below
    std::chrono::milliseconds read_timeout{5000};   // for a whole request
    std::chrono::milliseconds write_timeout{5000};  // for a whole answer
    HeadLimits limits = {};
  };
  // Called on the worker threads, several at once.  What it throws becomes a 500 without details.
  using Handler = std::function<HttpResponse(const HttpRequest&)>;

  // kFatal listen_failed with the system's reason (exit code 3).
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
