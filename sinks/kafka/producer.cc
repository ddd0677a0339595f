#include <array>
#include <charconv>
#include <chrono>

#include "sinks/kafka/broker_errors.h"
#include "sinks/kafka/producer_internal.h"

namespace sluice::sinks {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kSliceMs = 200;  // how late a stop may be noticed
constexpr std::chrono::seconds kInitPatience{30};
// Beyond the default of transaction.timeout.ms (60 s) the coordinator has decided by itself.
constexpr std::chrono::seconds kCommitPatience{75};
// Messages time out after message.timeout.ms (60 s by default); this is for clients that do not even notice that.
constexpr std::chrono::seconds kDrainPatience{330};

Error stopped() { return {ErrorKind::kCancelled, "cancelled", "stopped"}; }

// ERR__STATE for a name that librdkafka does not know.
rd_kafka_resp_err_t code_named(std::string_view name) {
  const rd_kafka_err_desc* all = nullptr;
  std::size_t count = 0;
  rd_kafka_get_err_descs(&all, &count);
  for (std::size_t i = 0; i < count; ++i) {
    if (all[i].name != nullptr && name == all[i].name) return all[i].code;
  }
  return RD_KAFKA_RESP_ERR__STATE;
}

std::string setting(const rd_kafka_conf_t* conf, const char* name) {
  std::array<char, 256> text{};
  std::size_t size = text.size();
  return rd_kafka_conf_get(conf, name, text.data(), &size) == RD_KAFKA_CONF_OK ? std::string(text.data()) : std::string();
}

}  // namespace

Result<std::unique_ptr<Producer>> Producer::start(const ClientSettings& settings, Logger& log, KafkaStatistics& statistics) {
  statistics.producer_started();
  ClientHandle client = SLUICE_TRY(
      make_client(RD_KAFKA_PRODUCER, settings, RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_STATS | RD_KAFKA_EVENT_LOG));
  return std::unique_ptr<Producer>(new Producer(std::move(client), log, statistics));
}

Producer::Producer(ClientHandle client, Logger& log, KafkaStatistics& statistics)
    : client_(std::move(client)),
      transactional_(!setting(rd_kafka_conf(client_.get()), "transactional.id").empty()),
      log_(log),
      statistics_(statistics),
      events_(rd_kafka_queue_get_main(client_.get())) {
  const std::string limit = setting(rd_kafka_conf(client_.get()), "batch.size");
  std::from_chars(limit.data(), limit.data() + limit.size(), batch_bytes_);
  thread_ = std::jthread([this](std::stop_token stop) { serve(stop); });
}

Producer::~Producer() {
  rd_kafka_purge(client_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
  thread_.request_stop();
  rd_kafka_queue_yield(events_.get());
  if (thread_.joinable()) thread_.join();
}

Status Producer::init_transactions(std::stop_token stop) {
  const auto deadline = Clock::now() + kInitPatience;
  while (true) {
    if (stop.stop_requested()) return stopped();
    const ErrorHandle error(rd_kafka_init_transactions(client_.get(), kSliceMs));
    if (!error) return {};
    const bool again = rd_kafka_error_is_retriable(error.get()) != 0 && rd_kafka_error_is_fatal(error.get()) == 0;
    if (!again || last_error_.refused() || Clock::now() >= deadline)
      return last_error_.explain(rd_kafka_error_code(error.get()), rd_kafka_error_string(error.get()));
  }
}

Status Producer::begin_transaction() {
  const ErrorHandle error(rd_kafka_begin_transaction(client_.get()));
  if (!error) return {};
  return last_error_.explain(rd_kafka_error_code(error.get()), rd_kafka_error_string(error.get()));
}

Error Producer::why(rd_kafka_resp_err_t code, std::string_view detail) const {
  if (auto cause = fatal()) return *std::move(cause);
  return last_error_.explain(code, detail);
}

rd_kafka_resp_err_t Producer::enqueue(rd_kafka_topic_t* topic, const Outgoing& message) {
  // The client takes mutable pointers and copies what they point to.
  auto* const value = const_cast<char*>(message.value.data());
  auto* const opaque = reinterpret_cast<void*>(static_cast<std::uintptr_t>(message.tag));
  if (message.headers.empty()) {
    const int failed = rd_kafka_produce(topic, message.partition, RD_KAFKA_MSG_F_COPY, value, message.value.size(), message.key.data(),
                                        message.key.size(), opaque);
    return failed == 0 ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_last_error();
  }
  HeadersHandle headers(rd_kafka_headers_new(message.headers.size()));
  for (const MessageHeader& header : message.headers) {
    rd_kafka_header_add(headers.get(), header.name.data(), static_cast<ssize_t>(header.name.size()), header.value.data(),
                        static_cast<ssize_t>(header.value.size()));
  }
  const rd_kafka_resp_err_t code = rd_kafka_producev(
      client_.get(), RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(message.partition), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
      RD_KAFKA_V_VALUE(value, message.value.size()), RD_KAFKA_V_KEY(message.key.data(), message.key.size()), RD_KAFKA_V_OPAQUE(opaque),
      RD_KAFKA_V_HEADERS(headers.get()), RD_KAFKA_V_END);
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) static_cast<void>(headers.release());  // the message's now
  return code;
}

