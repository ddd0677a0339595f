#include "net/url.h"

#include <algorithm>
#include <charconv>

#include "net/http_message.h"

namespace sluice::net {

namespace {

Error bad_url(std::string_view why) {
  return {ErrorKind::kBadRecord, "bad_url", "the address " + std::string(why) + "; write http://host[:port]/path or https://..."};
}

std::uint16_t usual_port(bool tls) { return tls ? 443 : 80; }

bool is_host_char(char c) {
  const bool alphanumeric = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  return alphanumeric || c == '-' || c == '.' || c == '_';
}

Status parse_authority(std::string_view text, Url& url) {
  if (text.find('@') != std::string_view::npos) return bad_url("holds a user name; give it as auth");
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return bad_url("has no closing bracket");
    url.host = text.substr(1, end - 1);
    if (url.host.find_first_not_of("0123456789abcdefABCDEF:.") != std::string::npos) return bad_url("has no good host");
    text.remove_prefix(end + 1);
    if (!text.empty() && text.front() != ':') return bad_url("has no good port");
    port = text.empty() ? text : text.substr(1);
  } else {
    const std::size_t colon = text.find(':');
    url.host = text.substr(0, colon);
    if (!std::all_of(url.host.begin(), url.host.end(), is_host_char)) return bad_url("has no good host");
    port = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  }
  if (url.host.empty()) return bad_url("has no host");
  url.port = usual_port(url.tls);
  if (port.empty()) return {};
  const auto [end, problem] = std::from_chars(port.data(), port.data() + port.size(), url.port);
  if (problem != std::errc() || end != port.data() + port.size() || url.port == 0) return bad_url("has no good port");
  return {};
}

// RFC 3986 section 5.2.4.
std::string without_dots(std::string_view path) {
  std::string result;
  std::size_t at = 0;
  while (at < path.size()) {
    const std::size_t next = std::min(path.find('/', at + 1), path.size());
    const std::string_view segment = path.substr(at, next - at);
    if (segment == "/..") {
      result.resize(result.empty() ? 0 : std::min(result.rfind('/'), result.size()));
    } else if (segment != "/.") {
      result += segment;
    }
    if ((segment == "/.." || segment == "/.") && next == path.size()) result += '/';
    at = next;
  }
  return result.empty() ? "/" : result;
}

}  // namespace

std::string Url::authority() const {
  const std::string name = host.find(':') != std::string::npos ? "[" + host + "]" : host;
  return port == usual_port(tls) ? name : name + ":" + std::to_string(port);
}

std::string Url::origin() const { return (tls ? "https://" : "http://") + authority(); }

Result<Url> parse_url(std::string_view text) {
  Url url;
  const std::size_t scheme = text.find("://");
  if (scheme == std::string_view::npos) return bad_url("has no scheme");
  if (equal_ignoring_case(text.substr(0, scheme), "https")) {
    url.tls = true;
  } else if (!equal_ignoring_case(text.substr(0, scheme), "http")) {
    return bad_url("has another scheme than http and https");
  }
  text.remove_prefix(scheme + 3);
  text = text.substr(0, text.find('#'));
  const bool clean = std::all_of(text.begin(), text.end(), [](char c) {
    const auto u = static_cast<unsigned char>(c);
    return u > 0x20 && u < 0x7f && c != '"' && c != '<' && c != '>' && c != '\\';
  });
  if (!clean) return bad_url("holds spaces or characters that must be percent-encoded");
  const std::size_t path = std::min(text.find_first_of("/?"), text.size());
  SLUICE_TRY(parse_authority(text.substr(0, path), url));
  url.target = text.substr(path);
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  return url;
}

Result<Url> resolve_link(const Url& base, std::string_view link) {
  if (link.find("://") != std::string_view::npos) return parse_url(link);
  if (link.starts_with("//")) return parse_url((base.tls ? "https:" : "http:") + std::string(link));
  const std::string_view path = std::string_view(base.target).substr(0, base.target.find('?'));
  if (link.starts_with('?')) return parse_url(base.origin() + std::string(path) + std::string(link));
  const std::string_view folder = path.substr(0, path.rfind('/') + 1);
  const std::string joined = link.starts_with('/') ? std::string(link) : std::string(folder) + std::string(link);
  const std::size_t query = joined.find('?');
  return parse_url(base.origin() + without_dots(joined.substr(0, query)) + (query == std::string::npos ? "" : joined.substr(query)));
}

bool has_dot_segments(std::string_view target) {
  const std::string path = std::string(target.substr(0, target.find('?'))) + "/";
  return path.find("/../") != std::string::npos || path.find("/./") != std::string::npos;
}

std::string percent_encode(std::string_view text) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string result;
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (is_host_char(c) || c == '~') {
      result += c;
    } else {
      result += '%';
      result += kDigits[u >> 4U];
      result += kDigits[u & 15U];
    }
  }
  return result;
}

void set_query_parameter(std::string& target, std::string_view name, std::string_view value) {
  const std::string key = percent_encode(name);
  std::string result = target.substr(0, target.find('?'));
  char separator = '?';
  const auto add = [&](std::string_view part) {
    result += separator;
    result += part;
    separator = '&';
  };
  std::string_view rest = std::string_view(target).substr(result.size());
  if (!rest.empty()) rest.remove_prefix(1);
  while (!rest.empty()) {
    const std::string_view part = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(part.size() + 1, rest.size()));
    if (!part.empty() && part.substr(0, part.find('=')) != key) add(part);
  }
  add(key + "=" + percent_encode(value));
  target = std::move(result);
}

}  // namespace sluice::net
