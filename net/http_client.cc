#include "net/http_client.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <ctime>

#include "net/address.h"
#include "net/gzip.h"
#include "net/stop_event.h"

namespace sluice::net {

namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

constexpr std::size_t kReadBytes = 64 * 1024;
constexpr std::size_t kExcerptBytes = 200;
constexpr std::chrono::hours kLongestPause{1};

Error lost(std::string_view why) {
  return {ErrorKind::kTransient, "http_connection_lost", "the connection ended before the answer was complete" + std::string(why)};
}

Error bad_answer(std::string_view why) { return {ErrorKind::kTransient, "http_bad_answer", std::string(why)}; }

unsigned port_of_address(const sockaddr_storage& storage) {
  sockaddr_in6 six{};  // the port stands at the same place in sockaddr_in
  std::memcpy(&six, &storage, sizeof(six));
  return ntohs(six.sin6_port);
}

std::string head_of(const Url& url, const ClientRequest& request) {
  std::string head = request.method + " " + url.target + " HTTP/1.1\r\nHost: " + url.authority() + "\r\n";
  for (const auto& [name, value] : request.headers.entries()) head += name + ": " + value + "\r\n";
  const bool has_body = !request.body.empty() || (request.method != "GET" && request.method != "HEAD" && request.method != "DELETE");
  if (has_body) head += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  return head + "\r\n";
}

}  // namespace

// One request and its answer under one deadline.
class HttpClient::Exchange {
 public:
  Exchange(const ClientOptions& options, std::stop_token stop)
      : options_(options), stop_(stop), event_(std::move(stop)), deadline_(std::chrono::steady_clock::now() + options.timeout) {}

  // Waits until `fd` is ready for one of `events`; which of them, or an error.
  Result<short> wait(int fd, short events) const {
    while (true) {
      if (stop_.stop_requested()) return Error(ErrorKind::kCancelled, "stopped", "stop was requested");
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - std::chrono::steady_clock::now()).count();
      if (left <= 0) return timed_out();
      std::array<pollfd, 2> waiting{pollfd{fd, events, 0}, pollfd{event_.fd(), POLLIN, 0}};
      const int ready = ::poll(waiting.data(), waiting.size(), static_cast<int>(left));
      if (ready <= 0 || waiting[1].revents != 0) continue;
      return static_cast<short>(waiting[0].revents | ((waiting[0].revents & (POLLHUP | POLLERR)) != 0 ? events : 0));
    }
  }

  Status handshake(Channel& channel) const {
    while (true) {
      switch (channel.handshake()) {
        case Channel::Io::kDone: return {};
        case Channel::Io::kWantRead: SLUICE_TRY(wait(channel.fd(), POLLIN)); break;
        case Channel::Io::kWantWrite: SLUICE_TRY(wait(channel.fd(), POLLOUT)); break;
        default: return Error(ErrorKind::kTransient, "tls_failed", "no TLS connection: " + channel.failure());
      }
    }
  }

  // Until everything is sent, or the other side answers before.
  Status send(Channel& channel, std::string_view bytes) {
    while (!bytes.empty()) {
      std::size_t sent = 0;
      const Channel::Io outcome = channel.write(bytes, sent);
      bytes.remove_prefix(sent);
      if (outcome == Channel::Io::kDone) continue;
      if (outcome == Channel::Io::kClosed || outcome == Channel::Io::kFailed) {
        whole_ = false;  // it may have answered before it went
        return {};
      }
      const short wanted = outcome == Channel::Io::kWantRead ? POLLIN : static_cast<short>(POLLIN | POLLOUT);
      const short ready = SLUICE_TRY(wait(channel.fd(), wanted));
      if ((ready & POLLIN) == 0) continue;
      SLUICE_TRY(receive(channel, /*block=*/false));
      if (!input_.empty() || ended_) {
        whole_ = false;
        return {};
      }
    }
    return {};
  }

  // Appends what comes to input_, at least one byte, or notes the end.
  Status receive(Channel& channel, bool block) {
    buffer_.resize(kReadBytes);
    while (true) {
      std::size_t got = 0;
      const Channel::Io outcome = channel.read(buffer_.data(), buffer_.size(), got);
      if (outcome == Channel::Io::kDone) {
        input_.append(buffer_.data(), got);
        return {};
      }
      if (outcome == Channel::Io::kClosed) {
        ended_ = true;
        return {};
      }
      if (outcome == Channel::Io::kFailed) return lost(": " + channel.failure());
      if (!block) return {};
      SLUICE_TRY(wait(channel.fd(), outcome == Channel::Io::kWantWrite ? POLLOUT : POLLIN));
    }
  }

  Result<ResponseHead> read_head(Channel& channel) {
    const HeadLimits limits{64 * 1024, 200};
    while (true) {
      if (const std::size_t length = head_length(input_); length != 0) {
        ResponseHead head;
        if (const auto fault = parse_response_head(std::string_view(input_).substr(0, length), limits, head))
          return bad_answer(fault->message);
        input_.erase(0, length);
        answered_ = true;
        if (head.status >= 200) return head;
        if (++interim_ > 10) return bad_answer("too many interim answers");
        continue;
      }
      if (input_.size() > limits.bytes) return bad_answer("the answer's head is too large");
      if (!input_.empty() && std::string_view("HTTP/1.").substr(0, input_.size()) != std::string_view(input_).substr(0, 7)) {
        return bad_answer("what answers does not speak HTTP/1.1");
      }
      if (ended_) return lost("");
      SLUICE_TRY(receive(channel, /*block=*/true));
    }
  }

  // True when the connection can be used again.
  Result<bool> read_body(Channel& channel, const ResponseHead& head, bool to_head, std::string& out) {
    BodyReader body;
    if (const auto fault = BodyReader::for_response(head, to_head, body)) return bad_answer(fault->message);
    while (body.state() == BodyReader::State::kMore) {
      std::size_t used = 0;
      body.feed(input_, out, used);
      input_.erase(0, used);
      if (out.size() > options_.max_answer) {
        if (options_.overlong == Overlong::kFail) return too_large();
        out.resize(options_.max_answer);
        return false;
      }
      if (body.state() != BodyReader::State::kMore) break;
      if (ended_ && body.end() == BodyReader::State::kMore) return lost("");
      if (!ended_) SLUICE_TRY(receive(channel, /*block=*/true));
    }
    if (body.state() == BodyReader::State::kFault) return bad_answer(body.fault().message);
    return head.keep_alive && whole_ && !ended_ && input_.empty();
  }

  Error too_large() const {
    return {ErrorKind::kFatal, "answer_too_large",
            "the answer is larger than " + std::to_string(options_.max_answer) + " bytes: ask for smaller pages, or raise max_response"};
  }
  bool nothing_came() const { return !answered_ && input_.empty(); }

 private:
  Error timed_out() const {
    return {ErrorKind::kTransient, "http_timeout", "no complete answer within " + std::to_string(options_.timeout.count()) + " ms"};
  }

  const ClientOptions& options_;
  std::stop_token stop_;
  StopEvent event_;
  SteadyTime deadline_;
  std::string input_, buffer_;
  bool ended_ = false, answered_ = false;
  bool whole_ = true;  // the request was sent to its end
  int interim_ = 0;
};

