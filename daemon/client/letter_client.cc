#include "daemon/client/letter_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/civil_time.h"
#include "daemon/client/letter_answers_internal.h"

namespace sluice::client {

namespace {

using nlohmann::json;

constexpr std::size_t kPage = 10'000;  // letters of one answer
constexpr int kChangeSeconds = 600;    // a million letters at once
constexpr int kReadSeconds = 120;

std::string time_text(std::int64_t microseconds) {
  std::array<char, kTimeTextBytes> buffer{};
  return {buffer.data(), write_timestamp(buffer.data(), microseconds)};
}

json filter_json(const dlq::LetterFilter& filter) {
  json result = json::object();
  if (filter.stage) result["stage"] = *filter.stage;
  if (filter.code) result["code"] = *filter.code;
  if (filter.state) result["state"] = *filter.state;
  if (filter.id) result["id"] = *filter.id;
  if (filter.since) result["since"] = time_text(*filter.since);
  if (filter.until) result["until"] = time_text(*filter.until);
  return result;
}

json wish(const dlq::LetterFilter& filter) {
  json body = {{"filter", filter_json(filter)}};
  if (body["filter"].empty()) body["all"] = true;  // the command line has asked for a filter, a limit or --all
  if (filter.limit != std::numeric_limits<std::size_t>::max()) body["limit"] = filter.limit;
  return body;
}

std::string query_of(const dlq::LetterFilter& filter) {
  std::string query = "?";
  const json members = filter_json(filter);
  for (const auto& [name, value] : members.items()) {
    query += fmt::format("{}={}&", name, path_segment(value.is_string() ? value.get<std::string>() : value.dump()));
  }
  return query;
}

dlq::LetterTotal total_of(const json& total) {
  const auto time = [&](const char* name) {
    const auto parsed = parse_timestamp(total.at(name).get<std::string>());
    return parsed ? parsed->as_int64() : 0;
  };
  const auto count = [&](const char* name) { return total.at(name).get<std::uint64_t>(); };
  return {total.value("stage", ""), total.value("code", ""), count("count"),     count("pending"),   count("open"),
          count("replaying"),       count("replayed"),       count("discarded"), time("first_seen"), time("last_seen")};
}

class Client final : public LetterClient {
 public:
  explicit Client(std::unique_ptr<AdminClient> admin) : admin_(std::move(admin)) {}

  Status reach() override {
    SLUICE_TRY(checked(admin_->get("/api/v1/version")));
    return {};
  }

  Result<std::vector<std::string>> pipelines() override {
    const std::string body = SLUICE_TRY(checked(admin_->get("/api/v1/pipelines")));
    return read<std::vector<std::string>>(body, [](const json& all) {
      std::vector<std::string> names;
      for (const json& one : all) names.push_back(one.at("name").get<std::string>());
      std::sort(names.begin(), names.end());
      return names;
    });
  }

  Result<std::vector<dlq::StoredLetter>> list(const std::string& pipeline, const dlq::LetterFilter& filter) override {
    std::vector<dlq::StoredLetter> result;
    while (result.size() < filter.limit) {
      const std::size_t page = std::min(kPage, filter.limit - result.size());
      std::string path = letters_path(pipeline) + query_of(filter) + fmt::format("limit={}", page);
      if (!result.empty()) path += fmt::format("&after={}", result.back().id);
      auto letters = letters_of(SLUICE_TRY(checked(admin_->get(path, kReadSeconds))));
      if (!letters) return unexpected();
      const bool last = letters->size() < page;
      std::move(letters->begin(), letters->end(), std::back_inserter(result));
      if (last) break;
    }
    return result;
  }

  Result<std::vector<dlq::LetterTotal>> totals(const std::string& pipeline, const dlq::LetterFilter& filter, dlq::LetterGroup by) override {
    const std::string_view group = by == dlq::LetterGroup::kStage ? "stage" : by == dlq::LetterGroup::kCode ? "code" : "stage_and_code";
    const std::string path = fmt::format("{}{}group_by={}", letters_path(pipeline), query_of(filter), group);
    const std::string body = SLUICE_TRY(checked(admin_->get(path, kReadSeconds)));
    return read<std::vector<dlq::LetterTotal>>(body, [](const json& answer) {
      std::vector<dlq::LetterTotal> totals;
      for (const json& total : answer.at("totals")) totals.push_back(total_of(total));
      return totals;
    });
  }

