#pragma once
// librdkafka's statistics (STATISTICS.md of librdkafka) and our own counts as series sluice_kafka_*.
// Any thread: the event thread brings the statistics, the lane thread counts.

#include <cstdint>
#include <string_view>

#include "core/metrics.h"

namespace sluice::sinks {

class KafkaStatistics {
 public:
  explicit KafkaStatistics(Metrics& metrics);

  // A new producer counts from 0 again.
  void producer_started();
  // One JSON object as the client emits it; what is missing counts as 0.
  void take(std::string_view json);

  Counter& committed;
  Counter& aborted;
  Counter& refused;

 private:
  struct Totals {
    double requests = 0, bytes = 0, messages = 0, errors = 0, retries = 0, timeouts = 0;
  };

  Counter& producers_;
  Counter& requests_;
  Counter& bytes_;
  Counter& messages_;
  Counter& errors_;
  Counter& retries_;
  Counter& timeouts_;
  Gauge& queue_messages_;
  Gauge& queue_bytes_;
  Gauge& brokers_up_;
  Gauge& rtt_p50_;
  Gauge& rtt_p99_;
  Gauge& throttle_;
  Gauge& batch_bytes_;
  Totals last_;  // of this producer; the event thread, or nobody while the producer starts
};

}  // namespace sluice::sinks
