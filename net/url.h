#pragma once
// Addresses of HTTP servers (RFC 3986, http and https only).

#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.h"

namespace sluice::net {

struct Url {
  bool tls = false;
  std::string host;  // name or number; IPv6 without brackets
  std::uint16_t port = 0;
  std::string target;  // path and query, "/" at least

  std::string origin() const;     // "https://host:port", the port only where it is not the usual one
  std::string authority() const;  // what the Host header says
};

// kBadRecord bad_url: other schemes, user names and passwords in it, control characters, spaces.  A fragment is left out.
Result<Url> parse_url(std::string_view text);

// What a link ("/next", "?page=2", "https://...") means beside the address it was found at.
Result<Url> resolve_link(const Url& base, std::string_view link);

// True where the path has a segment . or .., which servers take as another path.
bool has_dot_segments(std::string_view target);

// All but the unreserved characters of RFC 3986 as %XX.
std::string percent_encode(std::string_view text);
// `name`=`value` behind the target's query, in place of an earlier one of that name.
void set_query_parameter(std::string& target, std::string_view name, std::string_view value);

}  // namespace sluice::net
