#pragma once
// What is checked of an HTTP request's head before a library looks at it: sizes, counts and the few headers that decide how much more
// would be read.  Pure text; any thread.  RFC 9112 sections 2-6, RFC 6585 section 5 (431).

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::admin {

struct HeadLimits {
  std::size_t head = 16 * 1024;         // bytes of request line and headers together
  std::size_t request_line = 4 * 1024;  // bytes; no address of ours is longer than 200
  std::size_t headers = 64;
  std::size_t body = 1024 * 1024;  // bytes
};

// A response that says why a request was refused: {"error":{"code","message"}}.
struct Refusal {
  int status = 400;
  std::string_view code;     // static storage
  std::string_view message;  // static storage; names nothing that the client sent
};

// `head` ends with its empty line.  nullopt: the request may be read on.  A Range header is made unreadable in place: we serve no
// ranges, and the library matches that header with a backtracking expression.
std::optional<Refusal> check_head(std::string& head, const HeadLimits& limits);

// The refusal for a head that is too long to be read to its end: `begin` is what has come.
Refusal refuse_long_head(std::string_view begin, const HeadLimits& limits);

bool equal_ignoring_case(std::string_view a, std::string_view b);

}  // namespace sluice::admin
