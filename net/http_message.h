#pragma once
// HTTP/1.1 messages as text: heads of requests and answers, and where their bodies end.  Pure; any thread.
//
// Strict where leniency lets two readers see two different messages (RFC 9112 section 11.2): a bare CR or LF, folded lines, white space
// before a colon, several lengths, a length beside an encoding, any encoding but chunked are refused.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::net {

struct HeadLimits {
  std::size_t bytes = 16 * 1024;  // of a whole head
  std::size_t headers = 100;
};

class Headers {
 public:
  void add(std::string name, std::string value) { entries_.emplace_back(std::move(name), std::move(value)); }
  void set(std::string_view name, std::string value);  // instead of all of that name
  // The first of that name, case ignored; empty when there is none.
  std::string_view find(std::string_view name) const;
  bool contains(std::string_view name) const;
  std::size_t count(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& entries() const { return entries_; }

 private:
  std::vector<std::pair<std::string, std::string>> entries_;
};

struct RequestHead {
  std::string method, target;  // as sent
  Headers headers;
  bool keep_alive = true;
};

struct ResponseHead {
  int status = 0;
  std::string reason;
  Headers headers;
  bool keep_alive = true;
};

// Why a message is refused; `status` is what a server answers.
struct MessageFault {
  int status = 400;
  std::string_view code;     // static storage
  std::string_view message;  // static storage; names nothing that the other side sent
};

// Length of the head that begins `text`, its empty line included; 0: it is not all there yet.
std::size_t head_length(std::string_view text);

// `head` as head_length() found it.
std::optional<MessageFault> parse_request_head(std::string_view head, const HeadLimits& limits, RequestHead& out);
std::optional<MessageFault> parse_response_head(std::string_view head, const HeadLimits& limits, ResponseHead& out);

// Finds the end of a body and takes the chunks' frames away.
class BodyReader {
 public:
  enum class State : std::uint8_t { kMore, kDone, kFault };

  // A request without a length has no body.
  static std::optional<MessageFault> for_request(const Headers& headers, std::size_t limit, BodyReader& out);
  // An answer without a length lasts until the connection ends.  `to_head`: it answers a HEAD request.
  static std::optional<MessageFault> for_response(const ResponseHead& head, bool to_head, BodyReader& out);

  // Takes from `input` what belongs to the body and appends its content to `out`; `consumed` says how much of `input` is used up.
  // kFault: fault() says why.
  State feed(std::string_view input, std::string& out, std::size_t& consumed);
  // The connection has ended: kDone where that is how the body ends.
  State end();

  State state() const { return state_; }
  const MessageFault& fault() const { return fault_; }
  // Content-Length; nullopt: chunked, or until the end.
  std::optional<std::uint64_t> length() const { return length_; }

 private:
  enum class Framing : std::uint8_t { kLength, kChunked, kUntilEnd };
  enum class Part : std::uint8_t { kSize, kData, kDataEnd, kTrailer };

  static std::optional<MessageFault> framing(const Headers& headers, BodyReader& out);
  State feed_chunks(std::string_view input, std::string& out, std::size_t& consumed);
  State take_line(std::string_view input, std::size_t& consumed);  // one line of the frames into line_, or kMore
  State size_line();
  State fail(MessageFault fault);
  bool take(std::string_view input, std::string& out, std::size_t& consumed);

  Framing framing_ = Framing::kLength;
  State state_ = State::kDone;
  Part part_ = Part::kSize;
  std::optional<std::uint64_t> length_;
  std::uint64_t left_ = 0;   // of the body or of the chunk
  std::uint64_t total_ = 0;  // content so far
  std::uint64_t limit_ = UINT64_MAX;
  std::size_t frame_bytes_ = 0;  // of a line, or of the trailers
  std::string line_;
  MessageFault fault_;
};

bool equal_ignoring_case(std::string_view a, std::string_view b);
// "application/json" of "Application/JSON; charset=utf-8".
std::string media_type(std::string_view content_type);
// True when no byte of `left` differs from `right`; takes the same time wherever they differ.
bool equal_in_constant_time(std::string_view left, std::string_view right);
// "Not Found"; "Status" for what is not known.
std::string_view reason_phrase(int status);
// Control characters and what is not ASCII as %XX, so that it can stand in a header.
std::string header_safe(std::string_view text);

}  // namespace sluice::net
