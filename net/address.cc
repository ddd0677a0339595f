#include "net/address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

#include "net/http_message.h"

namespace sluice::net {

namespace {

using AddressList = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

bool is_loopback(const std::string& host) {
  in_addr four{};
  in6_addr six{};
  if (::inet_pton(AF_INET, host.c_str(), &four) == 1) return (ntohl(four.s_addr) >> 24U) == 127;
  if (::inet_pton(AF_INET6, host.c_str(), &six) == 1) return IN6_IS_ADDR_LOOPBACK(&six) != 0;
  return equal_ignoring_case(host, "localhost");
}

bool is_link_local_v4(std::uint32_t host_order) { return (host_order >> 16U) == 0xa9fe; }

std::string text_of(std::string_view bytes) {
  std::array<char, 64> text{};
  sockaddr_storage storage{};
  std::memcpy(&storage, bytes.data(), std::min(bytes.size(), sizeof(storage)));
  const auto* address = reinterpret_cast<const sockaddr*>(&storage);  // NOLINT: the socket API
  if (::getnameinfo(address, static_cast<socklen_t>(bytes.size()), text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) != 0) return "?";
  return text.data();
}

Error listen_error(const ListenAddress& address, int reason) {
  const bool taken = reason == EADDRINUSE;
  std::string message = "listen on " + address.host + ":" + std::to_string(address.port) + ": " + std::strerror(reason);
  if (taken) message += "; another process has this port: stop it, or give another one as listen";
  if (reason == EACCES) message += "; ports below 1024 need CAP_NET_BIND_SERVICE";
  return {taken ? ErrorKind::kTransient : ErrorKind::kFatal, "listen_failed", std::move(message)};
}

}  // namespace

bool is_link_local(std::string_view bytes) {
  sockaddr_storage storage{};
  std::memcpy(&storage, bytes.data(), std::min(bytes.size(), sizeof(storage)));
  if (storage.ss_family == AF_INET) {
    sockaddr_in four{};
    std::memcpy(&four, &storage, sizeof(four));
    return is_link_local_v4(ntohl(four.sin_addr.s_addr));
  }
  if (storage.ss_family != AF_INET6) return false;
  sockaddr_in6 six{};
  std::memcpy(&six, &storage, sizeof(six));
  const std::uint8_t* b = six.sin6_addr.s6_addr;
  static constexpr std::array<std::uint8_t, 16> kMetadata = {0xfd, 0, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54};
  if (std::memcmp(b, kMetadata.data(), kMetadata.size()) == 0) return true;
  static constexpr std::array<std::uint8_t, 12> kNat64 = {0, 0x64, 0xff, 0x9b};  // RFC 6052 section 2.1
  const bool holds_v4 =
      IN6_IS_ADDR_V4MAPPED(&six.sin6_addr) || IN6_IS_ADDR_V4COMPAT(&six.sin6_addr) || std::memcmp(b, kNat64.data(), 12) == 0;
  if (holds_v4) return b[12] == 169 && b[13] == 254;
  return IN6_IS_ADDR_LINKLOCAL(&six.sin6_addr);
}

Result<ListenAddress> parse_listen_address(std::string_view text) {
  const Error bad(ErrorKind::kInvalidConfig, "bad_value",
                  "\"" + std::string(text) + "\" is no address to listen on, such as 127.0.0.1:8080 or [::1]:8080");
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

Result<Descriptor> listen_on(const ListenAddress& address, int backlog) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const int problem = ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (problem != 0) return Error(ErrorKind::kFatal, "listen_failed", "listen on " + address.host + ": " + ::gai_strerror(problem));
  const AddressList addresses(found, &::freeaddrinfo);
  int reason = EADDRNOTAVAIL;
  for (const addrinfo* candidate = found; candidate != nullptr; candidate = candidate->ai_next) {
    Descriptor fd(::socket(candidate->ai_family, candidate->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, candidate->ai_protocol));
    // A restart must not wait for old connections to time out; unlike SO_REUSEPORT this admits no second daemon.
    const int on = 1;
    if (fd) ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (fd && ::bind(fd.get(), candidate->ai_addr, candidate->ai_addrlen) == 0 && ::listen(fd.get(), backlog) == 0) return fd;
    reason = errno;
  }
  return listen_error(address, reason);
}

std::uint16_t port_of(const Descriptor& socket) {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&storage), &size) != 0) return 0;               // NOLINT: the socket API
  if (storage.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(storage).sin6_port);  // NOLINT
  return ntohs(reinterpret_cast<const sockaddr_in&>(storage).sin_port);                                       // NOLINT
}

Result<std::vector<SocketAddress>> resolve(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int problem = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (problem != 0) return Error(ErrorKind::kTransient, "http_unreachable", "the name " + host + ": " + ::gai_strerror(problem));
  const AddressList addresses(found, &::freeaddrinfo);
  std::vector<SocketAddress> result;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    SocketAddress address;
    address.bytes.assign(reinterpret_cast<const char*>(entry->ai_addr), entry->ai_addrlen);  // NOLINT: the socket API
    address.text = text_of(address.bytes);
    address.link_local = is_link_local(address.bytes);
    result.push_back(std::move(address));
  }
  return result;
}

}  // namespace sluice::net
