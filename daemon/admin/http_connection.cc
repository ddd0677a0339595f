#include "daemon/admin/http_connection.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace sluice::admin {

namespace {

constexpr std::chrono::milliseconds kFarewell{200};  // for the client to read our answer before the socket goes
constexpr std::size_t kFarewellBytes = 64 * 1024;    // unread input that is read and thrown away meanwhile
constexpr std::string_view kHeadEnd = "\r\n\r\n";

}  // namespace

HttpConnection::HttpConnection(std::unique_ptr<Transport> transport, std::string peer, int stop_fd, const ConnectionLimits& limits)
    : transport_(std::move(transport)),
      peer_(std::move(peer)),
      stop_fd_(stop_fd),
      limits_(limits),
      opened_(std::chrono::steady_clock::now()) {}

HttpConnection::Progress HttpConnection::advance() {
  std::array<char, 4096> chunk{};
  while (true) {
    const IoResult got = transport_->receive(chunk.data(), chunk.size());
    if (got.state == IoState::kWaitRead) return Progress::kWaitRead;
    if (got.state == IoState::kWaitWrite) return Progress::kWaitWrite;
    if (got.state != IoState::kDone) return Progress::kGone;
    // The end may stand across two pieces.
    const std::size_t begin = input_.size() < kHeadEnd.size() ? 0 : input_.size() - kHeadEnd.size();
    input_.append(chunk.data(), got.bytes);
    const std::size_t end = input_.find(kHeadEnd, begin);
    if (end != std::string::npos) {
      std::string head = input_.substr(0, end + kHeadEnd.size());
      refusal_ = check_head(head, limits_.head);
      std::copy(head.begin(), head.end(), input_.begin());
      head_size_ = head.size();
      return Progress::kComplete;
    }
    if (input_.size() > limits_.head.head) {
      refusal_ = refuse_long_head(input_, limits_.head);
      return Progress::kComplete;
    }
  }
}

HttpConnection::Progress HttpConnection::expire() {
  if (input_.empty()) return Progress::kGone;
  refusal_ = Refusal{408, "request_timeout", "the request did not come to its end in time"};
  return Progress::kComplete;
}

bool HttpConnection::wait_for(IoState state, Time deadline) const {
  const short events = state == IoState::kWaitWrite ? POLLOUT : POLLIN;
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    if (left <= 0) return false;
    std::array<pollfd, 2> waiting{pollfd{transport_->descriptor(), events, 0}, pollfd{stop_fd_, POLLIN, 0}};
    const int ready = ::poll(waiting.data(), waiting.size(), static_cast<int>(left));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0 || waiting[1].revents != 0) return false;
    return (waiting[0].revents & (events | POLLHUP | POLLERR)) != 0;
  }
}

std::size_t HttpConnection::take_head(char* target, std::size_t size) {
  const std::size_t count = std::min(size, head_size_ - consumed_);
  std::memcpy(target, input_.data() + consumed_, count);
  consumed_ += count;
  return count;
}

std::optional<std::string> HttpConnection::read_body(std::size_t size) {
  std::string body = input_.substr(head_size_, size);
  input_.resize(head_size_);
  const Time deadline = std::chrono::steady_clock::now() + limits_.read_timeout;
  std::array<char, 16384> chunk{};
  while (body.size() < size) {
    const IoResult got = transport_->receive(chunk.data(), std::min(chunk.size(), size - body.size()));
    if (got.state == IoState::kDone) {
      body.append(chunk.data(), got.bytes);
    } else if (got.state == IoState::kEnd || got.state == IoState::kFailed || !wait_for(got.state, deadline)) {
      return std::nullopt;
    }
  }
  return body;
}

bool HttpConnection::write(std::string_view bytes) {
  if (write_deadline_ == Time()) write_deadline_ = std::chrono::steady_clock::now() + limits_.write_timeout;
  while (!bytes.empty()) {
    const IoResult sent = transport_->send(bytes.data(), bytes.size());
    if (sent.state == IoState::kDone) {
      bytes.remove_prefix(sent.bytes);
    } else if (sent.state == IoState::kEnd || sent.state == IoState::kFailed || !wait_for(sent.state, write_deadline_)) {
      return false;
    }
  }
  return true;
}

bool HttpConnection::peer_is_there() {
  std::array<pollfd, 2> waiting{pollfd{transport_->descriptor(), POLLIN, 0}, pollfd{stop_fd_, POLLIN, 0}};
  if (::poll(waiting.data(), waiting.size(), 0) < 0) return errno == EINTR;
  if (waiting[1].revents != 0 || (waiting[0].revents & (POLLHUP | POLLERR)) != 0) return false;
  if (waiting[0].revents == 0) return true;
  // Whatever is sent after the request is ignored; the end is what matters.
  std::array<char, 1024> ignored{};
  const IoResult got = transport_->receive(ignored.data(), ignored.size());
  return got.state != IoState::kEnd && got.state != IoState::kFailed;
}

void HttpConnection::say_farewell() {
  transport_->end_sending();
  const Time deadline = std::chrono::steady_clock::now() + kFarewell;
  std::array<char, 4096> ignored{};
  for (std::size_t total = 0; total < kFarewellBytes;) {
    const IoResult got = transport_->receive(ignored.data(), ignored.size());
    if (got.state == IoState::kDone) {
      total += got.bytes;
    } else if (got.state == IoState::kEnd || got.state == IoState::kFailed || !wait_for(got.state, deadline)) {
      return;
    }
  }
}

}  // namespace sluice::admin
