#pragma once
// An HTTP server on 127.0.0.1 that does what a test says: answers anything, half of it, slowly, never, or something else than HTTP.

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace sluice::testing {

struct ScriptedRequest {
  std::string method, target;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

struct ScriptedAnswer {
  int status = 200;
  std::string body = {};
  std::map<std::string, std::string> headers = {};
  std::string raw = {};       // sent instead of all of the above, then the connection ends
  bool hang_up = false;       // says nothing and ends the connection
  bool silent = false;        // says nothing until the client goes or the server ends
  bool byte_by_byte = false;  // a byte each 5 ms
};

class ScriptedServer {
 public:
  using Script = std::function<ScriptedAnswer(const ScriptedRequest&)>;  // any thread, one at a time

  explicit ScriptedServer(Script script);
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  std::string url(const std::string& path = "/") const { return "http://127.0.0.1:" + std::to_string(port_) + path; }
  int port() const { return port_; }
  std::vector<ScriptedRequest> requests() const;
  std::size_t connections() const { return connections_; }

 private:
  void accept();
  void serve(int fd);
  bool serve_one(int fd, std::string& input);
  bool send_answer(int fd, const ScriptedAnswer& answer);

  Script script_;
  int listener_ = -1, port_ = 0;
  std::atomic<bool> ended_{false};
  std::atomic<std::size_t> connections_{0};
  mutable std::mutex mutex_;
  std::vector<ScriptedRequest> requests_;
  std::vector<std::jthread> threads_;
  std::vector<int> sockets_;
  std::jthread acceptor_;
};

}  // namespace sluice::testing
