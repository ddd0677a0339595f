#include "sources/http/request_gate.h"

#include <algorithm>
#include <array>

#include "formats/json_writer.h"

namespace sluice::sources {

namespace {

constexpr std::chrono::seconds kTokenLife{1};  // a file is not read for each request
constexpr std::array<std::string_view, 5> kLineTypes = {"application/x-ndjson", "application/ndjson", "application/jsonl",
                                                        "application/x-jsonlines", "application/jsonlines"};

bool is_lines_of_json(const std::string& type) { return std::find(kLineTypes.begin(), kLineTypes.end(), type) != kLineTypes.end(); }

std::string_view expected_types(Format format) {
  if (format == Format::kCsv) return "text/csv";
  if (format == Format::kLines) return "text/plain";
  return "application/json or application/x-ndjson";
}

bool is_expected(const std::string& type, Format format) {
  if (format == Format::kJson) return type == "application/json" || is_lines_of_json(type);
  return type == expected_types(format);
}

}  // namespace

net::ServerAnswer problem(int status, std::string_view code, std::string_view detail) {
  std::string body = R"({"type":"about:blank","title":)";
  append_json_string(net::reason_phrase(status), body);
  body += ",\"status\":" + std::to_string(status) + ",\"code\":";
  append_json_string(code, body);
  body += ",\"detail\":";
  append_json_string(detail, body);
  body += "}\n";
  net::ServerAnswer answer{status, std::move(body), "application/problem+json", {}, false};
  if (status == 429 || status == 503) answer.headers.emplace_back("Retry-After", "1");
  if (status == 401) answer.headers.emplace_back("WWW-Authenticate", "Bearer");
  if (status == 405) answer.headers.emplace_back("Allow", "POST");
  return answer;
}

bool RequestGate::refresh_token() {
  const auto now = std::chrono::steady_clock::now();
  if (!token_.empty() && now - token_read_ < kTokenLife) return true;
  auto current = config_.token.current();
  if (!current) return !token_.empty();
  token_ = std::move(current).value();
  while (token_.ends_with('\n') || token_.ends_with('\r')) token_.pop_back();
  token_read_ = now;
  return !token_.empty();
}

std::optional<net::ServerAnswer> RequestGate::check_client(const net::RequestHead& head) {
  if (config_.token.empty()) {
    // A page in somebody's browser could reach a loopback address; browsers say so.
    if (config_.tls.client_ca.empty() && head.headers.contains("Origin")) {
      return problem(403, "cross_origin", "requests of web pages need a token");
    }
    return std::nullopt;
  }
  constexpr std::string_view kScheme = "Bearer ";
  const std::string_view given = head.headers.find("Authorization");
  const bool bearer = given.size() >= kScheme.size() && net::equal_ignoring_case(given.substr(0, kScheme.size()), kScheme);
  const bool known = refresh_token() && bearer && net::equal_in_constant_time(token_, given.substr(kScheme.size()));
  if (known) return std::nullopt;
  return problem(401, "unauthorized", "send the token as Authorization: Bearer TOKEN");
}

std::optional<net::ServerAnswer> RequestGate::check(const net::RequestHead& head) {
  if (auto refusal = check_client(head)) return refusal;
  const std::string_view target = head.target;
  if (target.substr(0, target.find('?')) != config_.path) return problem(404, "not_found", "records are taken at another path");
  if (head.method != "POST") return problem(405, "method_not_allowed", "records are sent with POST");
  const std::string type = net::media_type(head.headers.find("Content-Type"));
  if (!is_expected(type, config_.format.format)) {
    return problem(415, "unsupported_media_type", "send Content-Type: " + std::string(expected_types(config_.format.format)));
  }
  const std::string_view encoding = head.headers.find("Content-Encoding");
  if (!encoding.empty() && !net::equal_ignoring_case(encoding, "gzip") && !net::equal_ignoring_case(encoding, "identity")) {
    return problem(415, "unsupported_encoding", "bodies are plain or gzip");
  }
  if (draining_.load()) return problem(503, "draining", "the pipeline is stopping; nothing of this request was stored");
  return std::nullopt;
}

BodyLayout RequestGate::layout_of(const net::RequestHead& head, Format format, std::string_view body) {
  const std::string type = net::media_type(head.headers.find("Content-Type"));
  if (format != Format::kJson || is_lines_of_json(type)) return BodyLayout::kLines;
  const std::size_t first = body.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && body[first] == '[' ? BodyLayout::kItems : BodyLayout::kSingle;
}

}  // namespace sluice::sources
