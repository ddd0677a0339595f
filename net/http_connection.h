#pragma once
// One client of HttpServer: its state, what has come and what is to be sent.  The server's thread only.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "net/http_server.h"

namespace sluice::net {

class HttpConnection {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // What the connection is doing.
  enum class Phase : std::uint8_t { kHandshake, kHead, kBody, kWaiting, kWriting, kFarewell, kGone };
  // What moved it on.
  enum class Event : std::uint8_t { kNothing, kHead, kRequest };

  HttpConnection(std::uint64_t id, Channel channel, const HttpServer::Options& options, Time now);

  // Reads and writes as far as the socket lets it.  kHead: head() is to be admitted or refused, then call again.  kRequest: take_request().
  Event advance(Time now);

  const RequestHead& head() const { return head_; }
  void admit(Time now, std::uint64_t bytes_of_all);                // reads the body
  void claim_from(ByteClaim claim) { claim_ = std::move(claim); }  // of the next body
  ServerRequest take_request(Time now);

  // Puts an answer in line.  Its request is answered then.
  void answer(const ServerAnswer& answer, Time now);
  // Answers before the body was read: the connection ends behind it.
  void refuse(ServerAnswer answer, Time now);

  // The message cannot be read on: says why, and the connection ends behind that.
  void give_up(const MessageFault& fault, Time now);

  // Past a deadline: a request that waits for its answer is late(); anything else ends.
  bool is_late(Time now) const { return phase_ == Phase::kWaiting && now >= deadline_; }
  bool is_overdue(Time now) const { return phase_ != Phase::kWaiting && now >= deadline_; }
  // A request that was begun and not finished in time is told so.
  bool is_inside_request() const { return phase_ == Phase::kBody || (phase_ == Phase::kHead && !input_.empty()); }

  Phase phase() const { return phase_; }
  void end() { phase_ = Phase::kGone; }
  bool waits_for(std::uint64_t request) const { return phase_ == Phase::kWaiting && request == request_; }
  bool is_idle() const { return phase_ == Phase::kHead && input_.empty(); }
  std::uint64_t id() const { return id_; }
  std::uint64_t request() const { return request_; }
  int fd() const { return channel_.fd(); }
  std::uint32_t interest() const;  // epoll events
  std::optional<int> take_sent_status() { return std::exchange(sent_status_, std::nullopt); }

 private:
  bool shake_hands();
  bool fill();   // reads once; false: nothing more now
  bool flush();  // false: it cannot all be sent now
  Event parse_head(Time now);
  Event parse_body();
  void next_request(Time now);
  void note(Channel::Io outcome);

  const std::uint64_t id_;
  const HttpServer::Options& options_;
  Channel channel_;
  Phase phase_;
  ByteClaim claim_;
  std::uint64_t max_claim_ = 0;
  Time deadline_;
  std::uint64_t request_ = 0;
  std::string input_, body_, output_;
  std::size_t sent_ = 0;
  RequestHead head_;
  BodyReader reader_;
  bool close_ = false;
  bool wants_write_ = false, wants_read_ = true;
  std::size_t thrown_away_ = 0;  // unread input while saying farewell
  std::optional<int> sent_status_;
};

}  // namespace sluice::net
