#include "sources/http/poll_state.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

namespace sluice::sources {

namespace {

Error bad_answer(std::string why) { return {ErrorKind::kTransient, "http_bad_answer", std::move(why)}; }

// A string's or number's text; empty for anything else.
std::string scalar_text(std::string_view json) {
  const auto value = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number()) return std::string(json);  // as it was written: nothing is rounded
  return {};
}

std::optional<double> number_of(const std::string& text) {
  double value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::int64_t> integer_of(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The target of rel="next" (RFC 8288 section 3).
std::string next_link(const net::Headers& headers) {
  for (const auto& [name, value] : headers.entries()) {
    if (!net::equal_ignoring_case(name, "Link")) continue;
    std::string_view rest = value;
    for (std::size_t open = rest.find('<'); open != std::string_view::npos; open = rest.find('<')) {
      const std::size_t close = rest.find('>', open);
      if (close == std::string_view::npos) break;
      const std::string_view target = rest.substr(open + 1, close - open - 1);
      rest.remove_prefix(close + 1);
      const std::string_view parameters = rest.substr(0, rest.find('<'));
      const std::size_t rel = parameters.find("rel=");
      if (rel == std::string_view::npos) continue;
      std::string_view kinds = parameters.substr(rel + 4);
      if (kinds.starts_with('"')) {
        kinds = kinds.substr(1, kinds.find('"', 1) - 1);
      } else {
        kinds = kinds.substr(0, kinds.find_first_of(",; "));
      }
      while (!kinds.empty()) {
        const std::string_view kind = kinds.substr(0, kinds.find(' '));
        if (net::equal_ignoring_case(kind, "next")) return std::string(target);
        kinds.remove_prefix(std::min(kind.size() + 1, kinds.size()));
      }
    }
  }
  return {};
}

// Another server gets neither our credentials nor a say in what we ask.
Result<std::string> checked_link(const net::Url& asked, const std::string& link) {
  auto next = net::resolve_link(asked, link);
  if (!next) return bad_answer("the Link header cannot be followed: " + next.error().message());
  if (next->origin() != asked.origin()) {
    return bad_answer("the Link header leads to another server (" + next->origin() + "), which is not followed: put that address into url");
  }
  return next->target;
}

Result<std::string> next_mark(const HttpClientConfig& config, const PollState& before, const net::Url& asked, const net::Headers& headers,
                              const PageContent& content) {
  std::string mark;
  if (config.pagination.link) {
    mark = next_link(headers);
    if (!mark.empty()) mark = SLUICE_TRY(checked_link(asked, mark));
  } else if (config.pagination.cursor.given) {
    const auto path = split_path(config.pagination.cursor.from);
    const auto found = find_json(content.body, path);
    if (found) mark = scalar_text(*found);
  } else if (config.pagination.page.given && !content.items.empty()) {
    mark = std::to_string(config.pagination.page.first + before.number + 1);
  }
  if (!mark.empty() && mark == before.next) return bad_answer("the answer names itself as the next page");
  return mark;
}

void note_cursor(const HttpClientConfig& config, const PageContent& content, std::string& seen) {
  const auto path = split_path(config.cursor.field);
  const auto look = [&](std::string_view item) {
    const auto found = find_json(item, path);
    if (!found) return;
    std::string value = scalar_text(*found);
    if (!value.empty() && (seen.empty() || is_later(value, seen))) seen = std::move(value);
  };
  for (const TextRange& item : content.items) look(std::string_view(content.body).substr(item.begin, item.size));
  std::string_view rest = content.lines ? std::string_view(content.body) : std::string_view();
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    look(line);
  }
}

}  // namespace

bool is_later(const std::string& a, const std::string& b) {
  const auto whole_a = integer_of(a), whole_b = integer_of(b);
  if (whole_a && whole_b) return *whole_a > *whole_b;
  const auto x = number_of(a), y = number_of(b);
  return x && y ? *x > *y : a > b;
}

std::string write_poll_state(const PollState& state) {
  const nlohmann::json json = {{"v", 1},
                               {"page", state.page},
                               {"inside", state.inside},
                               {"number", state.number},
                               {"next", state.next},
                               {"cursor", state.cursor},
                               {"seen", state.seen},
                               {"validated", state.validated},
                               {"etag", state.etag},
                               {"modified", state.modified}};
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Result<PollState> read_poll_state(std::string_view text) {
  const Error lost(ErrorKind::kFatal, "position_lost",
                   "the stored position of http_client cannot be read; sluice positions reset lets it begin anew");
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return lost;
  try {
    if (json.at("v") != 1) return lost;
    PollState state;
    json.at("page").get_to(state.page);
    json.at("inside").get_to(state.inside);
    json.at("number").get_to(state.number);
    json.at("next").get_to(state.next);
    json.at("cursor").get_to(state.cursor);
    json.at("seen").get_to(state.seen);
    json.at("validated").get_to(state.validated);
    json.at("etag").get_to(state.etag);
    json.at("modified").get_to(state.modified);
    return state;
  } catch (const nlohmann::json::exception&) {
    return lost;
  }
}

Result<net::Url> next_url(const HttpClientConfig& config, const PollState& state) {
  net::Url url = SLUICE_TRY(net::parse_url(config.url));
  if (state.inside && config.pagination.link) {
    url.target = state.next;
    return url;
  }
  if (config.cursor.given) {
    const std::string& since = state.cursor.empty() ? config.cursor.start : state.cursor;
    if (!since.empty()) net::set_query_parameter(url.target, config.cursor.parameter, since);
  }
  if (config.pagination.page.given) {
    const std::string first = std::to_string(config.pagination.page.first);
    net::set_query_parameter(url.target, config.pagination.page.parameter, state.inside ? state.next : first);
  } else if (config.pagination.cursor.given && state.inside) {
    net::set_query_parameter(url.target, config.pagination.cursor.parameter, state.next);
  }
  return url;
}

Result<PageContent> find_items(const HttpClientConfig& config, const net::Headers& headers, std::string body) {
  PageContent content;
  content.body = std::move(body);
  const std::string type = net::media_type(headers.find("Content-Type"));
  const bool line_type = type.find("ndjson") != std::string::npos || type.find("jsonl") != std::string::npos;
  if (config.format.format != Format::kJson || line_type) {
    content.lines = true;
    return content;
  }
  if (trim_json(content.body).empty()) return content;  // 204, and servers that say nothing where there is nothing
  const auto path = split_path(config.items);
  const auto found = find_json(content.body, path);
  if (!found) {
    return bad_answer(path.empty() ? "the answer is no JSON: check url and format (it begins: " + content.body.substr(0, 60) + ")"
                                   : "the answer has nothing at " + config.items + ": check items");
  }
  const auto begin = static_cast<std::size_t>(found->data() - content.body.data());
  if (found->starts_with('{') && path.empty()) {
    content.items.push_back({begin, found->size()});
  } else if (*found != "null" && !split_json_array(*found, content.items)) {
    return bad_answer("what the answer has at " + (path.empty() ? "its top" : config.items) + " is no array: check items");
  } else {
    for (TextRange& item : content.items) item.begin += begin;
  }
  return content;
}

Result<PollState> state_after(const HttpClientConfig& config, const PollState& before, const net::Url& asked, const net::Headers& headers,
                              const PageContent& content) {
  PollState after = before;
  ++after.page;
  if (config.cursor.given) note_cursor(config, content, after.seen);
  after.next = SLUICE_TRY(next_mark(config, before, asked, headers, content));
  after.inside = !after.next.empty();
  after.number = after.inside ? before.number + 1 : 0;
  if (after.inside) return after;
  // A validator speaks for one page only.
  const bool alone = before.number == 0;
  after.etag = alone ? std::string(headers.find("ETag")) : std::string();
  after.modified = alone ? std::string(headers.find("Last-Modified")) : std::string();
  after.validated = after.etag.empty() && after.modified.empty() ? std::string() : asked.target;
  after.cursor = after.seen;
  return after;
}

}  // namespace sluice::sources
