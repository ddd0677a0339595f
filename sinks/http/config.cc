#include "sinks/http/config.h"

#include "net/url.h"

namespace sluice::sinks {

namespace {

const ConfigNode& at(const ConfigNode& node, std::string_view key) {
  const ConfigNode* found = node.find(key);
  return found != nullptr ? *found : node;
}

// A record decides what is asked for, never whom: else it could send our credentials anywhere.
void check_target(const TemplateText& url, const ConfigNode& node, BindContext& context) {
  const std::string begin = url.parts.empty() || url.parts.front().is_expression ? std::string() : url.parts.front().text;
  if (url.is_constant()) {
    std::string whole;
    for (const TemplateText::Part& part : url.parts) whole += part.text;
    return net::check_url(whole, node, context);
  }
  const std::size_t scheme = begin.find("://");
  const std::size_t path = scheme == std::string::npos ? scheme : begin.find_first_of("/?", scheme + 3);
  if (path == std::string::npos) {
    context.findings.error(node, "bad_value", "the url's host must be written out; only what follows it may come from records",
                           "for example https://api.example.com/orders/${this.id}");
    return;
  }
  net::check_url(begin.substr(0, path), node, context);
}

void check_config(const HttpSinkConfig& config, const ConfigNode& node, BindContext& context) {
  check_target(config.url, at(node, "url"), context);
  const ConfigNode& headers = at(node, "headers");
  for (const auto& [name, value] : config.headers) net::check_header_name(name, at(headers, name), context);
  if (!config.id_header.empty()) net::check_header_name(config.id_header, at(node, "id_header"), context);
  if (config.body == HttpBody::kArray && config.format.format == Format::kCsv) {
    context.findings.error(at(node, "body"), "conflict", "csv is lines, not an array", "body: lines");
  }
  if (config.timeout.count() < 1) context.findings.error(at(node, "timeout"), "out_of_range", "timeout must be above 0");
}

void check_batch(const HttpBatch& batch, const ConfigNode& node, BindContext& context) {
  if (batch.records == 0) context.findings.error(at(node, "records"), "out_of_range", "records must be at least 1");
  constexpr std::uint64_t kMost = 256ULL * 1024 * 1024;  // a body is kept in memory, packed and unpacked
  if (batch.bytes.bytes == 0 || batch.bytes.bytes > kMost) {
    context.findings.error(at(node, "bytes"), "out_of_range", "bytes must be between 1B and 256MiB");
  }
}

}  // namespace

const ConfigFields<HttpBatch>& HttpBatch::fields() {
  static const auto kFields = ConfigFields<HttpBatch>{}
                                  .optional("records", &HttpBatch::records, "Records of one request, at most.")
                                  .optional("bytes", &HttpBatch::bytes, "Bytes of one body before compression; a larger record goes alone.")
                                  .check(check_batch);
  return kFields;
}

const ConfigFields<HttpSinkConfig>& http_sink_fields() {
  using C = HttpSinkConfig;
  static const auto kFields =
      ConfigFields<C>{}
          .required("url", &C::url, "Where to; a template whose host is written out.")
          .optional("method", &C::method, "Of each request.")
          .optional("format", &C::format, "How a record becomes text.")
          .optional("body", &C::body, "lines: one record a line (a batch of one is the record alone); array: a JSON array.")
          .optional("batch", &C::batch, "How much goes into one request; records of another url or other headers begin a new one.")
          .optional("headers", &C::headers, "Headers of each request: {name: template}.")
          .optional("id_header", &C::id_header, "Header with the record's id, or with the hash of a batch's ids; \"\" leaves it out.")
          .optional("auth", &C::auth, "How we prove who we are: basic, bearer or oauth2.")
          .optional("tls", &C::tls, "For https: other authorities than the system's, and our own certificate.")
          .optional("compression", &C::compression, "Of the body.")
          .optional("timeout", &C::timeout, "For a whole request, from connecting to the answer's last byte.")
          .optional("allow_link_local", &C::allow_link_local, "Lets the host be a link-local address such as 169.254.169.254.")
          .check(check_config);
  return kFields;
}

}  // namespace sluice::sinks
