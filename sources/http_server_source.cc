// `http_server`: records that clients post.  A request is answered 200 only after its records are durable in every sink.
//
// Nothing here can be read again: the partition carries a new random name at each start (G2), and an old one is retired with the first
// batch (G4).  Ordinal: major = number of the request, minor = number of the record in it, from 1.  A crash loses only what was not
// answered, and its client sends that again, so the pipeline is at least once (G26).
//
// Group commit: while kBatchesAhead batches are on their way to the sinks, requests collect, and the next commit is for all of them. read()
// comes back after a moment meanwhile (acknowledge_poll()), since the shard hears of commits between two reads.

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <random>

#include "core/registry.h"
#include "net/gzip.h"
#include "net/http_metrics.h"
#include "sources/http/request_gate.h"

namespace sluice {

namespace sources {

namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

constexpr std::size_t kBatchesAhead = 2;               // one is being committed, one waits behind it
constexpr std::size_t kFullBatchBytes = 512UL * 1024;  // of bodies: a batch of its own, whatever is on its way
constexpr std::size_t kFullBatchRequests = 1024;       // half of a batch's records
// While requests wait for a commit: the pause grows with the time since something moved, 1 ms up to 50 ms.
constexpr std::chrono::milliseconds kShortestPoll{1}, kLongestPoll{50};
constexpr int kPollShare = 20;
constexpr std::chrono::milliseconds kFarewell{1500};  // close() is bounded by 2 s

std::string random_name() {
  std::random_device device;
  std::string result = "boot-";
  static constexpr std::string_view kDigits = "0123456789abcdef";
  for (int i = 0; i < 4; ++i) {
    unsigned bits = device();
    for (int digit = 0; digit < 8; ++digit, bits >>= 4U) result += kDigits[bits & 15U];
  }
  return result;
}

net::ServerAnswer taken(std::uint64_t accepted, std::uint64_t dead_lettered) {
  return {200, "{\"accepted\": " + std::to_string(accepted) + ", \"dead_lettered\": " + std::to_string(dead_lettered) + "}\n"};
}

class HttpServerSource final : public Source {
 public:
  HttpServerSource(HttpServerConfig config, const BuildContext& context)
      : config_(std::move(config)),
        context_(context),
        counters_(context.metrics, {200, 400, 401, 403, 404, 405, 408, 413, 415, 429, 431, 501, 503, 504, 505}),
        gate_(config_, draining_),
        json_(context.schemas) {}
  ~HttpServerSource() override { server_.reset(); }  // its thread uses what is below

  Status open(const Checkpoint& from, std::stop_token stop) override;
  Result<SourceState> read(BatchBuilder& out, std::stop_token stop) override;
  Status acknowledge(const Checkpoint& done) override;
  Status close() override;

 private:
  // A whole request that no batch has seen yet.
  struct Waiting {
    net::ServerRequest request;
    SteadyTime since;
  };
  // A request whose records are on their way.
  struct InFlight {
    net::Ticket ticket;
    Ordinal last;
    std::uint64_t accepted = 0, dead_lettered = 0;
  };
  struct Current {
    net::Ticket ticket;
    BodyRecords records;
  };
  using Answers = std::vector<std::pair<net::Ticket, net::ServerAnswer>>;

  net::HttpServer::Options server_options(net::ListenAddress address) const;
  void take(net::ServerRequest request);
  bool wait_for_requests(std::chrono::milliseconds linger, const std::stop_token& stop);
  std::chrono::milliseconds acknowledge_poll() const;
  bool next_request(Answers& answers);
  Status begin(net::ServerRequest& request);
  void fill(BatchBuilder& out, Answers& answers);
  void drain();

  const HttpServerConfig config_;
  const BuildContext context_;
  const net::HttpRequestCounters counters_;
  std::atomic<bool> draining_{false};
  RequestGate gate_;
  JsonReader json_;

  // The shard's thread.
  std::string partition_, key_;
  Checkpoint retired_;  // partitions of earlier starts, for the next batch
  std::optional<Current> current_;
  std::uint64_t requests_ = 0;
  Ordinal last_;                    // of what was handed out
  std::deque<InFlight> in_flight_;  // by `last`
  SteadyTime moved_{};              // when a batch was handed out, or the sinks had one
  std::deque<Ordinal> batches_;     // handed out and not acknowledged: the last ordinal of each

  std::mutex mutex_;
  std::condition_variable_any arrived_;
  std::deque<Waiting> waiting_;
  std::size_t waiting_bytes_ = 0;

