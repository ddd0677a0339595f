#include "net/http_settings.h"

#include <algorithm>
#include <array>

#include "net/http_message.h"
#include "net/url.h"

namespace sluice::net {

namespace {

const ConfigNode& at(const ConfigNode& node, std::string_view key) {
  const ConfigNode* found = node.find(key);
  return found != nullptr ? *found : node;
}

void check_tls(const HttpTls& tls, const ConfigNode& node, BindContext& context) {
  if (tls.certificate.empty() != tls.key.empty()) {
    context.findings.error(node, "conflict", "certificate and key belong together", "give both, or none of them");
  }
}

void check_auth(const HttpAuth& auth, const ConfigNode& node, BindContext& context) {
  const int ways = (auth.basic.given ? 1 : 0) + (auth.bearer.empty() ? 0 : 1) + (auth.oauth2.given ? 1 : 0);
  if (ways != 1) context.findings.error(node, "conflict", "auth needs exactly one way", "give one of basic, bearer and oauth2");
}

void check_oauth2(const HttpOAuth2& oauth2, const ConfigNode& node, BindContext& context) {
  check_url(oauth2.token_url, at(node, "token_url"), context);
}

}  // namespace

void check_url(const std::string& text, const ConfigNode& node, BindContext& context) {
  if (const auto url = parse_url(text); !url) context.findings.error(node, "bad_value", url.error().message());
}

void check_header_name(const std::string& name, const ConfigNode& node, BindContext& context) {
  static constexpr std::array<std::string_view, 6> kOurs = {"Host",       "Content-Length", "Transfer-Encoding",
                                                            "Connection", "Expect",         "Content-Encoding"};
  const bool token = !name.empty() && name.find_first_of(" \t\r\n:()<>@,;\\\"/[]?={}") == std::string::npos &&
                     std::all_of(name.begin(), name.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  if (!token) context.findings.error(node, "bad_value", "\"" + name + "\" is no name of a header");
  if (std::any_of(kOurs.begin(), kOurs.end(), [&](std::string_view ours) { return equal_ignoring_case(ours, name); })) {
    context.findings.error(node, "conflict", "the header " + name + " is made by sluice itself", "leave it out");
  }
}

const ConfigFields<HttpTls>& HttpTls::fields() {
  static const auto kFields =
      ConfigFields<HttpTls>{}
          .optional("ca", &HttpTls::ca, "PEM file of the authorities to trust; the default is the system's.")
          .optional("certificate", &HttpTls::certificate, "PEM file of our own certificate, where the server asks for one.")
          .optional("key", &HttpTls::key, "PEM file of its private key.")
          .optional("key_password", &HttpTls::key_password, "The private key's password.")
          .optional("verify", &HttpTls::verify, "false accepts any certificate under any name: for tests only.")
          .check(check_tls);
  return kFields;
}

const ConfigFields<HttpServerTls>& HttpServerTls::fields() {
  static const auto kFields =
      ConfigFields<HttpServerTls>{}
          .required("certificate", &HttpServerTls::certificate, "PEM file of the certificate and the authorities between it and a root.")
          .required("key", &HttpServerTls::key, "PEM file of its private key.")
          .optional("client_ca", &HttpServerTls::client_ca, "PEM file; only clients with a certificate of these authorities are let in.")
          .optional("key_password", &HttpServerTls::key_password, "The private key's password.");
  return kFields;
}

const ConfigFields<HttpBasicAuth>& HttpBasicAuth::fields() {
  static const auto kFields = ConfigFields<HttpBasicAuth>{}
                                  .required("user", &HttpBasicAuth::user, "The user's name.")
                                  .required("password", &HttpBasicAuth::password, "Better from ${VARIABLE} or ${file:PATH}.");
  return kFields;
}

const ConfigFields<HttpOAuth2>& HttpOAuth2::fields() {
  static const auto kFields = ConfigFields<HttpOAuth2>{}
                                  .required("token_url", &HttpOAuth2::token_url, "Where tokens come from.")
                                  .required("client_id", &HttpOAuth2::client_id, "Our name there.")
                                  .required("client_secret", &HttpOAuth2::client_secret, "Better from ${VARIABLE} or ${file:PATH}.")
                                  .optional("scope", &HttpOAuth2::scope, "Scopes to ask for, with spaces between them.")
                                  .optional("audience", &HttpOAuth2::audience, "Some servers want to know what the token is for.")
                                  .check(check_oauth2);
  return kFields;
}

const ConfigFields<HttpAuth>& HttpAuth::fields() {
  static const auto kFields =
      ConfigFields<HttpAuth>{}
          .optional("basic", &HttpAuth::basic, "A name and a password with every request.")
          .optional("bearer", &HttpAuth::bearer, "A token with every request; better from ${VARIABLE} or ${file:PATH}.")
          .optional("oauth2", &HttpAuth::oauth2, "Client credentials: a token is fetched and renewed before it ends.")
          .check(check_auth);
  return kFields;
}

}  // namespace sluice::net
