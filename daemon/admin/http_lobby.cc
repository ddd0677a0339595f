#include "daemon/admin/http_lobby.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace sluice::admin {

namespace {

using Progress = HttpConnection::Progress;

// Without a free descriptor a connection stays in the backlog and poll() would return at once.
constexpr std::chrono::milliseconds kWithoutDescriptors{200};

std::string peer_text(const sockaddr_storage& peer) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (peer.ss_family == AF_INET6) {
    const auto& six = reinterpret_cast<const sockaddr_in6&>(peer);  // NOLINT: the socket API
    if (::inet_ntop(AF_INET6, &six.sin6_addr, text.data(), text.size()) == nullptr) return "unknown";
    return "[" + std::string(text.data()) + "]:" + std::to_string(ntohs(six.sin6_port));
  }
  const auto& four = reinterpret_cast<const sockaddr_in&>(peer);  // NOLINT
  if (::inet_ntop(AF_INET, &four.sin_addr, text.data(), text.size()) == nullptr) return "unknown";
  return std::string(text.data()) + ":" + std::to_string(ntohs(four.sin_port));
}

}  // namespace

HttpLobby::HttpLobby(const Options& options, Descriptor listener, int stop_fd, const TransportFactory& transports)
    : options_(options), listener_(std::move(listener)), stop_fd_(stop_fd), transports_(transports), thread_([this] { watch(); }) {}

HttpLobby::~HttpLobby() = default;

std::unique_ptr<HttpConnection> HttpLobby::next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return ended_ || !ready_.empty(); });
  if (ended_) return nullptr;
  auto connection = std::move(ready_.front());
  ready_.pop_front();
  return connection;
}

void HttpLobby::watch() {
  while (wait_once()) {
  }
  guests_.clear();
  const std::lock_guard lock(mutex_);
  ended_ = true;
  ready_.clear();
  changed_.notify_all();
}

bool HttpLobby::wait_once() {
  std::vector<pollfd> watched{{stop_fd_, POLLIN, 0}, {out_of_descriptors_ ? -1 : listener_.get(), POLLIN, 0}};
  for (const Guest& guest : guests_) {
    const short events = guest.waits_for == Progress::kWaitWrite ? POLLOUT : POLLIN;
    watched.push_back({guest.connection->descriptor(), events, 0});
  }
  auto now = std::chrono::steady_clock::now();
  std::chrono::milliseconds limit{-1};
  if (!guests_.empty()) {
    limit = std::max(std::chrono::milliseconds(0),
                     std::chrono::ceil<std::chrono::milliseconds>(guests_.front().connection->head_deadline() - now));
  }
  if (out_of_descriptors_) limit = limit.count() < 0 ? kWithoutDescriptors : std::min(limit, kWithoutDescriptors);
  if (::poll(watched.data(), watched.size(), static_cast<int>(limit.count())) < 0) return true;  // EINTR
  if (watched[0].revents != 0) return false;
  now = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < guests_.size(); ++i) look_at(guests_[i], watched[i + 2].revents != 0, now);
  std::erase_if(guests_, [](const Guest& guest) { return !guest.connection; });
  if (watched[1].revents != 0 || out_of_descriptors_) accept_all();
  return true;
}

void HttpLobby::look_at(Guest& guest, bool ready, HttpConnection::Time now) {
  if (ready) {
    guest.waits_for = guest.connection->advance();
  } else if (now >= guest.connection->head_deadline()) {
    guest.waits_for = guest.connection->expire();
  }
  const bool waits = guest.waits_for == Progress::kWaitRead || guest.waits_for == Progress::kWaitWrite;
  if (waits && now < guest.connection->head_deadline()) return;
  if (waits) guest.waits_for = guest.connection->expire();  // bytes that trickle win no time
  auto connection = std::move(guest.connection);
  if (guest.waits_for == Progress::kComplete) hand_over(std::move(connection));
}

void HttpLobby::accept_all() {
  out_of_descriptors_ = false;
  while (true) {
    sockaddr_storage peer{};
    socklen_t size = sizeof(peer);
    Descriptor accepted(::accept4(listener_.get(), reinterpret_cast<sockaddr*>(&peer), &size, SOCK_CLOEXEC | SOCK_NONBLOCK));  // NOLINT
    if (!accepted.open()) {
      out_of_descriptors_ = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
      return;
    }
    if (guests_.size() >= options_.waiting) guests_.erase(guests_.begin());
    auto connection = std::make_unique<HttpConnection>(transports_.wrap(std::move(accepted)), peer_text(peer), stop_fd_, options_.limits);
    guests_.push_back({std::move(connection), Progress::kWaitRead});
  }
}

void HttpLobby::hand_over(std::unique_ptr<HttpConnection> connection) {
  const std::lock_guard lock(mutex_);
  if (ready_.size() >= options_.ready) return;  // every worker is busy and many wait: this one is closed unanswered
  ready_.push_back(std::move(connection));
  changed_.notify_one();
}

}  // namespace sluice::admin
