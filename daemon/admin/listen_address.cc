#include "daemon/admin/listen_address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

#include "daemon/admin/http_request_head.h"

namespace sluice::admin {

namespace {

constexpr int kBacklog = 64;  // connections that wait in the kernel

Error listen_error(const ListenAddress& address, std::string_view why) {
  return {ErrorKind::kFatal, "listen_failed", "listen on " + address.host + ":" + std::to_string(address.port) + ": " + std::string(why)};
}

bool is_loopback(const std::string& host) {
  in_addr four{};
  in6_addr six{};
  if (::inet_pton(AF_INET, host.c_str(), &four) == 1) return (ntohl(four.s_addr) >> 24U) == 127;
  if (::inet_pton(AF_INET6, host.c_str(), &six) == 1) return IN6_IS_ADDR_LOOPBACK(&six) != 0;
  return equal_ignoring_case(host, "localhost");
}

}  // namespace

Result<ListenAddress> parse_listen_address(std::string_view text) {
  const Error bad(ErrorKind::kInvalidConfig, "bad_value",
                  "\"" + std::string(text) + "\" is no address to listen on, such as 127.0.0.1:7600 or [::1]:7600");
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad;
  ListenAddress address;
  const std::string_view port = text.substr(colon + 1);
  const auto [end, problem] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (port.empty() || problem != std::errc() || end != port.data() + port.size()) return bad;
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (host.empty() || host.find_first_of("[]/ ") != std::string_view::npos || (host.find(':') != std::string_view::npos) != bracketed)
    return bad;
  address.host = host;
  address.loopback = is_loopback(address.host);
  return address;
}

Result<Descriptor> open_listener(const ListenAddress& address) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const int problem = ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (problem != 0) return listen_error(address, ::gai_strerror(problem));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
  int reason = EADDRNOTAVAIL;
  for (const addrinfo* candidate = found; candidate != nullptr; candidate = candidate->ai_next) {
    Descriptor fd(::socket(candidate->ai_family, candidate->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, candidate->ai_protocol));
    // A restart must not wait for old connections to time out; unlike SO_REUSEPORT this admits no second daemon.
    const int on = 1;
    if (fd.open()) ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (fd.open() && ::bind(fd.get(), candidate->ai_addr, candidate->ai_addrlen) == 0 && ::listen(fd.get(), kBacklog) == 0) return fd;
    reason = errno;
  }
  return listen_error(address, std::strerror(reason));
}

std::uint16_t port_of(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return 0;                         // NOLINT: the socket API
  if (storage.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(storage).sin6_port);  // NOLINT
  return ntohs(reinterpret_cast<const sockaddr_in&>(storage).sin_port);                                       // NOLINT
}

}  // namespace sluice::admin
