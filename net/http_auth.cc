#include "net/http_auth.h"

#include <openssl/evp.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace sluice::net {

namespace {

constexpr std::chrono::seconds kRenewBefore{30};
constexpr std::chrono::seconds kUsualLife{300};  // of a token whose server does not say (RFC 6749 section 5.1 recommends that it does)

Error refusal(const ClientAnswer& answer) {
  return {ErrorKind::kTransient, "oauth2_refused",
          "the token's server answers " + std::to_string(answer.status) + " (" + excerpt(answer.body) +
              "): check token_url, client_id, client_secret and scope"};
}

}  // namespace

std::string base64(std::string_view bytes) {
  std::string result((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int size = ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(result.data()),                                        // NOLINT
                                     reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));  // NOLINT
  result.resize(static_cast<std::size_t>(size));
  return result;
}

Authorizer::Authorizer(HttpAuth auth, ClientOptions options)
    : auth_(std::move(auth)), client_([&] {
        options.max_answer = 1024 * 1024;
        options.overlong = Overlong::kFail;
        return options;
      }()) {}

Result<std::string> Authorizer::header(std::stop_token stop) {
  std::string value;
  if (auth_.basic.given) {
    value = "Basic " + base64(auth_.basic.user + ":" + SLUICE_TRY(auth_.basic.password.current()));
  } else if (!auth_.bearer.empty()) {
    value = "Bearer " + SLUICE_TRY(auth_.bearer.current());
  } else if (auth_.oauth2.given) {
    const bool good = !token_.empty() && std::chrono::steady_clock::now() + kRenewBefore < token_ends_;
    if (!good) SLUICE_TRY(fetch_token(std::move(stop)));
    value = "Bearer " + token_;
  }
  while (!value.empty() && (value.back() == '\n' || value.back() == '\r' || value.back() == ' ')) value.pop_back();
  if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
    return Error(ErrorKind::kTransient, "bad_secret", "the secret in auth has several lines");
  }
  return value;
}

bool Authorizer::refused() { return !std::exchange(token_, {}).empty(); }

// RFC 6749 sections 2.3.1 and 4.4.
Status Authorizer::fetch_token(std::stop_token stop) {
  const HttpOAuth2& oauth2 = auth_.oauth2;
  const Url url = SLUICE_TRY(parse_url(oauth2.token_url));
  std::string secret = SLUICE_TRY(oauth2.client_secret.current());
  while (secret.ends_with('\n')) secret.pop_back();
  ClientRequest request;
  request.method = "POST";
  request.headers.add("Authorization", "Basic " + base64(percent_encode(oauth2.client_id) + ":" + percent_encode(secret)));
  request.headers.add("Content-Type", "application/x-www-form-urlencoded");
  request.headers.add("Accept", "application/json");
  std::string body = "grant_type=client_credentials";
  if (!oauth2.scope.empty()) body += "&scope=" + percent_encode(oauth2.scope);
  if (!oauth2.audience.empty()) body += "&audience=" + percent_encode(oauth2.audience);
  request.body = body;
  auto answer = client_.send(url, request, std::move(stop));
  if (!answer) return std::move(answer).error().context("token");
  if (answer->status != 200) return refusal(*answer);
  const auto json = nlohmann::json::parse(answer->body, nullptr, /*allow_exceptions=*/false);
  const auto token = json.is_object() ? json.find("access_token") : json.end();
  if (!json.is_object() || token == json.end() || !token->is_string()) {
    return Error(ErrorKind::kTransient, "oauth2_refused", "the token's server answers without an access_token");
  }
  token_ = token->get<std::string>();
  const auto life = json.find("expires_in");
  const bool said = life != json.end() && life->is_number();
  const auto seconds = said ? std::chrono::seconds(static_cast<std::int64_t>(std::clamp(life->get<double>(), 0.0, 86400.0))) : kUsualLife;
  token_ends_ = std::chrono::steady_clock::now() + std::max(seconds, kRenewBefore + std::chrono::seconds(5));
  return {};
}

}  // namespace sluice::net
