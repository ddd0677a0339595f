#pragma once
// librdkafka's objects with owners.  For .cc files of this folder.

#include <librdkafka/rdkafka.h>

#include <memory>

namespace sluice::sinks {

template <auto kDestroy>
struct DestroyWith {
  template <typename T>
  void operator()(T* object) const {
    kDestroy(object);
  }
};

using ClientHandle = std::unique_ptr<rd_kafka_t, DestroyWith<rd_kafka_destroy>>;
using ConfHandle = std::unique_ptr<rd_kafka_conf_t, DestroyWith<rd_kafka_conf_destroy>>;
using TopicHandle = std::unique_ptr<rd_kafka_topic_t, DestroyWith<rd_kafka_topic_destroy>>;
using QueueHandle = std::unique_ptr<rd_kafka_queue_t, DestroyWith<rd_kafka_queue_destroy>>;
using EventHandle = std::unique_ptr<rd_kafka_event_t, DestroyWith<rd_kafka_event_destroy>>;
using ErrorHandle = std::unique_ptr<rd_kafka_error_t, DestroyWith<rd_kafka_error_destroy>>;
using MessageHandle = std::unique_ptr<rd_kafka_message_t, DestroyWith<rd_kafka_message_destroy>>;
using HeadersHandle = std::unique_ptr<rd_kafka_headers_t, DestroyWith<rd_kafka_headers_destroy>>;

struct DestroyMetadata {
  void operator()(const rd_kafka_metadata_t* metadata) const { rd_kafka_metadata_destroy(metadata); }
};
using MetadataHandle = std::unique_ptr<const rd_kafka_metadata_t, DestroyMetadata>;

}  // namespace sluice::sinks
