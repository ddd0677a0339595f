#pragma once
// What users write about HTTP, the same in every component: TLS of either side, and how a client proves who it is.

#include <string>

#include "core/config_fields.h"
#include "net/channel.h"

namespace sluice::net {

struct HttpTls {
  bool given = false;
  std::string ca, certificate, key;
  Secret key_password;
  bool verify = true;
  TlsFiles files() const { return {ca, certificate, key, key_password, verify}; }
  static const ConfigFields<HttpTls>& fields();
};

struct HttpServerTls {
  bool given = false;
  std::string certificate, key, client_ca;
  Secret key_password;
  TlsFiles files() const { return {client_ca, certificate, key, key_password, true}; }
  static const ConfigFields<HttpServerTls>& fields();
};

struct HttpBasicAuth {
  bool given = false;
  std::string user;
  Secret password;
  static const ConfigFields<HttpBasicAuth>& fields();
};

// Client credentials (RFC 6749 section 4.4).
struct HttpOAuth2 {
  bool given = false;
  std::string token_url, client_id;
  Secret client_secret;
  std::string scope, audience;
  static const ConfigFields<HttpOAuth2>& fields();
};

struct HttpAuth {
  bool given = false;
  HttpBasicAuth basic;
  Secret bearer;
  HttpOAuth2 oauth2;
  static const ConfigFields<HttpAuth>& fields();
};

// Findings of a header's name or literal value that cannot be sent, or that we send ourselves.
void check_header_name(const std::string& name, const ConfigNode& node, BindContext& context);
// A finding unless `text` is an address that a client can ask; nothing where a part of it is not known.
void check_url(const std::string& text, const ConfigNode& node, BindContext& context);

}  // namespace sluice::net

namespace sluice {

// A mapping that is there or not.
template <typename T>
struct GivenConfigType {
  static bool bind(const ConfigNode& node, T& out, BindContext& context) {
    T value;
    if (!T::fields().bind(node, nullptr, value, context)) return false;
    value.given = true;
    out = std::move(value);
    return true;
  }
  static std::string type_name() { return "mapping"; }
  static std::string show(const T& value) {
    if (!value.given) return {};
    std::string result;
    for (const auto& [name, text] : T::fields().show(value)) result += (result.empty() ? "" : ", ") + name + ": " + text;
    return "{" + result + "}";
  }
  static ValueShape shape() { return shapes::mapping_of(T::fields().docs()); }
};
template <>
struct ConfigType<net::HttpTls> : GivenConfigType<net::HttpTls> {};
template <>
struct ConfigType<net::HttpServerTls> : GivenConfigType<net::HttpServerTls> {};
template <>
struct ConfigType<net::HttpBasicAuth> : GivenConfigType<net::HttpBasicAuth> {};
template <>
struct ConfigType<net::HttpOAuth2> : GivenConfigType<net::HttpOAuth2> {};
template <>
struct ConfigType<net::HttpAuth> : GivenConfigType<net::HttpAuth> {};

}  // namespace sluice
