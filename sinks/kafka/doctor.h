#pragma once
// What `sluice doctor` looks at in a Kafka cluster.

#include <vector>

#include "core/doctor.h"
#include "sinks/kafka/config.h"

namespace sluice::sinks {

// Asks through a consumer, which creates no topics, and never with the transactional id, which would fence the pipeline that runs:
// whether the brokers can be reached, the topics that the file names in full, and the progress topic.  Changes nothing.  Blocks up to a
// minute.
std::vector<DoctorFinding> examine_kafka(const KafkaSinkConfig& config, const DoctorContext& context);

}  // namespace sluice::sinks
