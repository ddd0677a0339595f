#pragma once
// Asks a running daemon over its admin API.

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/config_types.h"
#include "core/result.h"

namespace sluice::client {

struct Endpoint {
  std::string url = "http://127.0.0.1:7600";
  std::string token_file;      // empty: no token is sent
  std::string ca_certificate;  // PEM file to check the daemon's certificate with; empty: the system's
};

struct Answer {
  int status = 0;
  std::string body;
  bool good() const { return status >= 200 && status < 300; }
};

// One thread.
class AdminClient {
 public:
  // kInvalidConfig bad_value (the URL), token_file_unusable.
  static Result<std::unique_ptr<AdminClient>> make(const Endpoint& endpoint);
  ~AdminClient();
  AdminClient(const AdminClient&) = delete;
  AdminClient& operator=(const AdminClient&) = delete;

  // kTransient daemon_unreachable with the reason; every answer of the daemon is a value.  `seconds` to wait for the answer.
  Result<Answer> get(const std::string& path, int seconds = 30);
  Result<Answer> post(const std::string& path, const std::string& json_body, int seconds = 30);
  // Gives what comes to `take` as it comes, until it returns false or the answer ends; of an answer that is no 2xx the body is kept.
  Result<Answer> stream(const std::string& path, const std::function<bool(std::string_view)>& take);

 private:
  class Impl;
  explicit AdminClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// A name as a segment of a path.
std::string path_segment(std::string_view name);

}  // namespace sluice::client
