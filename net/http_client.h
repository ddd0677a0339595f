#pragma once
// An HTTP/1.1 client for one conversation at a time: one connection, kept alive between requests to the same origin.
//
// One deadline covers a whole exchange, from the resolver's answer to the last byte, and a stop ends every wait at once: a server that
// answers slowly, half or never holds nobody up.  Redirects are never followed.  The address that is connected to is the one that was
// checked, so a name that changes its address in between gains nothing.
//
// Errors: http_unreachable, http_timeout, http_connection_lost, http_bad_answer, tls_failed, tls_files (kTransient),
// address_refused, answer_too_large (kFatal), stopped (kCancelled).  Any status is a success here.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "core/result.h"
#include "net/channel.h"
#include "net/http_message.h"
#include "net/url.h"

namespace sluice::net {

enum class LinkLocal : std::uint8_t { kRefuse, kAllow };
enum class Overlong : std::uint8_t { kFail, kCut };

struct ClientOptions {
  TlsFiles tls;
  std::chrono::milliseconds timeout{10000};
  LinkLocal link_local = LinkLocal::kRefuse;
  std::size_t max_answer = 16UL * 1024 * 1024;  // bytes of a body, unpacked
  Overlong overlong = Overlong::kFail;          // kCut: the beginning is enough
};

struct ClientRequest {
  std::string method = "GET";
  Headers headers;        // without Host, Content-Length and Connection
  std::string_view body;  // must live during send()
};

struct ClientAnswer {
  int status = 0;
  Headers headers;
  std::string body;  // unpacked
};

// One thread.
class HttpClient {
 public:
  explicit HttpClient(ClientOptions options);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  Result<ClientAnswer> send(const Url& url, const ClientRequest& request, std::stop_token stop);
  // Ends the connection; the next one reads the TLS files anew.
  void disconnect();
  const ClientOptions& options() const { return options_; }

 private:
  class Exchange;
  Status connect(const Url& url, Exchange& exchange);
  Result<Descriptor> connect_to(const struct SocketAddress& address, Exchange& exchange);
  bool is_reusable(const Url& url);

  const ClientOptions options_;
  std::unique_ptr<Channel> channel_;
  std::string origin_;  // of channel_
};

// Retry-After (RFC 9110 section 10.2.3) as a pause from now, at most an hour; nullopt where there is none that can be read.
std::optional<std::chrono::milliseconds> retry_after(const Headers& headers, std::int64_t utc_microseconds);

// The beginning of an answer for a message: one line, control characters as spaces, at most 200 bytes.
std::string excerpt(std::string_view body);

// What a status of 300 and more that is no verdict on a record means, with what to do: kTransient.
Error status_error(const ClientAnswer& answer, const Url& url, std::int64_t utc_microseconds);

}  // namespace sluice::net
