#pragma once
// The topics that records were sent to in this producer's life: each is looked up once, and created where the user wants that.
// The lane thread only; goes before its producer.

#include <stop_token>
#include <string>
#include <unordered_map>

#include "core/fault_points.h"
#include "sinks/kafka/admin_internal.h"
#include "sinks/kafka/client_internal.h"
#include "sinks/kafka/config.h"

namespace sluice::sinks {

class Topics {
 public:
  Topics(rd_kafka_t* client, const KafkaCreateTopics& create, const LastError& last_error, FaultPoints& faults)
      : client_(client), create_(create), last_error_(last_error), faults_(faults) {}

  // A topic that exists.  kBadRecord topic_name_invalid; kTransient topic_unknown, broker_unreachable; kFatal topic_forbidden.
  Result<rd_kafka_topic_t*> find(const std::string& name, std::stop_token stop);

  // Looks the topic up, and creates it as `wanted` says where it does not exist.
  Result<rd_kafka_topic_t*> ensure(const NewTopic& wanted, std::stop_token stop);

 private:
  enum class Presence : std::uint8_t { kThere, kUnknown };
  Result<Presence> look(rd_kafka_topic_t* topic, const std::stop_token& stop);
  Result<rd_kafka_topic_t*> enter(const std::string& name, const NewTopic* wanted, const std::stop_token& stop);

  rd_kafka_t* const client_;
  const KafkaCreateTopics& create_;
  const LastError& last_error_;
  FaultPoints& faults_;
  std::unordered_map<std::string, TopicHandle> known_;
};

}  // namespace sluice::sinks