  Result<std::vector<dlq::StoredLetter>> show(const std::string& pipeline, std::int64_t id) override {
    const auto body = checked(admin_->get(fmt::format("{}/{}", letters_path(pipeline), id), kReadSeconds));
    if (!body && body.error().code() == "unknown_letter") return std::vector<dlq::StoredLetter>();
    if (!body) return body.error();
    auto letter = letter_of(*body);
    if (!letter) return unexpected();
    return std::vector{std::move(*letter)};
  }

  Result<dlq::DiscardResult> discard(const std::string& pipeline, const dlq::LetterFilter& filter) override {
    const std::string body = SLUICE_TRY(checked(admin_->post(letters_path(pipeline) + "/discard", wish(filter).dump(), kChangeSeconds)));
    return read<dlq::DiscardResult>(body, [](const json& answer) {
      return dlq::DiscardResult{answer.at("discarded"), answer.at("not_open")};
    });
  }

  Result<dlq::ReplayTicket> replay(const std::string& pipeline, const dlq::ReplayRequest& request) override {
    json asked = wish(request.filter);
    asked["from"] = request.from_start ? "start" : "stage";
    asked["allow_stale"] = request.allow_stale;
    const std::string body = SLUICE_TRY(checked(admin_->post(letters_path(pipeline) + "/replay", asked.dump(), kChangeSeconds)));
    return read<dlq::ReplayTicket>(body, [](const json& answer) {
      return dlq::ReplayTicket{answer.at("accepted"), answer.at("not_yet"), answer.at("not_open"), answer.at("first"), answer.at("last")};
    });
  }

  Result<dlq::ReplayProgress> progress(const std::string& pipeline, const dlq::ReplayTicket& ticket) override {
    if (ticket.accepted == 0) return dlq::ReplayProgress{};
    const std::string path = fmt::format("{}/progress?first={}&last={}", letters_path(pipeline), ticket.first, ticket.last);
    const std::string body = SLUICE_TRY(checked(admin_->get(path, kReadSeconds)));
    return read<dlq::ReplayProgress>(body, [](const json& answer) {
      return dlq::ReplayProgress{answer.at("waiting"), answer.at("replayed"), answer.at("refused_again"), answer.at("put_back")};
    });
  }

  Result<std::string> state(const std::string& pipeline) override {
    const std::string body = SLUICE_TRY(checked(admin_->get("/api/v1/pipelines/" + path_segment(pipeline))));
    return read<std::string>(body, [](const json& answer) { return answer.at("state").get<std::string>(); });
  }

 private:
  static std::string letters_path(const std::string& pipeline) { return "/api/v1/pipelines/" + path_segment(pipeline) + "/dead-letters"; }

  static Error unexpected() { return {ErrorKind::kFatal, "unexpected_answer", "the daemon's answer is not as this version knows it"}; }

  // The body of a good answer, or what the daemon refused with.
  Result<std::string> checked(Result<Answer> answer) {
    if (!answer) return answer.error();
    if (answer->good()) return std::move(answer->body);
    const json problem = json::parse(answer->body, nullptr, false);
    const bool ours = problem.is_object() && problem.contains("code") && problem["code"].is_string() && problem.contains("detail") &&
                      problem["detail"].is_string();
    if (!ours)
      return Error(ErrorKind::kFatal, "unexpected_answer", fmt::format("HTTP {} from what should be a sluice daemon", answer->status));
    codes_.push_back(problem["code"].get<std::string>());
    return Error(ErrorKind::kFatal, codes_.back(), problem["detail"].get<std::string>());
  }

  template <typename T, typename F>
  static Result<T> read(const std::string& body, F function) {
    try {
      return function(json::parse(body));
    } catch (const json::exception&) {
      return unexpected();
    }
  }

  const std::unique_ptr<AdminClient> admin_;
  std::deque<std::string> codes_;  // errors refer to them
};

}  // namespace

Result<std::unique_ptr<LetterClient>> make_letter_client(const Endpoint& endpoint) {
  return std::unique_ptr<LetterClient>(std::make_unique<Client>(SLUICE_TRY(AdminClient::make(endpoint))));
}

}  // namespace sluice::client
