#include "sources/http/page_fetcher.h"

namespace sluice::sources {

namespace {

net::ClientOptions client_options(const HttpClientConfig& config) {
  net::ClientOptions options;
  options.tls = config.tls.files();
  options.timeout = config.timeout;
  options.link_local = config.allow_link_local ? net::LinkLocal::kAllow : net::LinkLocal::kRefuse;
  options.max_answer = config.max_response.bytes;
  return options;
}

}  // namespace

PageFetcher::PageFetcher(const HttpClientConfig& config, const BuildContext& context)
    : config_(config),
      clock_(context.clock),
      counters_(context.metrics, {200, 204, 304, 400, 401, 403, 404, 408, 429, 500, 502, 503, 504}),
      client_(client_options(config)),
      authorizer_(config.auth, client_options(config)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

PageFetcher::~PageFetcher() {
  thread_.request_stop();
  thread_.join();
}

void PageFetcher::begin(const PollState& state) {
  {
    const std::lock_guard lock(mutex_);
    wanted_ = state;
  }
  busy_ = true;
  changed_.notify_all();
}

std::optional<Result<net::ClientAnswer>> PageFetcher::wait(std::chrono::milliseconds patience, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, stop, patience, [this] { return answer_.has_value(); })) return std::nullopt;
  busy_ = false;
  return std::exchange(answer_, std::nullopt);
}

void PageFetcher::run(const std::stop_token& stop) {
  while (true) {
    PollState state;
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [this] { return wanted_.has_value(); })) return;
      state = *std::exchange(wanted_, std::nullopt);
    }
    auto answer = fetch(state, stop);
    {
      const std::lock_guard lock(mutex_);
      answer_ = std::move(answer);
    }
    changed_.notify_all();
  }
}

Result<net::ClientRequest> PageFetcher::make_request(const PollState& state, const net::Url& url, const std::stop_token& stop) {
  net::ClientRequest request;
  request.method = ConfigType<PollMethod>::show(config_.method);
  request.headers.add("User-Agent", "sluice");
  request.headers.add("Accept-Encoding", "gzip");
  if (config_.format.format == Format::kJson) request.headers.add("Accept", "application/json, application/x-ndjson");
  if (config_.method == PollMethod::kPost) request.headers.add("Content-Type", "application/json");
  request.body = config_.body;
  if (!state.inside && state.validated == url.target) {
    if (!state.etag.empty()) request.headers.add("If-None-Match", state.etag);
    if (!state.modified.empty()) request.headers.add("If-Modified-Since", state.modified);
  }
  if (auto authorization = SLUICE_TRY(authorizer_.header(stop)); !authorization.empty()) {
    request.headers.add("Authorization", std::move(authorization));
  }
  for (const auto& [name, secret] : config_.headers) {
    std::string value = SLUICE_TRY(secret.current());
    while (value.ends_with('\n') || value.ends_with('\r')) value.pop_back();
    if (value.find_first_of("\r\n") != std::string::npos) {
      return Error(ErrorKind::kTransient, "bad_secret", "the value of the header " + name + " has several lines");
    }
    request.headers.set(name, std::move(value));
  }
  return request;
}

Result<net::ClientAnswer> PageFetcher::fetch(const PollState& state, const std::stop_token& stop) {
  const net::Url url = SLUICE_TRY(next_url(config_, state));
  for (bool again = false;; again = true) {
    const net::ClientRequest request = SLUICE_TRY(make_request(state, url, stop));
    auto answer = client_.send(url, request, stop);
    counters_.count(answer ? answer->status : 0);
    if (!answer || answer->status == 200 || answer->status == 204 || answer->status == 304) return answer;
    if (answer->status == 401 && !again && authorizer_.refused()) continue;
    return net::status_error(*answer, url, clock_.utc_microseconds());
  }
}

}  // namespace sluice::sources
