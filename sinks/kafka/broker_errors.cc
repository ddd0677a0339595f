#include "sinks/kafka/broker_errors.h"

#include <librdkafka/rdkafka.h>

namespace sluice::sinks {

namespace {

constexpr int kUnknownTopicId = 100;  // of the protocol; librdkafka 2.0 has no name for it

std::string quoted(std::string_view topic) { return topic.empty() ? std::string("a topic") : "topic \"" + std::string(topic) + "\""; }

std::string with(std::string message, std::string_view detail) {
  return detail.empty() ? message : message + " (" + std::string(detail) + ")";
}

Error of_topic(rd_kafka_resp_err_t code, std::string_view detail, std::string_view topic) {
  switch (code) {
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      return {ErrorKind::kTransient, "topic_unknown",
              with(quoted(topic) + " does not exist: create it, or let the sink do so with create_topics: {partitions: N}", detail)};
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
      return {
          ErrorKind::kFatal, "topic_forbidden",
          with(quoted(topic) +
                   " may not be written: grant our user the operations Write and Describe on it (kafka-acls --add --producer --topic ...)",
               detail)};
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
      return {ErrorKind::kBadRecord, "topic_name_invalid", with(quoted(topic) + " cannot be called so", detail)};
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
      return {ErrorKind::kFatal, "policy_violation", with("the cluster's policy refuses " + quoted(topic), detail)};
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
      return {ErrorKind::kBadRecord, "message_too_large",
              with("larger than " + quoted(topic) +
                       " or the sink takes: raise the topic's max.message.bytes and properties: {message.max.bytes: N}",
                   detail)};
    default:
      return {ErrorKind::kBadRecord, "record_refused",
              with("the broker's validation for " + quoted(topic) + " refuses the record", detail)};
  }
}

Error of_cluster(rd_kafka_resp_err_t code, std::string_view detail) {
  switch (code) {
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
      return {ErrorKind::kTransient, "authentication_failed", with("the brokers refuse name or password of sasl", detail)};
    case RD_KAFKA_RESP_ERR__SSL: return {ErrorKind::kTransient, "tls_failed", with("no TLS connection to the brokers", detail)};
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
      return {ErrorKind::kFatal, "transactional_id_forbidden",
              with("grant our user the operations Write and Describe on the transactional id (kafka-acls --add --producer "
                   "--transactional-id ...)",
                   detail)};
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
      return {ErrorKind::kFatal, "cluster_forbidden", with("grant our user IdempotentWrite on the cluster, or Write on a topic", detail)};
    case RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT:
      return {ErrorKind::kFatal, "bad_value",
              with("transaction.timeout.ms is longer than the brokers' transaction.max.timeout.ms", detail)};
    case RD_KAFKA_RESP_ERR__FENCED:
    case RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
    case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH:
    case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING:
      return {ErrorKind::kTransient, "fenced", with("another producer took the transactional id, or the transaction timed out", detail)};
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND:
      return {ErrorKind::kTransient, "not_enough_replicas", with("fewer replicas are in sync than min.insync.replicas asks for", detail)};
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
      return {ErrorKind::kTransient, "broker_unreachable", with("the brokers do not answer", detail)};
    case RD_KAFKA_RESP_ERR__STATE:
    case RD_KAFKA_RESP_ERR__PURGE_QUEUE:
    case RD_KAFKA_RESP_ERR__PURGE_INFLIGHT:
      return {ErrorKind::kTransient, "transaction_aborted", with("the transaction was given up", detail)};
    default: return {ErrorKind::kTransient, "kafka_error", with(rd_kafka_err2name(code), detail)};
  }
}

bool is_about_topic(rd_kafka_resp_err_t code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION: return true;
    default: return is_refusal(code);
  }
}

}  // namespace

Error broker_error(int code, std::string_view detail, std::string_view topic) {
  const auto known = code == kUnknownTopicId ? RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART : static_cast<rd_kafka_resp_err_t>(code);
  return is_about_topic(known) ? of_topic(known, detail, topic) : of_cluster(known, detail);
}

bool is_refusal(int code) {
  switch (static_cast<rd_kafka_resp_err_t>(code)) {
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD: return true;
    default: return false;
  }
}

}  // namespace sluice::sinks
