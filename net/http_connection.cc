#include "net/http_connection.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>

namespace sluice::net {

namespace {

constexpr std::size_t kReadBytes = 64 * 1024;
// Closing a socket with unread input makes the kernel reset the connection, and the client would lose our answer.
constexpr std::chrono::milliseconds kFarewell{2000};
constexpr std::size_t kFarewellBytes = 64UL * 1024 * 1024;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

void append_answer(const ServerAnswer& answer, bool keep_alive, bool with_body, std::string& out) {
  out += "HTTP/1.1 " + std::to_string(answer.status) + " " + std::string(reason_phrase(answer.status)) + "\r\n";
  if (!answer.body.empty()) out += "Content-Type: " + answer.content_type + "\r\n";
  for (const auto& [name, value] : answer.headers) out += name + ": " + value + "\r\n";
  out += "Content-Length: " + std::to_string(answer.body.size()) + "\r\n";
  if (!keep_alive) out += "Connection: close\r\n";
  out += "\r\n";
  if (with_body) out += answer.body;
}

}  // namespace

HttpConnection::HttpConnection(std::uint64_t id, Channel channel, const HttpServer::Options& options, Time now)
    : id_(id),
      options_(options),
      channel_(std::move(channel)),
      phase_(options.tls ? Phase::kHandshake : Phase::kHead),
      deadline_(now + options.read_timeout) {}

void HttpConnection::note(Channel::Io outcome) {
  wants_read_ = outcome == Channel::Io::kWantRead;
  wants_write_ = outcome == Channel::Io::kWantWrite;
  if (outcome == Channel::Io::kClosed || outcome == Channel::Io::kFailed) end();
}

std::uint32_t HttpConnection::interest() const {
  if (phase_ == Phase::kWaiting) return 0;  // only that it is gone
  return (wants_read_ ? static_cast<std::uint32_t>(EPOLLIN) : 0U) | (wants_write_ ? static_cast<std::uint32_t>(EPOLLOUT) : 0U);
}

bool HttpConnection::shake_hands() {
  const Channel::Io outcome = channel_.handshake();
  if (outcome != Channel::Io::kDone) return note(outcome), false;
  phase_ = Phase::kHead;
  return true;
}

bool HttpConnection::fill() {
  std::array<char, kReadBytes> chunk;  // NOLINT: filled by read()
  std::size_t got = 0;
  const Channel::Io outcome = channel_.read(chunk.data(), chunk.size(), got);
  if (outcome != Channel::Io::kDone) return note(outcome), false;
  if (phase_ == Phase::kFarewell) {
    thrown_away_ += got;
    if (thrown_away_ > kFarewellBytes) end();
  } else {
    input_.append(chunk.data(), got);
  }
  return phase_ != Phase::kGone;
}

bool HttpConnection::flush() {
  while (sent_ < output_.size()) {
    std::size_t count = 0;
    const Channel::Io outcome = channel_.write(std::string_view(output_).substr(sent_), count);
    sent_ += count;
    if (outcome != Channel::Io::kDone) return note(outcome), false;
  }
  output_.clear();
  sent_ = 0;
  return true;
}

HttpConnection::Event HttpConnection::advance(Time now) {
  while (phase_ != Phase::kGone) {
    switch (phase_) {
      case Phase::kHandshake:
        if (!shake_hands()) return Event::kNothing;
        break;
      case Phase::kHead: {
        const bool fresh = input_.empty();
        if (const Event event = parse_head(now); event != Event::kNothing || phase_ != Phase::kHead) {
          if (event != Event::kNothing) return event;
          break;
        }
        if (!fill()) return Event::kNothing;
        if (fresh) deadline_ = now + options_.read_timeout;
        break;
      }
      case Phase::kBody:
        if (!flush()) return Event::kNothing;  // 100 Continue
        if (const Event event = parse_body(); event != Event::kNothing) return event;
        if (phase_ == Phase::kBody && !fill()) return Event::kNothing;
        break;
      case Phase::kWaiting: return Event::kNothing;
      case Phase::kWriting:
        if (!flush()) return Event::kNothing;
        next_request(now);
        break;
      case Phase::kFarewell:
        if (!fill()) return Event::kNothing;
        break;
      case Phase::kGone: break;
    }
  }
  return Event::kNothing;
}

void HttpConnection::next_request(Time now) {
  if (close_) {
    channel_.shut_down();
    phase_ = Phase::kFarewell;
    deadline_ = now + kFarewell;
    input_.clear();
    return;
  }
  phase_ = Phase::kHead;
  deadline_ = now + options_.read_timeout;
}

HttpConnection::Event HttpConnection::parse_head(Time now) {
  while (input_.starts_with("\r\n")) input_.erase(0, 2);  // RFC 9112 section 2.2
  const std::size_t length = head_length(input_);
  if (length == 0) {
    if (input_.size() > options_.head.bytes) give_up({431, "head_too_large", "the request's head is too large"}, now);
    return Event::kNothing;
  }
  head_ = {};
  ++request_;
  const auto wrong = parse_request_head(std::string_view(input_).substr(0, length), options_.head, head_);
  input_.erase(0, length);
  if (wrong) return give_up(*wrong, now), Event::kNothing;
  return Event::kHead;
}

void HttpConnection::admit(Time now, std::uint64_t bytes_of_all) {
  if (const auto wrong = BodyReader::for_request(head_.headers, options_.max_body, reader_)) return give_up(*wrong, now);
  const std::uint64_t room = options_.max_bytes - std::min(bytes_of_all, options_.max_bytes);
  const std::uint64_t length = reader_.length().value_or(0);
  if (length > room) return refuse(options_.full, now);
  max_claim_ = room;
  claim_.resize(length);
  body_.clear();
  body_.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(length, 1024UL * 1024)));
  phase_ = Phase::kBody;
  const bool more = reader_.state() == BodyReader::State::kMore;
  if (more && equal_ignoring_case(head_.headers.find("Expect"), "100-continue")) output_ += kContinue;
}

