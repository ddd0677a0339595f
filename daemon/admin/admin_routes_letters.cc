// GET /api/v1/pipelines/{pipeline}/dead-letters, one of them, and POST .../replay and .../discard.
#include <algorithm>
#include <array>
#include <charconv>
#include <initializer_list>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "core/civil_time.h"
#include "core/value.h"
#include "daemon/admin/json_text_internal.h"
#include "daemon/admin/request_body_internal.h"
#include "daemon/admin/routes.h"
#include "dlq/dead_letter_service.h"
#include "dlq/letter_json.h"

namespace sluice::admin {

namespace {

using nlohmann::json;

constexpr std::size_t kMostLetters = 10'000;  // of one answer
constexpr std::size_t kDefaultLetters = 100;
constexpr std::array kStates = {"pending", "open", "replaying", "replayed", "discarded"};

// What a filter is read from: query parameters or the body of a POST.
using Lookup = std::function<std::optional<std::string>(const char* name)>;

std::int64_t time_of(const std::string& text) {
  const auto time = parse_timestamp(text);
  if (!time) throw std::invalid_argument("since and until must be times such as 2026-01-31T10:00:00Z");
  return time->as_int64();
}

template <typename T>
T number_of(const std::string& text, const char* what) {
  T value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || problem != std::errc() || end != text.data() + text.size() || value <= 0) throw std::invalid_argument(what);
  return value;
}

dlq::LetterFilter filter_of(const Lookup& lookup) {
  dlq::LetterFilter filter;
  filter.stage = lookup("stage");
  filter.code = lookup("code");
  filter.state = lookup("state");
  if (filter.state && std::find(kStates.begin(), kStates.end(), *filter.state) == kStates.end())
    throw std::invalid_argument("state must be pending, open, replaying, replayed or discarded");
  if (const auto id = lookup("id")) filter.id = number_of<std::int64_t>(*id, "id must be a whole number above 0");
  if (const auto since = lookup("since")) filter.since = time_of(*since);
  if (const auto until = lookup("until")) filter.until = time_of(*until);
  return filter;
}

bool narrows(const dlq::LetterFilter& filter) {
  return filter.stage || filter.code || filter.state || filter.id || filter.since || filter.until;
}

// A member of the body as text; absent: nullopt.
Lookup in_body(const json& filter) {
  return [&filter](const char* name) -> std::optional<std::string> {
    const auto found = filter.find(name);
    if (found == filter.end()) return std::nullopt;
    if (found->is_string()) return found->get<std::string>();
    if (found->is_number_integer()) return std::to_string(found->get<std::int64_t>());
    throw std::invalid_argument(std::string("\"") + name + "\" must be text");
  };
}

Lookup in_query(const RouteRequest& request) {
  return [&request](const char* name) -> std::optional<std::string> {
    std::string text = request.query(name);
    if (text.empty()) return std::nullopt;
    return text;
  };
}

HttpResponse totals(dlq::DeadLetterService& service, const dlq::LetterFilter& filter, const std::string& by) {
  if (by != "stage" && by != "code" && by != "stage_and_code") return bad_request("group_by must be stage, code or stage_and_code");
  const auto group = by == "stage" ? dlq::LetterGroup::kStage : by == "code" ? dlq::LetterGroup::kCode : dlq::LetterGroup::kStageAndCode;
  const auto found = service.totals(filter, group);
  if (!found) return refused(found.error());
  std::string body = "{\"totals\":[";
  for (const dlq::LetterTotal& total : *found) {
    if (body.back() != '[') body += ',';
    dlq::append_total_json(total, body);
  }
  return {200, "application/json", body + "]}\n"};
}

HttpResponse list(const RouteContext& context, const RouteRequest& request) {
  if (context.letters == nullptr) return not_offered();
  dlq::LetterFilter filter;
  try {
    filter = filter_of(in_query(request));
    if (const std::string after = request.query("after"); !after.empty())
      filter.after = number_of<std::int64_t>(after, "after must be the id of a letter");
    const std::string limit = request.query("limit");
    filter.limit = limit.empty() ? kDefaultLetters : number_of<std::size_t>(limit, "limit must be between 1 and 10000");
    if (filter.limit > kMostLetters) return bad_request("limit must be between 1 and 10000");
  } catch (const std::invalid_argument& error) {
    return bad_request(error.what());
  }
  const auto service = context.letters->letters(request.segments.front());
  if (!service) return refused(service.error());
  if (const std::string by = request.query("group_by"); !by.empty()) return totals(**service, filter, by);
  const auto found = (*service)->list(filter);
  if (!found) return refused(found.error());
  std::string body = "{\"letters\":[";
  for (const dlq::StoredLetter& letter : *found) {
    if (body.back() != '[') body += ',';
    dlq::append_letter_json(letter, body);
  }
  return {200, "application/json", body + "]}\n"};
}

HttpResponse show(const RouteContext& context, const RouteRequest& request) {
  if (context.letters == nullptr) return not_offered();
  std::int64_t id = 0;
  try {
    id = number_of<std::int64_t>(request.segments.back(), "");
  } catch (const std::invalid_argument&) {
    return error_response(404, "unknown_letter", "there is no such dead letter");
  }
  const auto service = context.letters->letters(request.segments.front());
  if (!service) return refused(service.error());
  const auto found = (*service)->show(id);
  if (!found) return refused(found.error());
  if (found->empty()) return error_response(404, "unknown_letter", "there is no such dead letter");
  std::string body;
  dlq::append_letter_json(found->front(), body);
  return {200, "application/json", body + "\n"};
}

// A misspelled limit must not make all of a few: unknown names are refused.
void only(const json& object, std::initializer_list<std::string_view> names, const char* what) {
  for (const auto& [name, ignored] : object.items()) {
    if (std::find(names.begin(), names.end(), name) == names.end())
      throw std::invalid_argument(std::string(what) + " has no \"" + name + "\"");
  }
}

// The letters that a body means; throws std::invalid_argument.  Without a filter only with "all": true.
dlq::LetterFilter wished(const json& body) {
  const json filter = body.value("filter", json::object());
  const json all = body.value("all", json(false));
  if (!filter.is_object()) throw std::invalid_argument("\"filter\" must be an object");
  if (!all.is_boolean()) throw std::invalid_argument("\"all\" must be true or false");
  only(filter, {"stage", "code", "state", "id", "since", "until"}, "the filter");
  dlq::LetterFilter result = filter_of(in_body(filter));
  if (!narrows(result) && !all.get<bool>()) throw std::invalid_argument("give a filter, or \"all\": true");
  result.limit = std::numeric_limits<std::size_t>::max();
  if (const auto limit = body.find("limit"); limit != body.end()) {
    result.limit = limit->is_number_unsigned() ? limit->get<std::size_t>() : 0;
    if (result.limit == 0) throw std::invalid_argument("\"limit\" must be a whole number above 0");
  }
  return result;
}

bool flag_of(const json& body, const char* name) {
  const json value = body.value(name, json(false));
  if (!value.is_boolean()) throw std::invalid_argument(std::string("\"") + name + "\" must be true or false");
  return value.get<bool>();
}

dlq::ReplayRequest replay_of(const json& body) {
  only(body, {"filter", "all", "limit", "from", "allow_stale"}, "the body");
  dlq::ReplayRequest request;
  request.filter = wished(body);
  const json from = body.value("from", json("stage"));
  if (from != "stage" && from != "start") throw std::invalid_argument("\"from\" must be stage or start");
  request.from_start = from == "start";
  request.allow_stale = flag_of(body, "allow_stale");
  return request;
}

// Parses the body, finds the service and lets `act` answer.
template <typename F>
HttpResponse with_body(const RouteContext& context, const RouteRequest& request, F act) {
  if (context.letters == nullptr) return not_offered();
  auto parsed = json_body(request.http);
  if (auto* wrong = std::get_if<HttpResponse>(&parsed)) return std::move(*wrong);
  try {
    const auto service = context.letters->letters(request.segments.front());
    if (!service) return refused(service.error());
    return act(**service, std::get<json>(parsed));
  } catch (const std::invalid_argument& error) {
    return bad_request(error.what());
  }
}

HttpResponse replay(const RouteContext& context, const RouteRequest& request) {
  return with_body(context, request, [](dlq::DeadLetterService& service, const json& body) {
    const auto ticket = service.replay(replay_of(body));
    if (!ticket) return refused(ticket.error());
    return json_response(202, {{"accepted", ticket->accepted},
                               {"not_yet", ticket->not_yet},
                               {"not_open", ticket->not_open},
                               {"first", ticket->first},
                               {"last", ticket->last}});
  });
}

HttpResponse discard(const RouteContext& context, const RouteRequest& request) {
  return with_body(context, request, [](dlq::DeadLetterService& service, const json& body) {
    only(body, {"filter", "all", "limit"}, "the body");
    const auto result = service.discard(wished(body));
    if (!result) return refused(result.error());
    return json_response(200, {{"discarded", result->discarded}, {"not_open", result->not_open}});
  });
}

HttpResponse progress(const RouteContext& context, const RouteRequest& request) {
  if (context.letters == nullptr) return not_offered();
  dlq::ReplayTicket ticket;
  try {
    ticket.first = number_of<std::int64_t>(request.query("first"), "first must be as the replay's answer has it");
    ticket.last = number_of<std::int64_t>(request.query("last"), "last must be as the replay's answer has it");
    if (ticket.last < ticket.first) return bad_request("last must be as the replay's answer has it");
    ticket.accepted = static_cast<std::uint64_t>(ticket.last - ticket.first) + 1;
  } catch (const std::invalid_argument& error) {
    return bad_request(error.what());
  }
  const auto service = context.letters->letters(request.segments.front());
  if (!service) return refused(service.error());
  const auto found = (*service)->progress(ticket);
  if (!found) return refused(found.error());
  return json_response(
      200,
      {{"waiting", found->waiting}, {"replayed", found->replayed}, {"refused_again", found->refused_again}, {"put_back", found->put_back}});
}

std::vector<QueryParameter> filter_parameters() {
  return {{"stage", R"({"type":"string"})", "Only those of this source, step or sink."},
          {"code", R"({"type":"string"})", "Only those with this code."},
          {"state", R"({"enum":["pending","open","replaying","replayed","discarded"]})", "Only those in this state."},
          {"id", R"({"type":"integer","minimum":1})", "Only this one."},
          {"after", R"({"type":"integer","minimum":1})", "Only those with ids above, to go on with a list."},
          {"since", R"({"type":"string","format":"date-time"})", "Only those last seen then or later."},
          {"until", R"({"type":"string","format":"date-time"})", "Only those last seen before."},
          {"limit", R"({"type":"integer","minimum":1,"maximum":10000,"default":100})", "At most so many, the oldest first."},
          {"group_by", R"({"enum":["stage","code","stage_and_code"]})", "Totals instead of letters."}};
}

}  // namespace