HttpClient::HttpClient(ClientOptions options) : options_(std::move(options)) {}
HttpClient::~HttpClient() = default;

void HttpClient::disconnect() {
  channel_.reset();
  origin_.clear();
}

// A server may have ended a connection that was idle, or said something that nobody asked for.
bool HttpClient::is_reusable(const Url& url) {
  if (!channel_ || origin_ != url.origin()) return false;
  std::size_t got = 0;
  char byte = 0;
  return channel_->read(&byte, 1, got) == Channel::Io::kWantRead;
}

Result<Descriptor> HttpClient::connect_to(const SocketAddress& address, Exchange& exchange) {
  sockaddr_storage storage{};
  std::memcpy(&storage, address.bytes.data(), std::min(address.bytes.size(), sizeof(storage)));
  Descriptor fd(::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const auto failed = [&](int reason) {
    return Error(ErrorKind::kTransient, "http_unreachable",
                 "connect to " + address.text + " port " + std::to_string(port_of_address(storage)) + ": " + std::strerror(reason));
  };
  if (!fd) return failed(errno);
  const auto* plain = reinterpret_cast<const sockaddr*>(&storage);  // NOLINT: the socket API
  if (::connect(fd.get(), plain, static_cast<socklen_t>(address.bytes.size())) == 0) return fd;
  if (errno != EINPROGRESS) return failed(errno);
  SLUICE_TRY(exchange.wait(fd.get(), POLLOUT));
  int reason = 0;
  socklen_t size = sizeof(reason);
  ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &reason, &size);
  if (reason != 0) return failed(reason);
  return fd;
}

Status HttpClient::connect(const Url& url, Exchange& exchange) {
  disconnect();
  std::shared_ptr<const TlsContext> tls;
  if (url.tls) tls = SLUICE_TRY(TlsContext::client(options_.tls));
  const auto addresses = SLUICE_TRY(resolve(url.host, url.port));
  std::optional<Error> last;
  for (const SocketAddress& address : addresses) {
    if (address.link_local && options_.link_local == LinkLocal::kRefuse) {
      last = Error(ErrorKind::kFatal, "address_refused",
                   url.host + " is the link-local address " + address.text +
                       ", where clouds answer with credentials: name another host, or set allow_link_local: true");
      continue;
    }
    auto fd = connect_to(address, exchange);
    if (!fd) {
      if (fd.error().code() == "stopped" || fd.error().code() == "http_timeout") return std::move(fd).error();
      last = std::move(fd).error();
      continue;
    }
    if (tls) {
      channel_ = std::make_unique<Channel>(SLUICE_TRY(Channel::client(std::move(fd).value(), *tls, url.host)));
      SLUICE_TRY(exchange.handshake(*channel_));
    } else {
      channel_ = std::make_unique<Channel>(Channel::plain(std::move(fd).value()));
    }
    origin_ = url.origin();
    return {};
  }
  return last ? *std::move(last) : Error(ErrorKind::kTransient, "http_unreachable", url.host + " has no address");
}

