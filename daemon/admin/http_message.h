#pragma once
// One request of the admin API and its answer, as the routes see them.

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::admin {

struct HttpRequest {
  std::string method;
  std::string path;                                        // percent-decoded, without the query
  std::vector<std::pair<std::string, std::string>> query;  // decoded, by name
  std::string host, origin, authorization, content_type;   // headers; empty when absent
  std::string peer;                                        // "127.0.0.1:51234"
  // Reads the body, once: only now, so that nobody who may not ask can make us read.  nullopt: it did not come in time.
  std::function<std::optional<std::string>()> body = {};
  std::stop_token stop = {};  // the server stops: give up waiting
};

// Where a streamed answer goes.
class HttpStream {
 public:
  virtual ~HttpStream() = default;
  virtual bool send(std::string_view bytes) = 0;  // false: the client has gone or does not read
  virtual bool open() = 0;                        // false: the client has gone or the server stops; does not block
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers = {};
  // Set: sent after the head and instead of `body`, until it returns; the connection's end is the answer's end.
  std::function<void(HttpStream&)> stream = {};
};

// RFC 9457: {"type","title","status","detail"} as application/problem+json, with the stable `code` beside it.
HttpResponse error_response(int status, std::string_view code, std::string_view message);

// "Not Found"; "Error" for what is not in use here.
std::string_view status_title(int status);

}  // namespace sluice::admin