void add_letter_routes(std::vector<Route>& routes) {
  const std::string_view base = "/api/v1/pipelines/{pipeline}/dead-letters";
  Route all{"GET", base, Access::kTrusted, "Dead letters, or their totals.", "DeadLetters", list};
  all.query = filter_parameters();
  routes.push_back(std::move(all));
  Route moving{
      "GET",   "/api/v1/pipelines/{pipeline}/dead-letters/progress", Access::kTrusted, "How far a replay has come.", "ReplayProgress",
      progress};
  moving.query = {{"first", R"({"type":"integer","minimum":1})", "As the replay's answer has it."},
                  {"last", R"({"type":"integer","minimum":1})", "As the replay's answer has it."}};
  routes.push_back(std::move(moving));
  routes.push_back(
      {"GET", "/api/v1/pipelines/{pipeline}/dead-letters/{id}", Access::kTrusted, "One dead letter with its content.", "DeadLetter", show});
  Route again{"POST",           "/api/v1/pipelines/{pipeline}/dead-letters/replay",
              Access::kTrusted, "Sends open letters through the pipeline again, exactly once.",
              "ReplayTicket",   replay};
  again.takes = "ReplayWish";
  routes.push_back(std::move(again));
  Route gone{"POST", "/api/v1/pipelines/{pipeline}/dead-letters/discard", Access::kTrusted, "Gives letters up.", "Discarded", discard};
  gone.takes = "LetterWish";
  routes.push_back(std::move(gone));
}

}  // namespace sluice::admin
