#include <algorithm>
#include <array>
#include <span>

#include "sinks/kafka/admin_internal.h"
#include "sinks/kafka/broker_errors.h"

namespace sluice::sinks {

namespace {

constexpr int kRequestMs = 15000;
constexpr int kPollMs = 100;

using Options = std::unique_ptr<rd_kafka_AdminOptions_t, DestroyWith<rd_kafka_AdminOptions_destroy>>;
using TopicSpec = std::unique_ptr<rd_kafka_NewTopic_t, DestroyWith<rd_kafka_NewTopic_destroy>>;
using Resource = std::unique_ptr<rd_kafka_ConfigResource_t, DestroyWith<rd_kafka_ConfigResource_destroy>>;

// The answer, or nullptr when a stop was asked for.  librdkafka answers within kRequestMs, if only with an error.
EventHandle wait_for(rd_kafka_queue_t* queue, const std::stop_token& stop) {
  EventHandle event;
  while (!event && !stop.stop_requested()) event.reset(rd_kafka_queue_poll(queue, kPollMs));
  return event;
}

Options make_options(rd_kafka_t* client, rd_kafka_admin_op_t kind) {
  Options options(rd_kafka_AdminOptions_new(client, kind));
  std::array<char, 256> ignored{};
  rd_kafka_AdminOptions_set_request_timeout(options.get(), kRequestMs, ignored.data(), ignored.size());
  if (kind == RD_KAFKA_ADMIN_OP_CREATETOPICS)
    rd_kafka_AdminOptions_set_operation_timeout(options.get(), kRequestMs, ignored.data(), ignored.size());
  return options;
}

// librdkafka would let the request wait for a controller until its timeout.
bool has_controller(rd_kafka_t* client) {
  const std::int32_t controller = rd_kafka_controllerid(client, 0);
  const rd_kafka_metadata_t* answer = nullptr;
  if (controller < 0 || rd_kafka_metadata(client, 0, nullptr, &answer, kRequestMs) != RD_KAFKA_RESP_ERR_NO_ERROR) return false;
  const MetadataHandle owned(answer);
  const std::span brokers(answer->brokers, static_cast<std::size_t>(answer->broker_cnt));
  return std::any_of(brokers.begin(), brokers.end(), [&](const auto& broker) { return broker.id == controller; });
}

Status refused(rd_kafka_resp_err_t code, const char* detail, const std::string& topic) {
  return broker_error(code, detail != nullptr ? detail : "", topic).context("create topic");
}

}  // namespace

Status create_topic(rd_kafka_t* client, const NewTopic& topic, std::stop_token stop) {
  std::array<char, 512> why{};
  TopicSpec spec(rd_kafka_NewTopic_new(topic.name.c_str(), topic.partitions, topic.replication, why.data(), why.size()));
  if (!spec) return Error(ErrorKind::kInvalidConfig, "bad_value", "create topic \"" + topic.name + "\": " + why.data());
  for (const auto& [name, value] : topic.config) rd_kafka_NewTopic_set_config(spec.get(), name.c_str(), value.c_str());
  const QueueHandle queue(rd_kafka_queue_new(client));
  const Options options = make_options(client, RD_KAFKA_ADMIN_OP_CREATETOPICS);
  rd_kafka_NewTopic_t* specs = spec.get();
  rd_kafka_CreateTopics(client, &specs, 1, options.get(), queue.get());
  const EventHandle event = wait_for(queue.get(), stop);
  if (!event) return Error(ErrorKind::kCancelled, "cancelled", "stopped");
  if (rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return refused(rd_kafka_event_error(event.get()), rd_kafka_event_error_string(event.get()), topic.name);
  }
  std::size_t count = 0;
  const rd_kafka_topic_result_t** results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &count);
  for (std::size_t i = 0; i < count; ++i) {
    const rd_kafka_resp_err_t code = rd_kafka_topic_result_error(results[i]);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) continue;
    const char* detail = rd_kafka_topic_result_error_string(results[i]);
    if (code == RD_KAFKA_RESP_ERR_INVALID_CONFIG || code == RD_KAFKA_RESP_ERR_INVALID_PARTITIONS) {
      return Error(ErrorKind::kFatal, "bad_value",
                   "create topic \"" + topic.name + "\": " + (detail != nullptr ? detail : rd_kafka_err2str(code)));
    }
    return refused(code, detail, topic.name);
  }
  return {};
}

std::optional<std::string> topic_setting(rd_kafka_t* client, const std::string& topic, std::string_view setting, std::stop_token stop) {
  if (!has_controller(client)) return std::nullopt;
  const Resource resource(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str()));
  const QueueHandle queue(rd_kafka_queue_new(client));
  const Options options = make_options(client, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
  rd_kafka_ConfigResource_t* resources = resource.get();
  rd_kafka_DescribeConfigs(client, &resources, 1, options.get(), queue.get());
  const EventHandle event = wait_for(queue.get(), stop);
  if (!event || rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR_NO_ERROR) return std::nullopt;
  std::size_t count = 0;
  const rd_kafka_ConfigResource_t** answers =
      rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event.get()), &count);
  if (count == 0 || rd_kafka_ConfigResource_error(answers[0]) != RD_KAFKA_RESP_ERR_NO_ERROR) return std::nullopt;
  const rd_kafka_ConfigEntry_t** entries = rd_kafka_ConfigResource_configs(answers[0], &count);
  for (std::size_t i = 0; i < count; ++i) {
    const char* value = rd_kafka_ConfigEntry_value(entries[i]);
    if (setting == rd_kafka_ConfigEntry_name(entries[i]) && value != nullptr) return std::string(value);
  }
  return std::nullopt;
}

}  // namespace sluice::sinks
