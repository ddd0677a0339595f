#include "sources/http/client_config.h"

namespace sluice {

bool ConfigType<sources::Pagination>::bind(const ConfigNode& node, sources::Pagination& out, BindContext& context) {
  if (node.is_scalar()) {
    std::size_t index = 0;
    if (!bind_enum(node, {"link"}, index, context)) return false;
    out.link = true;
    return true;
  }
  if (!node.is_mapping()) return wrong_type(node, "link, {cursor: ...} or {page: ...}", context), false;
  return sources::Pagination::fields().bind(node, nullptr, out, context);
}

std::string ConfigType<sources::Pagination>::show(const sources::Pagination& value) {
  if (value.link) return "link";
  if (value.cursor.given) return "{cursor: " + ConfigType<sources::PageCursor>::show(value.cursor) + "}";
  if (value.page.given) return "{page: " + ConfigType<sources::PageNumber>::show(value.page) + "}";
  return {};
}

namespace sources {

namespace {

const ConfigNode& at(const ConfigNode& node, std::string_view key) {
  const ConfigNode* found = node.find(key);
  return found != nullptr ? *found : node;
}

void check_pagination(const Pagination& pagination, const ConfigNode& node, BindContext& context) {
  if (pagination.cursor.given == pagination.page.given) {
    context.findings.error(node, "conflict", "pagination needs exactly one way", "write link, {cursor: ...} or {page: ...}");
  }
}

void check_page_cursor(const PageCursor& cursor, const ConfigNode& node, BindContext& context) {
  if (cursor.from.empty()) context.findings.error(at(node, "from"), "bad_value", "from names no place in the answer");
  if (cursor.parameter.empty()) context.findings.error(at(node, "parameter"), "bad_value", "parameter is empty");
}

void check_poll_cursor(const PollCursor& cursor, const ConfigNode& node, BindContext& context) {
  if (cursor.field.empty()) context.findings.error(at(node, "field"), "bad_value", "field names no field of an item");
  if (cursor.parameter.empty()) context.findings.error(at(node, "parameter"), "bad_value", "parameter is empty");
}

void check_json_only(const HttpClientConfig& config, const ConfigNode& node, BindContext& context) {
  if (config.format.format == Format::kJson) return;
  const auto conflict = [&](bool wrong, std::string_view key) {
    if (wrong) context.findings.error(at(node, key), "conflict", std::string(key) + " needs format: json");
  };
  conflict(!config.items.empty(), "items");
  conflict(config.cursor.given, "cursor");
  conflict(config.pagination.cursor.given, "pagination");
}

void check_config(const HttpClientConfig& config, const ConfigNode& node, BindContext& context) {
  net::check_url(config.url, at(node, "url"), context);
  const ConfigNode& headers = at(node, "headers");
  for (const auto& [name, value] : config.headers) {
    net::check_header_name(name, at(headers, name), context);
    if (value.reveal().find_first_of("\r\n") != std::string::npos) {
      context.findings.error(at(headers, name), "bad_value", "the value of a header has several lines");
    }
  }
  if (config.method == PollMethod::kGet && !config.body.empty()) {
    context.findings.error(at(node, "body"), "conflict", "a GET has no body", "method: POST");
  }
  if (config.every.count() < 1) context.findings.error(at(node, "every"), "out_of_range", "every must be above 0");
  if (config.timeout.count() < 1) context.findings.error(at(node, "timeout"), "out_of_range", "timeout must be above 0");
  constexpr std::uint64_t kMost = 64ULL * 1024 * 1024;  // a page is kept in memory and committed as one
  if (config.max_response.bytes == 0 || config.max_response.bytes > kMost) {
    context.findings.error(at(node, "max_response"), "out_of_range", "max_response must be between 1B and 64MiB", "ask for smaller pages");
  }
  check_json_only(config, node, context);
}

}  // namespace

std::vector<std::string> split_path(const std::string& path) {
  std::vector<std::string> result;
  for (std::size_t begin = 0; begin < path.size();) {
    const std::size_t end = std::min(path.find('.', begin), path.size());
    result.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return result;
}

const ConfigFields<PageCursor>& PageCursor::fields() {
  static const auto kFields =
      ConfigFields<PageCursor>{}
          .required("from", &PageCursor::from, "Where in the answer the next page's mark stands: meta.next_cursor. None or null: no more.")
          .optional("parameter", &PageCursor::parameter, "Parameter of the url that it is sent back in.")
          .check(check_page_cursor);
  return kFields;
}

const ConfigFields<PageNumber>& PageNumber::fields() {
  static const auto kFields = ConfigFields<PageNumber>{}
                                  .optional("parameter", &PageNumber::parameter, "Parameter of the url with the page's number.")
                                  .optional("first", &PageNumber::first, "Number of the first page.");
  return kFields;
}

const ConfigFields<Pagination>& Pagination::fields() {
  static const auto kFields = ConfigFields<Pagination>{}
                                  .optional("cursor", &Pagination::cursor, "The answer names the next page.")
                                  .optional("page", &Pagination::page, "Pages are numbered; one without items is the last.")
                                  .check(check_pagination);
  return kFields;
}

const ConfigFields<PollCursor>& PollCursor::fields() {
  static const auto kFields =
      ConfigFields<PollCursor>{}
          .required("field", &PollCursor::field, "Field of the items whose highest value is remembered: updated_at.")
          .optional("parameter", &PollCursor::parameter, "Parameter of the url that says from where on.")
          .optional("start", &PollCursor::start, "Value of the very first poll; without it the parameter is left out.")
          .check(check_poll_cursor);
  return kFields;
}

const ConfigFields<HttpClientConfig>& http_client_fields() {
  using C = HttpClientConfig;
  static const auto kFields =
      ConfigFields<C>{}
          .required("url", &C::url, "What is asked.")
          .optional("every", &C::every, "From the beginning of one poll to the next; a poll is all its pages.")
          .optional("format", &C::format, "json (an array, an object, or lines as application/x-ndjson), csv or lines.")
          .optional("items", &C::items, "Where in the answer the array of items stands: data.items. Without it the answer is the array.")
          .optional("method", &C::method, "GET, or POST with a body.")
          .optional("body", &C::body, "Of a POST; sent as application/json.")
          .optional("headers", &C::headers, "Headers of each request: {name: value}.")
          .optional("pagination", &C::pagination, "How an answer leads to the next page.")
          .optional("cursor", &C::cursor, "Ask only for what is newer than the last item.")
          .optional("auth", &C::auth, "How we prove who we are: basic, bearer or oauth2.")
          .optional("tls", &C::tls, "For https: other authorities than the system's, and our own certificate.")
          .optional("timeout", &C::timeout, "For a whole request, from connecting to the answer's last byte.")
          .optional("max_response", &C::max_response, "A larger answer, unpacked, is an error.")
          .optional("allow_link_local", &C::allow_link_local, "Lets the host be a link-local address such as 169.254.169.254.")
          .check(check_config);
  return kFields;
}

}  // namespace sources

}  // namespace sluice
