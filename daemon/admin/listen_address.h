#pragma once
// Where to listen: parsing, and the socket.

#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.h"
#include "daemon/admin/descriptor.h"

namespace sluice::admin {

struct ListenAddress {
  std::string host;  // name or number, IPv6 without brackets
  std::uint16_t port = 0;
  bool loopback = false;  // 127.0.0.0/8, ::1 or localhost
};

// "127.0.0.1:7600", "[::1]:0", "localhost:7600".  kInvalidConfig bad_value.
Result<ListenAddress> parse_listen_address(std::string_view text);

// A socket that listens there, not blocking.  kFatal listen_failed with the system's reason.
Result<Descriptor> open_listener(const ListenAddress& address);

// The port that a listening socket has, also when 0 was asked for.
std::uint16_t port_of(int fd);

}  // namespace sluice::admin
