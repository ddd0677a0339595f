#pragma once
// Where connections wait until their request's head is there: one thread watches them all, so a client that sends slowly holds no
// worker.  When the lobby is full the one that waits longest goes, so slow clients cannot keep others out either.

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "daemon/admin/http_connection.h"

namespace sluice::admin {

class HttpLobby {
 public:
  struct Options {
    ConnectionLimits limits = {};
    std::size_t waiting = 128;  // connections whose head is not there yet
    std::size_t ready = 128;    // connections that wait for a worker
  };

  // Takes connections of `listener` from now on.  `stop_fd` (readable: stop) and `transports` outlive it.
  HttpLobby(const Options& options, Descriptor listener, int stop_fd, const TransportFactory& transports);
  ~HttpLobby();  // stop_fd must be readable
  HttpLobby(const HttpLobby&) = delete;
  HttpLobby& operator=(const HttpLobby&) = delete;

  // The next connection with a head or a refusal; null when everything ends.  Workers; blocks.
  std::unique_ptr<HttpConnection> next();

 private:
  struct Guest {
    std::unique_ptr<HttpConnection> connection;
    HttpConnection::Progress waits_for;
  };

  void watch();
  bool wait_once();  // false: the end
  void accept_all();
  void look_at(Guest& guest, bool ready, HttpConnection::Time now);
  void hand_over(std::unique_ptr<HttpConnection> connection);

  const Options options_;
  const Descriptor listener_;
  const int stop_fd_;
  const TransportFactory& transports_;
  std::vector<Guest> guests_;        // oldest first; the watching thread's
  bool out_of_descriptors_ = false;  // the watching thread's

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::unique_ptr<HttpConnection>> ready_;
  bool ended_ = false;
  std::jthread thread_;
};

}  // namespace sluice::admin
