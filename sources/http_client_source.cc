// `http_client`: polls an HTTP server.
//
//   waiting --every--> fetching --200--> spooled --> handed out --last page--> waiting
//              ^           | 304, error                  | next page
//              `-----------+-----------------------------+--> fetching
//
// Ordinal: major = number of the page over all polls, minor = number of the item in it, from 1; a page that is done stands at (page, end).
// Partition: host and path of `url`.  A server may answer the same question differently a second later, so a page is made durable in the
// spool before its first record is handed out, and stays there until every sink has it (page_spool.h): what is read again after a crash is
// that very page.  No commit inside a page: a position always has a state to go on from.

#include <memory>

#include "core/registry.h"
#include "sources/http/body_records.h"
#include "sources/http/page_fetcher.h"
#include "sources/http/page_spool.h"

namespace sluice {

namespace sources {

namespace {

class HttpClientSource final : public Source {
 public:
  HttpClientSource(HttpClientConfig config, const BuildContext& context)
      : config_(std::move(config)),
        context_(context),
        json_(context.schemas),
        spool_(context.state_directory + "/spool/" + context.component + ".pages", context.faults) {}

  Status open(const Checkpoint& from, std::stop_token stop) override;
  Result<SourceState> read(BatchBuilder& out, std::stop_token stop) override;
  Status acknowledge(const Checkpoint& done) override;
  Status close() override {
    fetcher_.reset();
    return {};
  }

 private:
  // A page that is being handed out.
  struct Page {
    PollState after;
    BodyRecords records;
  };

  Result<bool> get_page(std::chrono::milliseconds patience, const std::stop_token& stop);
  Status take_answer(net::ClientAnswer answer);
  bool is_same_place(PollState after) const;
  Status start_page(PollState after, PageContent content);
  Status start_spooled(const SpooledPage& page);
  void hand_out(BatchBuilder& out);

