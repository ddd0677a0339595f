#include "net/http_message.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace sluice::net {

namespace {

constexpr std::size_t kMaxFrameLine = 4096;  // bytes of a chunk's size line with its extensions, and of all trailers

bool is_token_char(char c) {
  const auto u = static_cast<unsigned char>(c);
  if ((u >= 'a' && u <= 'z') || (u >= 'A' && u <= 'Z') || (u >= '0' && u <= '9')) return true;
  return std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char); }

bool is_visible(char c) { return static_cast<unsigned char>(c) > 0x20 && c != 0x7f; }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool has_token(const Headers& headers, std::string_view name, std::string_view token) {
  for (const auto& [key, value] : headers.entries()) {
    if (!equal_ignoring_case(key, name)) continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      const std::size_t comma = rest.find(',');
      if (equal_ignoring_case(trim(rest.substr(0, comma)), token)) return true;
      rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    }
  }
  return false;
}

std::optional<MessageFault> parse_header(std::string_view line, Headers& out) {
  if (line.front() == ' ' || line.front() == '\t') return MessageFault{400, "folded_header", "a header goes on in a second line"};
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) return MessageFault{400, "bad_header", "a header has no name"};
  const std::string_view value = trim(line.substr(colon + 1));
  const bool clean = std::all_of(value.begin(), value.end(), [](char c) { return is_visible(c) || c == ' ' || c == '\t'; });
  if (!clean) return MessageFault{400, "bad_header", "a header holds control characters"};
  out.add(std::string(line.substr(0, colon)), std::string(value));
  return std::nullopt;
}

// `lines` is the head behind its first line, the empty line included.
std::optional<MessageFault> parse_headers(std::string_view lines, const HeadLimits& limits, Headers& out) {
  while (lines.size() > 2) {
    const std::size_t end = lines.find("\r\n");
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(end + 2);
    if (out.entries().size() >= limits.headers) return MessageFault{431, "too_many_headers", "the head has too many headers"};
    if (auto fault = parse_header(line, out)) return fault;
  }
  return std::nullopt;
}

bool keeps_alive(std::string_view version, const Headers& headers) {
  if (has_token(headers, "Connection", "close")) return false;
  return version == "HTTP/1.1" || has_token(headers, "Connection", "keep-alive");
}

bool has_stray_line_end(std::string_view head) {
  for (std::size_t at = head.find_first_of("\r\n"); at != std::string_view::npos; at = head.find_first_of("\r\n", at)) {
    if (head.substr(at, 2) != "\r\n") return true;
    at += 2;
  }
  return head.find('\0') != std::string_view::npos;
}

std::optional<std::uint64_t> number(std::string_view text, int base) {
  std::uint64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

constexpr MessageFault kTooLarge{413, "body_too_large", "the body is larger than max_body"};
constexpr MessageFault kBadChunk{400, "bad_chunk", "the body's chunks cannot be read"};

}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

void Headers::set(std::string_view name, std::string value) {
  std::erase_if(entries_, [&](const auto& entry) { return equal_ignoring_case(entry.first, name); });
  entries_.emplace_back(name, std::move(value));
}

std::string_view Headers::find(std::string_view name) const {
  for (const auto& [key, value] : entries_) {
    if (equal_ignoring_case(key, name)) return value;
  }
  return {};
}

bool Headers::contains(std::string_view name) const { return count(name) != 0; }

std::size_t Headers::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::count_if(entries_.begin(), entries_.end(), [&](const auto& entry) { return equal_ignoring_case(entry.first, name); }));
}

std::size_t head_length(std::string_view text) {
  const std::size_t end = text.find("\r\n\r\n");
  return end == std::string_view::npos ? 0 : end + 4;
}

std::optional<MessageFault> parse_request_head(std::string_view head, const HeadLimits& limits, RequestHead& out) {
  if (head.size() > limits.bytes) return MessageFault{431, "head_too_large", "the request's head is too large"};
  if (has_stray_line_end(head)) return MessageFault{400, "bad_head", "the request's head holds a stray line end"};
  const std::string_view line = head.substr(0, head.find("\r\n"));
  const std::size_t first = line.find(' '), last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return MessageFault{400, "bad_request_line", "the request line cannot be read"};
  const std::string_view target = line.substr(first + 1, last - first - 1), version = line.substr(last + 1);
  if (!is_token(line.substr(0, first)) || target.empty() || !std::all_of(target.begin(), target.end(), is_visible)) {
    return MessageFault{400, "bad_request_line", "the request line cannot be read"};
  }
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return MessageFault{505, "bad_version", "only HTTP/1.1 and HTTP/1.0 are spoken here"};
  out.method = line.substr(0, first);
  out.target = target;
  if (auto fault = parse_headers(head.substr(line.size() + 2), limits, out.headers)) return fault;
  if (version == "HTTP/1.1" && out.headers.count("Host") != 1) return MessageFault{400, "no_host", "a request needs one Host header"};
  out.keep_alive = keeps_alive(version, out.headers);
  return std::nullopt;
}