Result<ClientAnswer> HttpClient::send(const Url& url, const ClientRequest& request, std::stop_token stop) {
  const std::string head = head_of(url, request);
  const bool reused = is_reusable(url);
  for (bool first = true;; first = false) {
    Exchange exchange(options_, stop);
    const auto attempt = [&]() -> Result<ClientAnswer> {
      if (!first || !reused) SLUICE_TRY(connect(url, exchange));
      SLUICE_TRY(exchange.send(*channel_, head + std::string(request.body)));
      ResponseHead answered = SLUICE_TRY(exchange.read_head(*channel_));
      ClientAnswer answer{answered.status, {}, {}};
      const bool again = SLUICE_TRY(exchange.read_body(*channel_, answered, request.method == "HEAD", answer.body));
      if (!again) disconnect();
      answer.headers = std::move(answered.headers);
      return answer;
    };
    auto result = attempt();
    if (!result) {
      disconnect();
      // A connection that the server had just ended: nothing says that it saw the request, and its id is the same.
      const bool stale = first && reused && exchange.nothing_came() && result.error().code() == "http_connection_lost";
      if (stale) continue;
      return result;
    }
    if (equal_ignoring_case(result->headers.find("Content-Encoding"), "gzip") && !result->body.empty()) {
      auto text = gunzip(result->body, options_.max_answer);
      if (!text && text.error().code() == "body_too_large") return exchange.too_large();
      if (!text) return bad_answer(text.error().message());
      result->body = std::move(text).value();
    }
    return result;
  }
}

// ---- what answers mean --------------------------------------------------------------------------------------------------------------

std::optional<std::chrono::milliseconds> retry_after(const Headers& headers, std::int64_t utc_microseconds) {
  const std::string text(headers.find("Retry-After"));
  if (text.empty()) return std::nullopt;
  std::int64_t seconds = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (problem != std::errc() || end != text.data() + text.size()) {
    std::tm when{};
    if (::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &when) == nullptr) return std::nullopt;
    seconds = static_cast<std::int64_t>(::timegm(&when)) - utc_microseconds / 1'000'000;
  }
  const auto longest = std::chrono::duration_cast<std::chrono::seconds>(kLongestPause).count();
  return std::chrono::seconds(std::clamp<std::int64_t>(seconds, 0, longest));
}

std::string excerpt(std::string_view body) {
  std::string result(body.substr(0, kExcerptBytes));
  // Half a character of UTF-8 at the cut would make the message unreadable for its readers.
  for (int i = 0; i < 3 && body.size() > kExcerptBytes && !result.empty() && (static_cast<unsigned char>(result.back()) & 0xc0U) == 0x80;
       ++i)
    result.pop_back();
  if (body.size() > kExcerptBytes && !result.empty() && (static_cast<unsigned char>(result.back()) & 0x80U) != 0) result.pop_back();
  for (char& c : result) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  while (result.ends_with(' ')) result.pop_back();
  return result;
}

Error status_error(const ClientAnswer& answer, const Url& url, std::int64_t utc_microseconds) {
  const std::string what = url.origin() + " answers " + std::to_string(answer.status) + " " + std::string(reason_phrase(answer.status));
  const auto error = [&](std::string_view code, const std::string& advice) {
    const std::string said = excerpt(answer.body);
    return Error(ErrorKind::kTransient, code, what + (said.empty() ? "" : " (" + said + ")") + advice);
  };
  if (answer.status >= 300 && answer.status < 400) {
    return error("http_redirect",
                 "; redirects are not followed: put the new address into url (Location: " + excerpt(answer.headers.find("Location")) + ")");
  }
  if (answer.status == 401 || answer.status == 407)
    return error("http_unauthorized", ": check auth; it is tried again with the credentials read anew");
  if (answer.status == 403) return error("http_forbidden", ": the credentials in auth lack the right to this address");
  if (answer.status == 404 || answer.status == 410) return error("http_not_found", ": nothing is at this address; check url");
  if (answer.status == 405) return error("http_method", ": check method");
  const auto pause = retry_after(answer.headers, utc_microseconds);
  Error busy = error(answer.status == 429 ? "http_throttled" : "http_unavailable", "");
  // No pause at all would be a busy loop: then the runner's back-off decides.
  return pause && pause->count() > 0 ? std::move(busy).retry_after(*pause) : busy;
}

}  // namespace sluice::net
