#pragma once
// Asks for one page at a time on a thread of its own, so that the shard's thread never waits for a server longer than it wants to.

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "core/build_context.h"
#include "net/http_auth.h"
#include "net/http_metrics.h"
#include "sources/http/client_config.h"
#include "sources/http/poll_state.h"

namespace sluice::sources {

// One owner thread; the other is its own.
class PageFetcher {
 public:
  PageFetcher(const HttpClientConfig& config, const BuildContext& context);
  ~PageFetcher();  // ends a request that is on its way
  PageFetcher(const PageFetcher&) = delete;
  PageFetcher& operator=(const PageFetcher&) = delete;

  // Asks for the page behind `state`.  Not while is_busy().
  void begin(const PollState& state);
  bool is_busy() const { return busy_; }
  // The answer to begin(): status 200, 204 or 304; nullopt if there is none within `patience` or before `stop`.  kTransient and kFatal as
  // in http_client.h, statuses included.
  std::optional<Result<net::ClientAnswer>> wait(std::chrono::milliseconds patience, const std::stop_token& stop);

 private:
  void run(const std::stop_token& stop);
  Result<net::ClientAnswer> fetch(const PollState& state, const std::stop_token& stop);
  Result<net::ClientRequest> make_request(const PollState& state, const net::Url& url, const std::stop_token& stop);

  const HttpClientConfig& config_;
  Clock& clock_;
  const net::HttpRequestCounters counters_;
  net::HttpClient client_;
  net::Authorizer authorizer_;
  bool busy_ = false;  // the owner's

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<PollState> wanted_;
  std::optional<Result<net::ClientAnswer>> answer_;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace sluice::sources
