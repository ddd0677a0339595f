#include "sources/http/server_config.h"

#include "net/address.h"

namespace sluice::sources {

namespace {

const ConfigNode& at(const ConfigNode& node, std::string_view key) {
  const ConfigNode* found = node.find(key);
  return found != nullptr ? *found : node;
}

void check_listen(const HttpServerConfig& config, const ConfigNode& node, BindContext& context) {
  const auto address = net::parse_listen_address(config.listen);
  if (!address) return context.findings.error(at(node, "listen"), "bad_value", address.error().message());
  const bool known = !config.token.empty() || !config.tls.client_ca.empty();
  if (!address->loopback && !known) {
    context.findings.error(at(node, "listen"), "conflict", "whoever reaches this address could send records",
                           "give a token, or tls with client_ca; without them listen on 127.0.0.1");
  }
}

void check_config(const HttpServerConfig& config, const ConfigNode& node, BindContext& context) {
  check_listen(config, node, context);
  if (!config.path.starts_with('/') || config.path.find_first_of(" ?#") != std::string::npos) {
    context.findings.error(at(node, "path"), "bad_value", "path begins with / and has neither a query nor spaces");
  }
  constexpr std::uint64_t kMost = 1024ULL * 1024 * 1024;  // a body is kept in memory
  if (config.max_body.bytes == 0 || config.max_body.bytes > kMost) {
    context.findings.error(at(node, "max_body"), "out_of_range", "max_body must be between 1B and 1GiB");
  }
  if (config.max_waiting.bytes < config.max_body.bytes) {
    context.findings.error(at(node, "max_waiting"), "conflict", "max_waiting must be at least max_body", "raise max_waiting");
  }
  if (config.max_connections == 0)
    context.findings.error(at(node, "max_connections"), "out_of_range", "max_connections must be at least 1");
  if (config.read_timeout.count() < 1) context.findings.error(at(node, "read_timeout"), "out_of_range", "read_timeout must be above 0");
  if (config.ack_timeout.count() < 1) context.findings.error(at(node, "ack_timeout"), "out_of_range", "ack_timeout must be above 0");
}

}  // namespace

const ConfigFields<HttpServerConfig>& http_server_fields() {
  using C = HttpServerConfig;
  static const auto kFields =
      ConfigFields<C>{}
          .optional("listen", &C::listen, "Address and port; other than loopback only with a token or tls.client_ca.")
          .optional("path", &C::path, "Where records are posted to; anything else is answered 404.")
          .optional("format", &C::format,
                    "json (an object, an array, or lines as application/x-ndjson), csv (text/csv with a header) or lines (text/plain).")
          .optional("token", &C::token, "Clients send it as Authorization: Bearer; a file is read again once a second.")
          .optional("tls", &C::tls, "Speak https.")
          .optional("max_body", &C::max_body, "A larger body, packed or unpacked, is answered 413.")
          .optional("max_waiting", &C::max_waiting, "Bytes of bodies that wait for the pipeline; beyond it 429 is answered.")
          .optional("max_connections", &C::max_connections, "More connections wait until others end.")
          .optional("read_timeout", &C::read_timeout, "For a whole request to come, and for an idle connection.")
          .optional("ack_timeout", &C::ack_timeout, "How long a request waits for its records to be durable; then 504 is answered.")
          .check(check_config);
  return kFields;
}

}  // namespace sluice::sources