  const HttpClientConfig config_;
  const BuildContext context_;
  JsonReader json_;
  PageSpool spool_;
  std::string partition_, key_;
  Checkpoint retired_;  // positions of another url, for the next batch
  PollState state_;     // behind the last page that was handed out whole
  std::optional<Page> page_;
  std::unique_ptr<PageFetcher> fetcher_;
  std::chrono::steady_clock::time_point poll_began_{}, next_poll_{};
};

Status HttpClientSource::open(const Checkpoint& from, std::stop_token) {
  const net::Url url = SLUICE_TRY(net::parse_url(config_.url));
  partition_ = url.authority() + url.target.substr(0, url.target.find('?'));
  key_ = checkpoint_key(context_.component, partition_);
  state_ = {};
  state_.cursor = state_.seen = config_.cursor.start;
  page_.reset();
  const std::string prefix = context_.component + "/";
  for (auto it = from.lower_bound(prefix); it != from.end() && it->first.starts_with(prefix); ++it) {
    if (it->first == key_) {
      state_ = SLUICE_TRY(read_poll_state(it->second.resume));
    } else {
      retired_[it->first] = it->second;
      retired_[it->first].retired = true;
    }
  }
  SLUICE_TRY(spool_.open(state_.page));
  // Somebody reset the position: what lies there belongs to what was before.
  if (state_.page == 0 && spool_.first() > 1) spool_.forget(spool_.last());
  next_poll_ = context_.clock.now();
  fetcher_ = std::make_unique<PageFetcher>(config_, context_);
  return {};
}

Result<SourceState> HttpClientSource::read(BatchBuilder& out, std::stop_token stop) {
  advance(out.through(), std::exchange(retired_, {}));
  if (!page_) {
    const bool there = SLUICE_TRY(get_page(out.linger(), stop));
    if (!there) {
      if (state_.page != 0) out.through()[key_] = Position{{state_.page, Ordinal::kEnd}, write_poll_state(state_), false};
      return SourceState::kIdle;
    }
  }
  hand_out(out);
  return SourceState::kMore;
}

// True when page_ is there.
Result<bool> HttpClientSource::get_page(std::chrono::milliseconds patience, const std::stop_token& stop) {
  if (!spool_.empty() && spool_.last() > state_.page) {
    const auto page = SLUICE_TRY(spool_.get(state_.page + 1));
    if (!page) {
      return Error(ErrorKind::kFatal, "position_lost",
                   "the spool lacks page " + std::to_string(state_.page + 1) + ", and some sink may have pages behind it");
    }
    SLUICE_TRY(start_spooled(*page));
    return true;
  }
  if (!fetcher_->is_busy()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next_poll_ - context_.clock.now());
    if (!state_.inside && left.count() > 0) {
      (void)context_.clock.sleep_for(std::min(patience, left), stop);
      return false;
    }
    if (!state_.inside) poll_began_ = context_.clock.now();
    fetcher_->begin(state_);
  }
  auto answer = fetcher_->wait(patience, stop);
  if (!answer) return false;
  if (!*answer) return std::move(*answer).error();
  SLUICE_TRY(take_answer(std::move(*answer).value()));
  return page_.has_value();
}

// A poll that found nothing needs no page: it would fill the spool, and asking again gives nothing anew.
bool HttpClientSource::is_same_place(PollState after) const {
  after.page = state_.page;
  return after == state_;
}

Status HttpClientSource::take_answer(net::ClientAnswer answer) {
  if (answer.status == 304) {
    next_poll_ = poll_began_ + config_.every;
    return {};
  }
  const net::Url asked = SLUICE_TRY(next_url(config_, state_));
  SpooledPage page;
  page.content_type = answer.headers.find("Content-Type");
  PageContent content = SLUICE_TRY(find_items(config_, answer.headers, std::move(answer.body)));
  PollState after = SLUICE_TRY(state_after(config_, state_, asked, answer.headers, content));
  if (const bool blank = content.items.empty() && (!content.lines || content.body.empty()); blank && is_same_place(after)) {
    next_poll_ = poll_began_ + config_.every;
    return {};
  }
  page.state = write_poll_state(after);
  page.body = content.body;
  SLUICE_TRY(spool_.put(after.page, page));
  if (!state_.inside) next_poll_ = poll_began_ + config_.every;
  return start_page(std::move(after), std::move(content));
}

Status HttpClientSource::start_spooled(const SpooledPage& page) {
  PollState after = SLUICE_TRY(read_poll_state(page.state));
  net::Headers headers;
  headers.add("Content-Type", page.content_type);
  PageContent content = SLUICE_TRY(find_items(config_, headers, page.body));
  return start_page(std::move(after), std::move(content));
}

Status HttpClientSource::start_page(PollState after, PageContent content) {
  page_.emplace(Page{std::move(after), BodyRecords(config_.format, json_, context_.schemas)});
  const auto opened = [&]() -> Status {
    if (content.lines) return page_->records.open(std::move(content.body), BodyLayout::kLines);
    page_->records.open_items(std::move(content.body), content.items);
    return {};
  }();
  if (opened) return {};
  page_.reset();
  return Error(ErrorKind::kTransient, "http_bad_answer", "the answer cannot be read: " + opened.error().message());
}

void HttpClientSource::hand_out(BatchBuilder& out) {
  const std::uint16_t partition = out.partition(partition_);
  // Items that are bad are rejected one by one: this cannot fail.
  static_cast<void>(page_->records.fill(out, partition, page_->after.page).has_value());
  if (!page_->records.done()) {
    out.forbid_commit();
    return;
  }
  state_ = page_->after;
  page_.reset();
  out.through()[key_] = Position{{state_.page, Ordinal::kEnd}, write_poll_state(state_), false};
}

Status HttpClientSource::acknowledge(const Checkpoint& done) {
  const auto position = done.find(key_);
  if (position != done.end()) spool_.forget(position->second.done.major);
  return {};
}

Result<std::unique_ptr<Source>> build(const HttpClientConfig& config, const BuildContext& context) {
  return std::unique_ptr<Source>(std::make_unique<HttpClientSource>(config, context));
}

Guarantee guarantee(const HttpClientConfig&) {
  return {true, "each page is kept on disk from its answer until every sink has it, and is not asked for again"};
}

constexpr std::string_view kExample = R"(
url: https://api.example.com/orders
every: 30s
format: json
items: data.orders
pagination: {cursor: {from: meta.next, parameter: page_token}}
cursor: {field: updated_at, parameter: updated_since, start: "2026-01-01T00:00:00Z"}
auth: {bearer: secret-token}
)";

}  // namespace

}  // namespace sources

void register_http_client_source(Registry& registry);
void register_http_client_source(Registry& registry) {
  SourceType<sources::HttpClientConfig> type;
  type.name = "http_client";
  type.summary = "What an HTTP server answers, asked again and again";
  type.example = sources::kExample;
  type.fields = &sources::http_client_fields();
  type.build = sources::build;
  type.guarantee = sources::guarantee;
  type.can_end = [](const sources::HttpClientConfig&) { return false; };
  registry.add(type);
}

}  // namespace sluice
