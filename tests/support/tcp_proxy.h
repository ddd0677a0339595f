#pragma once
// A TCP relay on 127.0.0.1 that a test can freeze: connections stay open and nothing passes any more, as when a cable is cut or a firewall
// forgets a connection.  No FIN, no RST.

#include <atomic>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace sluice::test {

class TcpProxy {
 public:
  // `target`: a URL with 127.0.0.1:<port>.  Throws std::runtime_error.
  explicit TcpProxy(const std::string& target);
  ~TcpProxy();
  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;

  int port() const { return port_; }
  // `url` with the proxy's port instead of the target's.
  std::string through(const std::string& url) const;
  void freeze() { frozen_ = true; }
  // What is open stays dead; new connections work.
  void thaw();
  std::size_t accepted() const { return accepted_; }

 private:
  struct Link {
    int client = -1, server = -1;
    bool dead = false;
  };
  void run(std::stop_token stop);
  void accept_one();
  void relay(Link& link, bool client_readable, bool server_readable);

  const int target_port_;
  int port_ = 0, listener_ = -1;
  std::atomic<bool> frozen_{false};
  std::atomic<std::size_t> accepted_{0};
  std::mutex mutex_;
  std::vector<Link> links_;
  std::jthread thread_;
};

}  // namespace sluice::test
