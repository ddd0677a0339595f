#include <chrono>
#include <thread>

#include "sinks/kafka/broker_errors.h"
#include "sinks/kafka/topics_internal.h"

namespace sluice::sinks {

namespace {

constexpr int kAskMs = 500;
constexpr std::chrono::milliseconds kBetween{20};  // questions
// For one look-up, leader elections and the news of a new topic included.
constexpr std::chrono::seconds kPatience{20};

// Worth asking again: the topic is there and its leader not yet, or nobody answered in time.
bool passing(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE || code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__TRANSPORT ||
         code == RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE || code == RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT;
}

// What the brokers say of the one topic in `answer`.
rd_kafka_resp_err_t verdict(const rd_kafka_metadata_t& answer) {
  if (answer.topic_cnt != 1) return RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
  const rd_kafka_metadata_topic_t& topic = answer.topics[0];
  if (topic.err != RD_KAFKA_RESP_ERR_NO_ERROR) return topic.err;
  return topic.partition_cnt == 0 ? RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE : RD_KAFKA_RESP_ERR_NO_ERROR;
}

}  // namespace

Result<rd_kafka_topic_t*> Topics::find(const std::string& name, std::stop_token stop) {
  const auto found = known_.find(name);
  if (found != known_.end()) return found->second.get();
  if (const std::string wrong = wrong_topic_name(name); !wrong.empty()) return Error(ErrorKind::kBadRecord, "topic_name_invalid", wrong);
  if (!create_.enabled) return enter(name, nullptr, stop);
  const NewTopic wanted{name, create_.partitions, create_.replication, create_.config.entries};
  return enter(name, &wanted, stop);
}

Result<rd_kafka_topic_t*> Topics::ensure(const NewTopic& wanted, std::stop_token stop) {
  const auto found = known_.find(wanted.name);
  return found != known_.end() ? Result<rd_kafka_topic_t*>(found->second.get()) : enter(wanted.name, &wanted, stop);
}

Result<rd_kafka_topic_t*> Topics::enter(const std::string& name, const NewTopic* wanted, const std::stop_token& stop) {
  TopicHandle topic(rd_kafka_topic_new(client_, name.c_str(), nullptr));
  if (!topic) return broker_error(rd_kafka_last_error(), rd_kafka_err2str(rd_kafka_last_error()), name);
  Presence presence = SLUICE_TRY(look(topic.get(), stop));
  if (presence == Presence::kUnknown && wanted != nullptr) {
    faults_.reach("kafka_sink.before_create_topic");
    SLUICE_TRY(create_topic(client_, *wanted, stop));
    faults_.reach("kafka_sink.after_create_topic");
    // Other brokers hear of it a moment later.
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (presence == Presence::kUnknown && std::chrono::steady_clock::now() < deadline) {
      presence = SLUICE_TRY(look(topic.get(), stop));
      if (presence == Presence::kUnknown) std::this_thread::sleep_for(kBetween);
    }
  }
  if (presence == Presence::kUnknown) return broker_error(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, {}, name);
  return known_.emplace(name, std::move(topic)).first->second.get();
}

Result<Topics::Presence> Topics::look(rd_kafka_topic_t* topic, const std::stop_token& stop) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    if (stop.stop_requested()) return Error(ErrorKind::kCancelled, "cancelled", "stopped");
    const rd_kafka_metadata_t* answer = nullptr;
    rd_kafka_resp_err_t code = rd_kafka_metadata(client_, 0, topic, &answer, kAskMs);
    const MetadataHandle owned(answer);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) code = verdict(*answer);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return Presence::kThere;
    if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) return Presence::kUnknown;
    if (!passing(code)) return broker_error(code, {}, rd_kafka_topic_name(topic));
    std::this_thread::sleep_for(kBetween);
    if (last_error_.refused() || std::chrono::steady_clock::now() >= deadline)
      return last_error_.explain(code, "asking for topic " + std::string(rd_kafka_topic_name(topic)));
  }
}

}  // namespace sluice::sinks