std::optional<MessageFault> parse_response_head(std::string_view head, const HeadLimits& limits, ResponseHead& out) {
  constexpr MessageFault kBad{400, "http_bad_answer", "the answer's first line cannot be read"};
  if (head.size() > limits.bytes || has_stray_line_end(head))
    return MessageFault{400, "http_bad_answer", "the answer's head cannot be read"};
  const std::string_view line = head.substr(0, head.find("\r\n"));
  const std::string_view version = line.substr(0, 8);
  if ((version != "HTTP/1.1" && version != "HTTP/1.0") || line.size() < 12 || line[8] != ' ') return kBad;
  const auto status = number(line.substr(9, 3), 10);
  if (!status || *status < 100 || *status > 599 || (line.size() > 12 && line[12] != ' ')) return kBad;
  out.status = static_cast<int>(*status);
  out.reason = line.size() > 13 ? line.substr(13) : std::string_view();
  if (auto fault = parse_headers(head.substr(line.size() + 2), limits, out.headers)) return fault;
  out.keep_alive = keeps_alive(version, out.headers);
  return std::nullopt;
}

// ---- bodies -------------------------------------------------------------------------------------------------------------------------

std::optional<MessageFault> BodyReader::framing(const Headers& headers, BodyReader& out) {
  const std::size_t encodings = headers.count("Transfer-Encoding"), lengths = headers.count("Content-Length");
  if (encodings > 1 || lengths > 1 || (encodings != 0 && lengths != 0)) {
    return MessageFault{400, "ambiguous_length", "the body's length is given more than once"};
  }
  if (encodings == 1) {
    if (!equal_ignoring_case(headers.find("Transfer-Encoding"), "chunked")) {
      return MessageFault{501, "transfer_encoding", "no transfer encoding but chunked is known here"};
    }
    out.framing_ = Framing::kChunked;
    out.state_ = State::kMore;
  } else if (lengths == 1) {
    const auto length = number(headers.find("Content-Length"), 10);
    if (!length) return MessageFault{400, "bad_length", "Content-Length is no number"};
    out.framing_ = Framing::kLength;
    out.length_ = out.left_ = *length;
    out.state_ = *length == 0 ? State::kDone : State::kMore;
  }
  return std::nullopt;
}

std::optional<MessageFault> BodyReader::for_request(const Headers& headers, std::size_t limit, BodyReader& out) {
  out = BodyReader();
  out.limit_ = limit;
  if (auto fault = framing(headers, out)) return fault;
  if (out.length_ && *out.length_ > limit) return kTooLarge;
  return std::nullopt;
}

std::optional<MessageFault> BodyReader::for_response(const ResponseHead& head, bool to_head, BodyReader& out) {
  out = BodyReader();
  if (to_head || head.status < 200 || head.status == 204 || head.status == 304) return std::nullopt;
  if (auto fault = framing(head.headers, out)) return MessageFault{400, "http_bad_answer", fault->message};
  if (out.framing_ == Framing::kLength && !out.length_) {
    out.framing_ = Framing::kUntilEnd;
    out.state_ = State::kMore;
  }
  return std::nullopt;
}

BodyReader::State BodyReader::fail(MessageFault fault) {
  fault_ = fault;
  return state_ = State::kFault;
}

// Content out of `input` behind `consumed`; false when the limit is passed.
bool BodyReader::take(std::string_view input, std::string& out, std::size_t& consumed) {
  const std::size_t there = input.size() - consumed;
  const std::size_t count = framing_ == Framing::kUntilEnd ? there : static_cast<std::size_t>(std::min<std::uint64_t>(left_, there));
  if (total_ + count > limit_) return false;
  out.append(input.substr(consumed, count));
  consumed += count;
  total_ += count;
  left_ -= framing_ == Framing::kUntilEnd ? 0 : count;
  return true;
}

BodyReader::State BodyReader::feed(std::string_view input, std::string& out, std::size_t& consumed) {
  consumed = 0;
  if (state_ != State::kMore) return state_;
  if (framing_ == Framing::kChunked) return feed_chunks(input, out, consumed);
  if (!take(input, out, consumed)) return fail(kTooLarge);
  if (framing_ == Framing::kLength && left_ == 0) state_ = State::kDone;
  return state_;
}

