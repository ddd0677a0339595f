#pragma once
// An HTTP/1.1 server whose answers come later: one thread, epoll, no thread per waiting client, so thousands may wait for one commit.
//
//   accept -> [handshake] -> reading --head--> admit() --body--> handle() -> waiting -> answer() -> writing -> reading ...
//                                      | refused                                | answer_timeout
//                                      v                                        v
//                                   writing, closing                         writing
//
// Nothing that a client sends makes it grow without bound: heads, bodies, connections and the bytes of all bodies together are limited; a
// request that is not complete, an answer that is not taken and an idle connection each have a deadline.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "net/address.h"
#include "net/channel.h"
#include "net/http_message.h"

namespace sluice::net {

// Names a request that waits for its answer.
struct Ticket {
  std::uint64_t connection = 0, request = 0;
};

struct ServerAnswer {
  int status = 200;
  std::string body = {};
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers = {};
  bool close = false;  // end the connection behind it
};

// Bytes of memory that are counted until it dies.  Any thread.
class ByteClaim {
 public:
  using Counter = std::shared_ptr<std::atomic<std::uint64_t>>;
  ByteClaim() = default;
  explicit ByteClaim(Counter counter) : counter_(std::move(counter)) {}
  ByteClaim(ByteClaim&& other) noexcept : counter_(std::move(other.counter_)), bytes_(std::exchange(other.bytes_, 0)) {}
  ByteClaim& operator=(ByteClaim&& other) noexcept {
    std::swap(counter_, other.counter_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~ByteClaim() { resize(0); }
  void resize(std::uint64_t bytes) {
    if (counter_) counter_->fetch_add(bytes - bytes_, std::memory_order_relaxed);  // modulo 2^64: also downwards
    bytes_ = bytes;
  }
  std::uint64_t bytes() const { return bytes_; }

 private:
  Counter counter_;
  std::uint64_t bytes_ = 0;
};

struct ServerRequest {
  Ticket ticket;
  RequestHead head;
  std::string body;
  ByteClaim claim;  // of the body
};

class HttpServer {
 public:
  struct Options {
    ListenAddress address;
    std::shared_ptr<const TlsContext> tls = nullptr;  // null: plain
    HeadLimits head = {};
    std::size_t max_body = 8UL * 1024 * 1024;
    std::uint64_t max_bytes = 64ULL * 1024 * 1024;  // of all bodies that are being received or claimed
    std::size_t max_connections = 10000;            // more wait in the kernel's backlog
    std::chrono::milliseconds read_timeout{30000};  // from a request's first byte to its last, and of an idle connection
    std::chrono::milliseconds write_timeout{30000};
    std::chrono::milliseconds answer_timeout{30000};  // from handle() to answer()
    ServerAnswer late{504, {}, {}, {}, false};        // what is answered then
    ServerAnswer full{429, {}, {}, {}, false};        // beyond max_bytes
    std::function<ServerAnswer(const MessageFault&)> refusal;
  };

  // Both are called on the server's thread and must not block.  admit() sees the head before the body is read: an answer refuses it.
  // handle() gets whole requests; each ticket is answered once, by answer() or by the timeout.  answered() hears every status sent.
  struct Handlers {
    std::function<std::optional<ServerAnswer>(const RequestHead&)> admit;
    std::function<void(ServerRequest)> handle;
    std::function<void(int status)> answered;
  };

  // kTransient or kFatal listen_failed.
  static Result<std::unique_ptr<HttpServer>> start(Options options, Handlers handlers);
  ~HttpServer();  // stop(0)
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::uint16_t port() const;

  // Any thread.  Tickets that nobody waits for any more are ignored.
  void answer(std::vector<std::pair<Ticket, ServerAnswer>> answers);

  // Accepts no more and sends what was answered, for at most `farewell`; then every connection ends.  Idempotent; one thread.
  void stop(std::chrono::milliseconds farewell);

 private:
  class Loop;
  explicit HttpServer(std::unique_ptr<Loop> loop);
  std::unique_ptr<Loop> loop_;
};

}  // namespace sluice::net
