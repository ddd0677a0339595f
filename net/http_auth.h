#pragma once
// The Authorization header of a client.

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>

#include "net/http_client.h"
#include "net/http_settings.h"

namespace sluice::net {

// One thread.  Secrets are read when they are needed, so that they may be rotated.
class Authorizer {
 public:
  // `options`: how the token's server is asked.
  Authorizer(HttpAuth auth, ClientOptions options);

  // The header's value; empty where no auth is configured.  With oauth2 it fetches a token when there is none, or one that ends within
  // 30 s: http_client.h's errors, and oauth2_refused (kTransient).
  Result<std::string> header(std::stop_token stop);

  // The server answered 401: forgets the token.  True when a new one may help at once.
  bool refused();

 private:
  Status fetch_token(std::stop_token stop);

  const HttpAuth auth_;
  HttpClient client_;
  std::string token_;
  std::chrono::steady_clock::time_point token_ends_;
};

std::string base64(std::string_view bytes);

}  // namespace sluice::net
