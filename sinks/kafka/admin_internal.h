#pragma once
// The few administrative requests that the sink makes, through any client.  They block; the lane thread only.

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "core/result.h"
#include "sinks/kafka/handles_internal.h"

namespace sluice::sinks {

struct NewTopic {
  std::string name;
  std::int32_t partitions = -1, replication = -1;  // -1: the brokers' default
  std::vector<std::pair<std::string, std::string>> config;
};

// Done when every broker knows it.  A topic that exists already is a success.  kFatal topic_forbidden, policy_violation; kTransient.
Status create_topic(rd_kafka_t* client, const NewTopic& topic, std::stop_token stop);

// A topic's setting as it is in force; nullopt when the brokers do not say (no right to describe configurations, an old version).
std::optional<std::string> topic_setting(rd_kafka_t* client, const std::string& topic, std::string_view setting, std::stop_token stop);

}  // namespace sluice::sinks