BodyReader::State BodyReader::end() {
  if (state_ == State::kMore && framing_ == Framing::kUntilEnd) state_ = State::kDone;
  return state_;
}

BodyReader::State BodyReader::take_line(std::string_view input, std::size_t& consumed) {
  const std::size_t end = input.find('\n', consumed);
  const std::size_t count = (end == std::string_view::npos ? input.size() : end + 1) - consumed;
  frame_bytes_ += count;
  if (frame_bytes_ > kMaxFrameLine) return fail(kBadChunk);
  line_.append(input.substr(consumed, count));
  consumed += count;
  if (end == std::string_view::npos) return State::kMore;
  if (!line_.ends_with("\r\n")) return fail(kBadChunk);
  line_.resize(line_.size() - 2);
  return State::kDone;
}

// RFC 9112 section 7.1: size in hexadecimal, extensions behind a semicolon.
BodyReader::State BodyReader::size_line() {
  const std::string_view text = trim(std::string_view(line_).substr(0, line_.find(';')));
  const auto size = number(text, 16);
  if (!size || text.size() > 15) return fail(kBadChunk);
  if (*size > limit_ || total_ + *size > limit_) return fail(kTooLarge);
  left_ = *size;
  part_ = *size == 0 ? Part::kTrailer : Part::kData;
  frame_bytes_ = 0;
  return State::kMore;
}

BodyReader::State BodyReader::feed_chunks(std::string_view input, std::string& out, std::size_t& consumed) {
  while (consumed < input.size() && state_ == State::kMore) {
    if (part_ == Part::kData) {
      if (!take(input, out, consumed)) return fail(kTooLarge);
      if (left_ == 0) part_ = Part::kDataEnd;
      continue;
    }
    if (const State line = take_line(input, consumed); line != State::kDone) return line;
    const bool empty = line_.empty();
    if (part_ == Part::kSize) {
      size_line();
    } else if (part_ == Part::kDataEnd) {
      if (!empty) return fail(kBadChunk);
      part_ = Part::kSize;
      frame_bytes_ = 0;
    } else if (empty) {
      state_ = State::kDone;
    }
    line_.clear();
  }
  return state_;
}

// ---- pieces -------------------------------------------------------------------------------------------------------------------------

std::string media_type(std::string_view content_type) {
  std::string result(trim(content_type.substr(0, content_type.find(';'))));
  std::transform(result.begin(), result.end(), result.begin(), lower);
  return result;
}

bool equal_in_constant_time(std::string_view left, std::string_view right) {
  unsigned difference = left.size() == right.size() ? 0U : 1U;
  for (std::size_t i = 0; i < left.size(); ++i) {
    const char other = right.empty() ? '\0' : right[i % right.size()];
    difference |= static_cast<unsigned>(static_cast<unsigned char>(left[i]) ^ static_cast<unsigned char>(other));
  }
  return difference == 0;
}

std::string_view reason_phrase(int status) {
  static constexpr std::array<std::pair<int, std::string_view>, 22> kPhrases = {{{200, "OK"},
                                                                                 {201, "Created"},
                                                                                 {202, "Accepted"},
                                                                                 {204, "No Content"},
                                                                                 {304, "Not Modified"},
                                                                                 {400, "Bad Request"},
                                                                                 {401, "Unauthorized"},
                                                                                 {403, "Forbidden"},
                                                                                 {404, "Not Found"},
                                                                                 {405, "Method Not Allowed"},
                                                                                 {408, "Request Timeout"},
                                                                                 {409, "Conflict"},
                                                                                 {413, "Content Too Large"},
                                                                                 {415, "Unsupported Media Type"},
                                                                                 {422, "Unprocessable Content"},
                                                                                 {429, "Too Many Requests"},
                                                                                 {431, "Request Header Fields Too Large"},
                                                                                 {500, "Internal Server Error"},
                                                                                 {501, "Not Implemented"},
                                                                                 {503, "Service Unavailable"},
                                                                                 {504, "Gateway Timeout"},
                                                                                 {505, "HTTP Version Not Supported"}}};
  for (const auto& [known, phrase] : kPhrases) {
    if (known == status) return phrase;
  }
  return "Status";
}

std::string header_safe(std::string_view text) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string result;
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (u > 0x20 && u < 0x7f && c != '%') {
      result += c;
    } else {
      result += '%';
      result += kDigits[u >> 4U];
      result += kDigits[u & 15U];
    }
  }
  return result;
}

}  // namespace sluice::net