HttpConnection::Event HttpConnection::parse_body() {
  std::size_t used = 0;
  const auto state = reader_.feed(input_, body_, used);
  input_.erase(0, used);
  if (state == BodyReader::State::kFault) return give_up(reader_.fault(), std::chrono::steady_clock::now()), Event::kNothing;
  if (body_.size() > claim_.bytes()) {
    if (body_.size() > max_claim_) return refuse(options_.full, std::chrono::steady_clock::now()), Event::kNothing;
    claim_.resize(body_.size());
  }
  return state == BodyReader::State::kDone ? Event::kRequest : Event::kNothing;
}

ServerRequest HttpConnection::take_request(Time now) {
  phase_ = Phase::kWaiting;
  deadline_ = now + options_.answer_timeout;
  return {{id_, request_}, head_, std::move(body_), std::exchange(claim_, ByteClaim())};
}

void HttpConnection::answer(const ServerAnswer& answer, Time now) {
  close_ = close_ || answer.close || !head_.keep_alive;
  append_answer(answer, !close_, head_.method != "HEAD", output_);
  sent_status_ = answer.status;
  phase_ = Phase::kWriting;
  deadline_ = now + options_.write_timeout;
}

void HttpConnection::refuse(ServerAnswer refusal, Time now) {
  // A request without a body leaves the connection where the next request begins.
  const bool whole = BodyReader::for_request(head_.headers, options_.max_body, reader_) == std::nullopt &&
                     reader_.state() == BodyReader::State::kDone && phase_ == Phase::kHead;
  refusal.close = refusal.close || !whole;
  claim_.resize(0);
  body_.clear();
  answer(refusal, now);
}

void HttpConnection::give_up(const MessageFault& fault, Time now) {
  close_ = true;
  claim_.resize(0);
  answer(options_.refusal(fault), now);
}

}  // namespace sluice::net