Status Producer::send(rd_kafka_topic_t* topic, const Outgoing& message, std::stop_token stop) {
  const auto deadline = Clock::now() + kDrainPatience;
  while (true) {
    const rd_kafka_resp_err_t code = enqueue(topic, message);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
    if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL || Clock::now() >= deadline) {
      return why(code, {}).context(rd_kafka_topic_name(topic));
    }
    if (stop.stop_requested()) return stopped();
    if (failed() || fatal()) return why(RD_KAFKA_RESP_ERR__STATE, "a delivery failed while the client's queue was full");
    rd_kafka_flush(client_.get(), 20);  // sends without lingering; what waits is more than enough for full batches
  }
}

Status Producer::drain(std::stop_token stop) {
  const auto deadline = Clock::now() + kDrainPatience;
  while (rd_kafka_flush(client_.get(), kSliceMs) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    if (stop.stop_requested()) return stopped();
    // In a failed transaction librdkafka sends nothing more, so what waits would wait for its timeout.
    if (transactional_ && (failed() || fatal())) rd_kafka_purge(client_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_NON_BLOCKING);
    if (Clock::now() >= deadline) return last_error_.explain(RD_KAFKA_RESP_ERR__TIMED_OUT, "waiting for answers");
  }
  return {};
}

Status Producer::commit_transaction(std::stop_token stop) {
  const auto deadline = Clock::now() + kCommitPatience;
  while (true) {
    const ErrorHandle error(rd_kafka_commit_transaction(client_.get(), kSliceMs));
    if (!error) return {};
    const rd_kafka_resp_err_t code = rd_kafka_error_code(error.get());
    const std::string text = rd_kafka_error_string(error.get());
    if (rd_kafka_error_txn_requires_abort(error.get()) != 0) {
      const Error cause = last_error_.explain(code, text);
      if (cause.kind() == ErrorKind::kFatal) return cause;
      return Error(ErrorKind::kTransient, cause.code(), cause.message());
    }
    // Not a second commit: the call goes on waiting for the one that was sent.
    const bool waiting = rd_kafka_error_is_retriable(error.get()) != 0 && rd_kafka_error_is_fatal(error.get()) == 0;
    if (waiting && !stop.stop_requested() && Clock::now() < deadline) continue;
    const Error cause = last_error_.explain(code, text);
    return Error(ErrorKind::kCommitUnknown, cause.code(), "the commit's answer is missing: " + cause.message());
  }
}

bool Producer::abort_transaction(std::chrono::milliseconds patience) {
  const ErrorHandle error(rd_kafka_abort_transaction(client_.get(), static_cast<int>(patience.count())));
  return !error;
}

std::optional<Error> Producer::fatal() const {
  std::array<char, 512> text{};
  const rd_kafka_resp_err_t code = rd_kafka_fatal_error(client_.get(), text.data(), text.size());
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return std::nullopt;
  return last_error_.explain(code, text.data());
}

bool Producer::failed() const {
  const std::lock_guard lock(mutex_);
  return !failures_.empty();
}

std::vector<Producer::Failure> Producer::take_failures() {
  const std::lock_guard lock(mutex_);
  return std::exchange(failures_, {});
}

void Producer::serve(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const EventHandle event(rd_kafka_queue_poll(events_.get(), kSliceMs));
    if (event) take(event.get());
  }
}

void Producer::take(rd_kafka_event_t* event) {
  switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_DR: take_deliveries(event); break;
    case RD_KAFKA_EVENT_LOG: take_log(event); break;
    case RD_KAFKA_EVENT_STATS: statistics_.take(rd_kafka_event_stats(event)); break;
    case RD_KAFKA_EVENT_ERROR: last_error_.set(rd_kafka_event_error(event), rd_kafka_event_error_string(event)); break;
    default: break;
  }
}

void Producer::take_deliveries(rd_kafka_event_t* event) {
  const std::lock_guard lock(mutex_);
  while (const rd_kafka_message_t* message = rd_kafka_event_message_next(event)) {
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) continue;
    failures_.push_back({static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(message->_private)), message->err,
                         message->len + message->key_len, message->rkt});
  }
}

// "Current transaction failed in state InTransaction: what happened (NAME)" or "(NAME, requires epoch bump)": there is no other way to
// hear of it before the commit, and without it drain() would wait for messages that are never sent.
void Producer::take_log(const rd_kafka_event_t* event) {
  log_.pass(event);
  const char *facility = nullptr, *text = nullptr;
  int level = 0;
  if (rd_kafka_event_log(const_cast<rd_kafka_event_t*>(event), &facility, &text, &level) != 0 || std::string_view(facility) != "TXNERR")
    return;
  const std::string_view line(text);
  const std::size_t open = line.rfind('(');
  if (!line.ends_with(')') || open == std::string_view::npos) return;
  const std::string_view inside = line.substr(open + 1, line.size() - open - 2);
  const rd_kafka_resp_err_t code = code_named(inside.substr(0, inside.find(',')));
  const std::lock_guard lock(mutex_);
  failures_.push_back({0, code, 0, nullptr, std::string(line)});
}

}  // namespace sluice::sinks
