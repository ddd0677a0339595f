#pragma once
// From our configuration to settings of librdkafka (https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md).

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/config_binding.h"
#include "sinks/kafka/config.h"

namespace sluice::sinks {

using ClientSettings = std::vector<std::pair<std::string, std::string>>;

// What a producer is made with for one of its lives.
struct ProducerLimits {
  bool alone = false;             // every message in a request of its own, so that a refusal names its message
  std::uint64_t batch_bytes = 0;  // at most so many bytes in one batch; 0: librdkafka's default
};

// Secrets that stand in files are read anew: ask once per client.  kTransient secret_unreadable.
Result<ClientSettings> producer_settings(const KafkaSinkConfig& config, std::string_view client_id, std::string_view transactional_id,
                                         const ProducerLimits& limits);
// Of the consumer that reads the progress topic.
Result<ClientSettings> reader_settings(const KafkaSinkConfig& config, std::string_view client_id);

// Findings about one entry of `properties`: a setting that the sink owns, one that librdkafka does not know, a value it refuses.
void check_property(const KafkaSinkConfig& config, const std::string& name, const std::string& value, const ConfigNode& node,
                    BindContext& context);

// What is wrong with a topic's name ([a-zA-Z0-9._-], 1 to 249 bytes, not "." or ".."); empty: nothing.
std::string wrong_topic_name(std::string_view name);

}  // namespace sluice::sinks