  struct Drain {
    HttpServerSource* source;
    void operator()() const { source->drain(); }
  };
  std::optional<std::stop_callback<Drain>> on_stop_;
  std::unique_ptr<net::HttpServer> server_;  // last: its thread ends first
};

// ---- start and end ------------------------------------------------------------------------------------------------------------------

net::HttpServer::Options HttpServerSource::server_options(net::ListenAddress address) const {
  net::HttpServer::Options options;
  options.address = std::move(address);
  options.max_body = config_.max_body.bytes;
  options.max_bytes = config_.max_waiting.bytes;
  options.max_connections = config_.max_connections;
  options.read_timeout = config_.read_timeout;
  options.answer_timeout = config_.ack_timeout;
  options.late =
      problem(504, "outcome_unknown", "the records were not durable within ack_timeout; they may become so, or not: send them again");
  options.full = problem(429, "queue_full", "more requests wait than max_waiting lets in; nothing of this one was stored");
  options.refusal = [](const net::MessageFault& fault) { return problem(fault.status, fault.code, fault.message); };
  return options;
}

Status HttpServerSource::open(const Checkpoint& from, std::stop_token) {
  const std::string prefix = context_.component + "/";
  for (auto it = from.lower_bound(prefix); it != from.end() && it->first.starts_with(prefix); ++it) {
    retired_[it->first] = it->second;
    retired_[it->first].retired = true;
  }
  partition_ = random_name();
  key_ = checkpoint_key(context_.component, partition_);
  auto options = server_options(SLUICE_TRY(net::parse_listen_address(config_.listen)));
  if (config_.tls.given) options.tls = SLUICE_TRY(net::TlsContext::server(config_.tls.files()));
  net::HttpServer::Handlers handlers;
  handlers.admit = [this](const net::RequestHead& head) { return gate_.check(head); };
  handlers.handle = [this](net::ServerRequest request) { take(std::move(request)); };
  handlers.answered = [this](int status) { counters_.count(status); };
  draining_ = false;
  server_ = SLUICE_TRY(net::HttpServer::start(std::move(options), std::move(handlers)));
  const std::string host = config_.listen.substr(0, config_.listen.rfind(':'));
  context_.log.info("records are accepted by HTTP",
                    {{"component", context_.component}, {"address", host + ":" + std::to_string(server_->port())}, {"path", config_.path}});
  return {};
}

// From now on 503; what was handed out is still answered, by the last acknowledge().
void HttpServerSource::drain() { draining_ = true; }

Status HttpServerSource::close() {
  draining_ = true;
  on_stop_.reset();
  if (!server_) return {};
  Answers answers;
  const net::ServerAnswer unknown = problem(504, "outcome_unknown", "the pipeline stopped before the records were known to be durable");
  for (const InFlight& request : in_flight_) answers.emplace_back(request.ticket, unknown);
  if (current_) answers.emplace_back(current_->ticket, unknown);
  {
    const std::lock_guard lock(mutex_);
    for (const Waiting& entry : waiting_) {
      answers.emplace_back(entry.request.ticket, problem(503, "draining", "the pipeline is stopping; nothing of this request was stored"));
    }
    waiting_.clear();
    waiting_bytes_ = 0;
  }
  for (auto& [ticket, answer] : answers) answer.close = true;
  server_->answer(std::move(answers));
  server_->stop(kFarewell);
  server_.reset();
  in_flight_.clear();
  batches_.clear();
  current_.reset();
  return {};
}

// ---- requests -----------------------------------------------------------------------------------------------------------------------

// The HTTP server's thread.
void HttpServerSource::take(net::ServerRequest request) {
  {
    const std::lock_guard lock(mutex_);
    waiting_bytes_ += request.body.size();
    waiting_.push_back({std::move(request), std::chrono::steady_clock::now()});
  }
  arrived_.notify_one();
}

std::chrono::milliseconds HttpServerSource::acknowledge_poll() const {
  const auto quiet = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - moved_);
  return std::clamp(quiet / kPollShare, kShortestPoll, kLongestPoll);
}

// True when there is something for a batch.
bool HttpServerSource::wait_for_requests(std::chrono::milliseconds linger, const std::stop_token& stop) {
  if (current_) return true;
  const bool busy = batches_.size() >= kBatchesAhead;
  const auto enough = [&] {
    if (waiting_.empty()) return false;
    return !busy || waiting_bytes_ >= kFullBatchBytes || waiting_.size() >= kFullBatchRequests;
  };
  std::unique_lock lock(mutex_);
  return arrived_.wait_for(lock, stop, in_flight_.empty() ? linger : std::min(linger, acknowledge_poll()), enough);
}

// Makes the next good request the current one; what is wrong as a whole is answered.  False: there is none.
bool HttpServerSource::next_request(Answers& answers) {
  while (true) {
    Waiting entry;
    {
      const std::lock_guard lock(mutex_);
      if (waiting_.empty()) return false;
      entry = std::move(waiting_.front());
      waiting_.pop_front();
      waiting_bytes_ -= entry.request.body.size();
    }
    // It was answered 504 already, and its client will send it again.
    if (std::chrono::steady_clock::now() - entry.since >= config_.ack_timeout) continue;
    Status begun = begin(entry.request);
    if (begun && !current_->records.done()) return true;
    const bool too_large = !begun && begun.error().code() == "body_too_large";
    answers.emplace_back(entry.request.ticket,
                         begun ? taken(0, 0) : problem(too_large ? 413 : 400, begun.error().code(), begun.error().message()));
    current_.reset();
  }
}

Status HttpServerSource::begin(net::ServerRequest& request) {
  std::string body = std::move(request.body);
  if (net::equal_ignoring_case(request.head.headers.find("Content-Encoding"), "gzip")) {
    body = SLUICE_TRY(net::gunzip(body, config_.max_body.bytes));
  }
  current_.emplace(Current{request.ticket, BodyRecords(config_.format, json_, context_.schemas)});
  ++requests_;
  const BodyLayout layout = RequestGate::layout_of(request.head, config_.format.format, body);
  return current_->records.open(std::move(body), layout);
}

void HttpServerSource::fill(BatchBuilder& out, Answers& answers) {
  const std::uint16_t partition = out.partition(partition_);
  while (!out.full() && (current_ || next_request(answers))) {
    BodyRecords& records = current_->records;
    if (Status filled = records.fill(out, partition, requests_); !filled) {  // a single object that is none
      answers.emplace_back(current_->ticket, problem(400, filled.error().code(), filled.error().message()));
      current_.reset();
      continue;
    }
    last_ = {requests_, records.given()};
    if (!records.done()) continue;
    in_flight_.push_back({current_->ticket, last_, records.accepted(), records.rejected()});
    current_.reset();
  }
}

Result<SourceState> HttpServerSource::read(BatchBuilder& out, std::stop_token stop) {
  if (!on_stop_) on_stop_.emplace(stop, Drain{this});
  advance(out.through(), std::exchange(retired_, {}));
  const bool there = wait_for_requests(out.linger(), stop);
  if (there) {
    Answers answers;
    fill(out, answers);
    if (!answers.empty()) server_->answer(std::move(answers));
  }
  if (last_ != Ordinal{}) out.through()[key_] = Position{last_, {}, false};
  if (out.empty()) return there ? SourceState::kMore : SourceState::kIdle;
  batches_.push_back(last_);
  moved_ = std::chrono::steady_clock::now();
  out.commit_soon();
  return SourceState::kMore;
}

Status HttpServerSource::acknowledge(const Checkpoint& done) {
  const auto position = done.find(key_);
  if (position == done.end() || !server_) return {};
  const Ordinal reached = position->second.done;
  moved_ = std::chrono::steady_clock::now();
  while (!batches_.empty() && batches_.front() <= reached) batches_.pop_front();
  Answers answers;
  while (!in_flight_.empty() && in_flight_.front().last <= reached) {
    const InFlight& request = in_flight_.front();
    answers.emplace_back(request.ticket, taken(request.accepted, request.dead_lettered));
    in_flight_.pop_front();
  }
  for (auto& [ticket, answer] : answers) answer.close = draining_;
  if (!answers.empty()) server_->answer(std::move(answers));
  return {};
}

Result<std::unique_ptr<Source>> build(const HttpServerConfig& config, const BuildContext& context) {
  return std::unique_ptr<Source>(std::make_unique<HttpServerSource>(config, context));
}

Guarantee guarantee(const HttpServerConfig&) {
  return {false, "a client that got no answer sends its records again, and nothing tells them from new ones"};
}

constexpr std::string_view kExample = R"(
listen: 127.0.0.1:8080
path: /events
format: json
token: secret-token
max_body: 1MiB
)";

}  // namespace

}  // namespace sources

void register_http_server_source(Registry& registry);
void register_http_server_source(Registry& registry) {
  SourceType<sources::HttpServerConfig> type;
  type.name = "http_server";
  type.summary = "Records that clients post; answered once they are durable in every sink";
  type.example = sources::kExample;
  type.fields = &sources::http_server_fields();
  type.build = sources::build;
  type.guarantee = sources::guarantee;
  type.can_end = [](const sources::HttpServerConfig&) { return false; };
  registry.add(type);
}

}  // namespace sluice
