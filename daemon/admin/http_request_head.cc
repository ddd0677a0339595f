#include "daemon/admin/http_request_head.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace sluice::admin {

namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr Refusal kMalformed{400, "bad_request", "the request is not well-formed HTTP/1.1"};
constexpr Refusal kTooManyHeaders{431, "headers_too_large", "the request has too many headers, or they are too long"};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool is_token(char c) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || kMarks.find(c) != std::string_view::npos;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Control characters have no place in a head, a line feed or carriage return only together.
bool has_stray_control(std::string_view line) {
  return std::any_of(line.begin(), line.end(), [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; });
}

struct Seen {
  std::size_t headers = 0, hosts = 0, lengths = 0;
};

std::optional<Refusal> check_header(std::string_view name, std::string_view value, const HeadLimits& limits, Seen& seen) {
  if (name.empty() || !std::all_of(name.begin(), name.end(), is_token)) return kMalformed;
  if (++seen.headers > limits.headers) return kTooManyHeaders;
  if (equal_ignoring_case(name, "host")) ++seen.hosts;
  if (equal_ignoring_case(name, "transfer-encoding")) return Refusal{411, "length_required", "send the body with a Content-Length"};
  if (equal_ignoring_case(name, "content-encoding"))
    return Refusal{415, "unsupported_encoding", "send the body without a Content-Encoding"};
  if (!equal_ignoring_case(name, "content-length")) return std::nullopt;
  std::uint64_t length = 0;
  const auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), length);
  if (++seen.lengths > 1 || value.empty() || end != value.data() + value.size() || problem == std::errc::invalid_argument)
    return kMalformed;
  if (problem != std::errc() || length > limits.body) return Refusal{413, "body_too_large", "the body is too long"};
  return std::nullopt;
}

}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

Refusal refuse_long_head(std::string_view begin, const HeadLimits& limits) {
  const std::size_t line = begin.find(kLineEnd);
  if (line == std::string_view::npos || line > limits.request_line) return {414, "uri_too_long", "the address is too long"};
  return kTooManyHeaders;
}

std::optional<Refusal> check_head(std::string& head, const HeadLimits& limits) {
  const std::string_view text = head;
  const std::size_t first_end = text.find(kLineEnd);
  if (first_end == std::string_view::npos) return kMalformed;
  if (first_end > limits.request_line || text.size() > limits.head) return refuse_long_head(text, limits);
  if (first_end == 0 || has_stray_control(text.substr(0, first_end))) return kMalformed;
  Seen seen;
  std::size_t at = first_end + kLineEnd.size();
  while (true) {
    const std::size_t end = text.find(kLineEnd, at);
    if (end == std::string_view::npos) return kMalformed;
    if (end == at) break;  // the empty line
    const std::string_view line = text.substr(at, end - at);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || has_stray_control(line)) return kMalformed;
    const std::string_view name = line.substr(0, colon);
    const auto refusal = check_header(name, trimmed(line.substr(colon + 1)), limits, seen);
    if (refusal) return refusal;
    if (equal_ignoring_case(name, "range")) head[at] = 'x';
    at = end + kLineEnd.size();
  }
  const bool needs_host = text.substr(0, first_end).ends_with("HTTP/1.1");
  if (seen.hosts > 1 || (needs_host && seen.hosts == 0)) return kMalformed;
  return std::nullopt;
}

}  // namespace sluice::admin
