#pragma once
// Socket addresses: what to listen on, and which hosts may be connected to.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "net/descriptor.h"

namespace sluice::net {

struct ListenAddress {
  std::string host;  // name or number, IPv6 without brackets
  std::uint16_t port = 0;
  bool loopback = false;  // 127.0.0.0/8, ::1 or localhost
};

// "127.0.0.1:8080", "[::1]:0", "0.0.0.0:80".  kInvalidConfig bad_value.
Result<ListenAddress> parse_listen_address(std::string_view text);

// A socket that listens.  kTransient listen_failed while another process has the port, kFatal where the address is none of ours or
// not allowed.
Result<Descriptor> listen_on(const ListenAddress& address, int backlog);
std::uint16_t port_of(const Descriptor& socket);

// The bytes of a sockaddr.
struct SocketAddress {
  std::string bytes;
  std::string text;  // "127.0.0.1"
  bool link_local = false;
};

// Addresses of a host, in the resolver's order.  Asks the resolver, which may take its own time-outs.  kTransient http_unreachable.
Result<std::vector<SocketAddress>> resolve(const std::string& host, std::uint16_t port);

// Addresses that a cloud's metadata service answers on and that no server of a user has: 169.254/16, fe80::/10, fd00:ec2::254, also as
// IPv4 inside IPv6.  `bytes` is a sockaddr.
bool is_link_local(std::string_view bytes);

}  // namespace sluice::net
