#pragma once
// One connection of the admin API: one request, one answer.  First the lobby's thread collects the head (advance(), never blocking), then
// a worker reads the body and writes the answer under deadlines.  Never two threads at a time.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/admin/http_request_head.h"
#include "daemon/admin/transport.h"

namespace sluice::admin {

struct ConnectionLimits {
  std::chrono::milliseconds read_timeout{5000};   // for a whole head, and again for a whole body
  std::chrono::milliseconds write_timeout{5000};  // for a whole answer, or for one piece of a streamed one
  HeadLimits head = {};
};

class HttpConnection {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // `stop_fd` becomes readable when everything is to end; it and `limits` outlive the connection.
  HttpConnection(std::unique_ptr<Transport> transport, std::string peer, int stop_fd, const ConnectionLimits& limits);

  enum class Progress : std::uint8_t {
    kWaitRead,
    kWaitWrite,
    kComplete,  // a head, or a refusal, for a worker
    kGone,
  };
  // Reads what is there.
  Progress advance();
  // The head did not come in time: a refusal where something had come, else nothing.
  Progress expire();

  int descriptor() const { return transport_->descriptor(); }
  Time opened() const { return opened_; }
  Time head_deadline() const { return opened_ + limits_.read_timeout; }
  const std::string& peer() const { return peer_; }
  const std::optional<Refusal>& refusal() const { return refusal_; }

  // For the worker: the head, piece by piece, then nothing; the body is asked for on its own.
  std::size_t take_head(char* target, std::size_t size);
  // The whole body of `size` bytes; nullopt when it does not come in time.
  std::optional<std::string> read_body(std::size_t size);
  bool write(std::string_view bytes);
  void restart_write_deadline() { write_deadline_ = Time(); }
  // Whether the peer still holds the connection; does not block.
  bool peer_is_there();
  // Ends the answer and waits a moment for the peer to have read it: closing a socket with unread input makes the kernel reset the
  // connection, and the client would lose our answer.
  void say_farewell();

 private:
  bool wait_for(IoState state, Time deadline) const;

  const std::unique_ptr<Transport> transport_;
  const std::string peer_;
  const int stop_fd_;
  const ConnectionLimits& limits_;
  const Time opened_;
  Time write_deadline_{};
  std::string input_;  // the head and what came with it
  std::size_t head_size_ = 0, consumed_ = 0;
  std::optional<Refusal> refusal_;
};

}  // namespace sluice::admin
