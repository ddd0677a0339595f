#include "tests/support/tcp_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

namespace sluice::test {

namespace {

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

int port_in(const std::string& url) {
  const std::string host = "127.0.0.1:";
  return std::stoi(url.substr(url.find(host) + host.size()));
}

// False at the end of either side.
bool pass_on(int from, int to) {
  std::array<char, 65536> buffer;
  const ssize_t got = ::read(from, buffer.data(), buffer.size());
  if (got <= 0) return false;
  for (ssize_t sent = 0; sent < got;) {
    const ssize_t now = ::send(to, buffer.data() + sent, static_cast<std::size_t>(got - sent), MSG_NOSIGNAL);
    if (now <= 0) return false;
    sent += now;
  }
  return true;
}

}  // namespace

TcpProxy::TcpProxy(const std::string& target) : target_port_(port_in(target)), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
  sockaddr_in address = loopback(0);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t length = sizeof address;
  if (::bind(listener_, generic, length) != 0 || ::listen(listener_, 16) != 0 || ::getsockname(listener_, generic, &length) != 0)
    throw std::runtime_error("proxy: cannot listen");
  port_ = ntohs(address.sin_port);
  thread_ = std::jthread([this](std::stop_token stop) { run(std::move(stop)); });
}

TcpProxy::~TcpProxy() {
  thread_.request_stop();
  thread_.join();
  for (const Link& link : links_) {
    ::close(link.client);
    ::close(link.server);
  }
  ::close(listener_);
}

std::string TcpProxy::through(const std::string& url) const {
  const std::string from = "127.0.0.1:" + std::to_string(target_port_);
  std::string result = url;
  return result.replace(result.find(from), from.size(), "127.0.0.1:" + std::to_string(port_));
}

void TcpProxy::thaw() {
  const std::lock_guard lock(mutex_);
  for (Link& link : links_) link.dead = true;
  frozen_ = false;
}

void TcpProxy::accept_one() {
  const int client = ::accept(listener_, nullptr, nullptr);
  const int server = ::socket(AF_INET, SOCK_STREAM, 0);
  const sockaddr_in address = loopback(target_port_);
  if (client < 0 || ::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ::close(client);
    ::close(server);
    return;
  }
  ++accepted_;
  const std::lock_guard lock(mutex_);
  links_.push_back({client, server, false});
}

void TcpProxy::relay(Link& link, bool client_readable, bool server_readable) {
  const bool good = (!client_readable || pass_on(link.client, link.server)) && (!server_readable || pass_on(link.server, link.client));
  if (good) return;
  link.dead = true;
  ::shutdown(link.client, SHUT_RDWR);
  ::shutdown(link.server, SHUT_RDWR);
}

void TcpProxy::run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    std::vector<pollfd> polled{{listener_, static_cast<short>(frozen_ ? 0 : POLLIN), 0}};
    std::vector<std::size_t> of;
    {
      const std::lock_guard lock(mutex_);
      for (std::size_t i = 0; i < links_.size(); ++i) {
        if (links_[i].dead || frozen_) continue;
        polled.push_back({links_[i].client, POLLIN, 0});
        polled.push_back({links_[i].server, POLLIN, 0});
        of.push_back(i);
      }
    }
    ::poll(polled.data(), polled.size(), 10);
    if (frozen_) continue;
    if (polled[0].revents != 0) accept_one();
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < of.size(); ++i) {
      Link& link = links_[of[i]];
      if (!link.dead) relay(link, polled[1 + 2 * i].revents != 0, polled[2 + 2 * i].revents != 0);
    }
  }
}

}  // namespace sluice::test
