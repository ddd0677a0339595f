#include <chrono>

#include "sinks/kafka/broker_errors.h"
#include "sinks/kafka/progress_log_internal.h"

namespace sluice::sinks {

namespace {

constexpr std::int32_t kPartition = 0;
constexpr int kPollMs = 100;
// Without a step forward.  An abandoned transaction ends by itself after transaction.timeout.ms, 60 s by default.
constexpr std::chrono::seconds kPatience{30};

}  // namespace

Result<ProgressLog> ProgressLog::open(const ClientSettings& settings, const std::string& topic, std::string prefix) {
  ClientHandle client = SLUICE_TRY(make_client(RD_KAFKA_CONSUMER, settings, RD_KAFKA_EVENT_NONE));
  TopicHandle handle(rd_kafka_topic_new(client.get(), topic.c_str(), nullptr));
  if (!handle) return broker_error(rd_kafka_last_error(), rd_kafka_err2str(rd_kafka_last_error()), topic);
  return ProgressLog(std::move(client), std::move(handle), std::move(prefix));
}

ProgressLog::ProgressLog(ClientHandle client, TopicHandle topic, std::string prefix)
    : client_(std::move(client)), topic_(std::move(topic)), prefix_(std::move(prefix)) {}

ProgressLog::~ProgressLog() {
  if (started_ && topic_) rd_kafka_consume_stop(topic_.get(), kPartition);
}

Status ProgressLog::read_decided(std::int64_t end, std::stop_token stop) {
  if (next_ >= end) return {};
  SLUICE_TRY(start());
  return read_while([this, end] { return !met_end_ && next_ < end; }, stop);
}

Status ProgressLog::read_up_to(std::int64_t end, std::stop_token stop) {
  if (next_ >= end) return {};
  SLUICE_TRY(start());
  return read_while([this, end] { return next_ < end; }, stop);
}

Status ProgressLog::start() {
  if (!started_ && rd_kafka_consume_start(topic_.get(), kPartition, RD_KAFKA_OFFSET_BEGINNING) != 0) {
    return broker_error(rd_kafka_last_error(), rd_kafka_err2str(rd_kafka_last_error()), rd_kafka_topic_name(topic_.get()));
  }
  started_ = true;
  return {};
}

Status ProgressLog::read_while(const std::function<bool()>& more, const std::stop_token& stop) {
  auto last_step = std::chrono::steady_clock::now();
  while (more()) {
    if (stop.stop_requested()) return Error(ErrorKind::kCancelled, "cancelled", "stopped");
    const std::int64_t before = next_;
    if (const MessageHandle message(rd_kafka_consume(topic_.get(), kPartition, kPollMs)); message) SLUICE_TRY(take(*message));
    const auto now = std::chrono::steady_clock::now();
    if (next_ != before) last_step = now;
    if (now - last_step > kPatience) {
      return Error(
          ErrorKind::kTransient, "progress_unsettled",
          "the progress topic cannot be read to its end: its leader does not answer, or a transaction in it is still open; one that stays "
          "open "
          "for minutes hangs: find its producer with kafka-transactions describe-producers, and end it with kafka-transactions abort only "
          "after looking whether its records in other partitions were committed");
    }
  }
  return {};
}

Status ProgressLog::take(const rd_kafka_message_t& message) {
  if (message.err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {  // markers of transactions and aborted records are passed without a message
    next_ = std::max(next_, message.offset);
    met_end_ = true;
    return {};
  }
  if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    Error error = broker_error(message.err, rd_kafka_message_errstr(&message), rd_kafka_topic_name(topic_.get()));
    if (error.kind() == ErrorKind::kFatal && error.code() == "topic_forbidden") {
      return Error(ErrorKind::kFatal, "topic_forbidden", "grant our user Read on the progress topic: " + error.message());
    }
    // The client would ask again in minutes only; a broker that has just started does not know its topics yet.
    if (error.kind() == ErrorKind::kFatal || error.code() == "topic_unknown") return error;
    return Status();  // librdkafka tries again; kPatience bounds it
  }
  next_ = message.offset + 1;
  const std::string_view key(static_cast<const char*>(message.key), message.key_len);
  if (!key.starts_with(prefix_)) return {};
  const std::string name(key.substr(prefix_.size()));
  if (message.payload == nullptr) {
    records_.erase(name);
    return {};
  }
  records_[name] = SLUICE_TRY(read_progress({static_cast<const char*>(message.payload), message.len}));
  return {};
}

}  // namespace sluice::sinks
