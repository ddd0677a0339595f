#include "sinks/kafka/statistics.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace sluice::sinks {

namespace {

using Json = nlohmann::json;

double number(const Json& object, const char* name) {
  if (!object.is_object() || !object.contains(name)) return 0;
  const Json& value = object.at(name);
  return value.is_number() ? value.get<double>() : 0;
}

// object.outer.inner, a window's value.
double number(const Json& object, const char* outer, const char* inner) {
  return object.is_object() && object.contains(outer) ? number(object.at(outer), inner) : 0;
}

// object.name where it is an object, else an empty one.
const Json& part(const Json& object, const char* name) {
  static const Json kNone = Json::object();
  return object.contains(name) && object.at(name).is_object() ? object.at(name) : kNone;
}

// The client's counters never fall; a value that did is a new client's.
void move_on(Counter& counter, double& last, double now) {
  if (now > last) counter.add(now - last);
  last = std::max(last, now);
}

}  // namespace

KafkaStatistics::KafkaStatistics(Metrics& metrics)
    : committed(metrics.counter("sluice_kafka_transactions_total", "Transactions, by how they ended.", {{"result", "committed"}})),
      aborted(metrics.counter("sluice_kafka_transactions_total", "Transactions, by how they ended.", {{"result", "aborted"}})),
      refused(metrics.counter("sluice_kafka_records_refused_total", "Records that a broker or the client would not take.", {})),
      producers_(metrics.counter("sluice_kafka_producers_total", "Producers begun; each failure begins a new one.", {})),
      requests_(metrics.counter("sluice_kafka_requests_total", "Requests sent to brokers.", {})),
      bytes_(metrics.counter("sluice_kafka_sent_bytes_total", "Bytes sent to brokers, as they are on the wire.", {})),
      messages_(metrics.counter("sluice_kafka_messages_total", "Messages sent to brokers, repetitions not counted.", {})),
      errors_(metrics.counter("sluice_kafka_request_errors_total", "Requests that failed on their way.", {})),
      retries_(metrics.counter("sluice_kafka_request_retries_total", "Requests sent again.", {})),
      timeouts_(metrics.counter("sluice_kafka_request_timeouts_total", "Requests without an answer in time.", {})),
      queue_messages_(metrics.gauge("sluice_kafka_queue_messages", "Messages in the client that are not answered yet.", {})),
      queue_bytes_(metrics.gauge("sluice_kafka_queue_bytes", "Bytes of them.", {})),
      brokers_up_(metrics.gauge("sluice_kafka_brokers_connected", "Brokers with a connection that works.", {})),
      rtt_p50_(
          metrics.gauge("sluice_kafka_request_seconds", "Time of requests to the slowest broker, a recent window.", {{"quantile", "0.5"}})),
      rtt_p99_(metrics.gauge("sluice_kafka_request_seconds", "Time of requests to the slowest broker, a recent window.",
                             {{"quantile", "0.99"}})),
      throttle_(metrics.gauge("sluice_kafka_throttle_seconds", "How long brokers hold answers back because of quotas, a recent mean.", {})),
      batch_bytes_(metrics.gauge("sluice_kafka_batch_bytes", "Size of a batch of messages, a recent mean over topics.", {})) {}

void KafkaStatistics::producer_started() {
  producers_.add();
  last_ = {};
}

void KafkaStatistics::take(std::string_view json) {
  const Json root = Json::parse(json, nullptr, false);
  if (!root.is_object()) return;
  queue_messages_.set(number(root, "msg_cnt"));
  queue_bytes_.set(number(root, "msg_size"));
  move_on(requests_, last_.requests, number(root, "tx"));
  move_on(bytes_, last_.bytes, number(root, "tx_bytes"));
  move_on(messages_, last_.messages, number(root, "txmsgs"));
  double up = 0, p50 = 0, p99 = 0, throttle = 0, errors = 0, retries = 0, timeouts = 0;
  for (const auto& [name, broker] : part(root, "brokers").items()) {
    const bool connected = broker.is_object() && broker.contains("state") && broker.at("state") == "UP";
    if (connected && number(broker, "nodeid") >= 0) up += 1;
    p50 = std::max(p50, number(broker, "rtt", "p50"));
    p99 = std::max(p99, number(broker, "rtt", "p99"));
    throttle = std::max(throttle, number(broker, "throttle", "avg"));
    errors += number(broker, "txerrs");
    retries += number(broker, "txretries");
    timeouts += number(broker, "req_timeouts");
  }
  move_on(errors_, last_.errors, errors);
  move_on(retries_, last_.retries, retries);
  move_on(timeouts_, last_.timeouts, timeouts);
  brokers_up_.set(up);
  rtt_p50_.set(p50 * 1e-6);  // microseconds
  rtt_p99_.set(p99 * 1e-6);
  throttle_.set(throttle * 1e-3);  // milliseconds
  double batches = 0, topics = 0;
  for (const auto& [name, topic] : part(root, "topics").items()) {
    const double mean = number(topic, "batchsize", "avg");
    batches += mean;
    topics += mean > 0 ? 1 : 0;
  }
  batch_bytes_.set(topics > 0 ? batches / topics : 0);
}

}  // namespace sluice::sinks
