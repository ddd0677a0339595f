// The configuration of `kafka:` and the records of its progress topic.
#include <catch2/catch.hpp>

#include "sinks/kafka/client_settings.h"
#include "sinks/kafka/progress_record.h"
#include "sinks/kafka/statistics.h"
#include "tests/kafka_sink/mock_cluster.h"

using namespace sluice;
using namespace sluice::testing;
using Codes = std::vector<std::string>;

namespace {

// make_node() nests at dots, so properties are put in by hand.
Codes with_property(const std::string& name, const std::string& value) {
  sinks::KafkaSinkConfig config;
  config.tls.enabled = true;
  config.sasl.enabled = true;
  class NoVariables final : public Variables {
   public:
    std::optional<std::string> find(std::string_view) const override { return std::nullopt; }
    Result<std::string> read_file(std::string_view) const override { return std::string(); }
  } variables;
  Diagnostics findings;
  BindContext bind{findings, variables};
  sinks::check_property(config, name, value, ConfigNode(), bind);
  Codes codes;
  for (const Diagnostic& finding : findings.findings()) {
    CHECK(finding.message.find("s3cr3t") == std::string::npos);
    codes.emplace_back(finding.code);
  }
  return codes;
}

}  // namespace

TEST_CASE("Kafka: wrong settings are findings") {
  CHECK(refused_by_kafka({}) == Codes{});
  CHECK(refused_by_kafka({{"brokers", "a:9092, b:9092"}}) == Codes{});
  CHECK(refused_by_kafka({{"brokers", "[a:9092,b]"}}) == Codes{});
  CHECK(refused_by_kafka({{"brokers", "a:0"}}) == Codes{"bad_value"});
  CHECK(refused_by_kafka({{"brokers", "a:9092,"}}) == Codes{"bad_value"});
  CHECK(refused_by_kafka({{"brokers", "kafka://a:9092"}}) == Codes{"bad_value"});
  CHECK(refused_by_kafka({{"topic", ""}}) == Codes{"bad_value"});
  CHECK(refused_by_kafka({{"topic", "a b"}}) == Codes{"bad_value"});
  CHECK(refused_by_kafka({{"topic", std::string(250, 'x')}}) == Codes{"bad_value"});
  CHECK(refused_by_kafka({{"delivery", "at_least_once"}, {"transactional_id", "x"}}) == Codes{"conflict"});
  CHECK(refused_by_kafka({{"transactional_id", "a/b"}}) == Codes{"bad_value"});
  CHECK(refused_by_kafka({{"create_topics.partitions", "0"}}) == Codes{"out_of_range"});
  CHECK(refused_by_kafka({{"create_topics.replication", "-2"}}) == Codes{"out_of_range"});
  CHECK(refused_by_kafka({{"tls.certificate", "x.pem"}}) == Codes{"conflict"});
  CHECK(refused_by_kafka({{"tls", "true"}, {"sasl.username", "a"}, {"sasl.password", "b"}, {"sasl.mechanism", "plain"}}) == Codes{});
  CHECK(refused_by_kafka({{"sasl.username", "a"}}) == Codes{"missing_key"});
  CHECK(refused_by_kafka({{"per_table.shop.topic", "a b"}}) == Codes{"bad_value"});
  CHECK(refused_by_kafka({{"per_table.shop.key", "[]"}}) == Codes{"bad_value"});
}

TEST_CASE("Kafka: properties that the sink owns, unknown ones and refused values") {
  CHECK(with_property("linger.ms", "5") == Codes{});
  CHECK(with_property("ssl.cipher.suites", "x") == Codes{});
  for (const char* name : {"bootstrap.servers", "transactional.id", "enable.idempotence", "acks", "compression.codec", "partitioner",
                           "security.protocol", "sasl.password", "ssl.ca.location"}) {
    INFO(name);
    CHECK(with_property(name, "s3cr3t") == Codes{"conflict"});
  }
  CHECK(with_property("linger.msec", "5") == Codes{"unknown_key"});
  CHECK(with_property("linger.ms", "soon") == Codes{"bad_value"});
}

TEST_CASE("Kafka: secrets of properties are not shown") {
  const sinks::KafkaProperties properties{
      {{"linger.ms", "5"}, {"sasl.oauthbearer.client.secret", "s3cr3t"}, {"ssl.keystore.password", "s3cr3t"}, {"ssl.key.pem", "s3cr3t"}}};
  const std::string shown = ConfigType<sinks::KafkaProperties>::show(properties);
  CHECK(shown.find("s3cr3t") == std::string::npos);
  CHECK(shown.find("linger.ms: 5") != std::string::npos);
}

TEST_CASE("Kafka: progress records keep every position (G24)") {
  for (const std::string& resume : {std::string(), std::string("a"), std::string("ab"), std::string("abc"), std::string("\0\xff\n\"", 4)}) {
    const sinks::ProgressRecord record{"here", {{~std::uint64_t{0}, Ordinal::kEnd}, resume, resume.size() == 1}};
    const auto read = sinks::read_progress(sinks::write_progress(record));
    REQUIRE(read);
    CHECK(*read == record);
  }
  CHECK(sinks::write_progress({"i", {{7, 8}, "r", false}}) ==
        R"({"v":1,"instance":"i","major":"7","minor":"8","resume":"cg==","retired":false})");
  const auto code = [](std::string_view text) {
    const auto read = sinks::read_progress(text);
    REQUIRE_FALSE(read);
    CHECK(read.error().kind() == ErrorKind::kFatal);
    return std::string(read.error().code());
  };
  CHECK(code("") == "progress_corrupt");
  CHECK(code("[]") == "progress_corrupt");
  CHECK(code(R"({"v":2})") == "progress_newer");
  CHECK(code(R"({"v":1,"instance":"i","major":"7","minor":"8","resume":"c","retired":false})") == "progress_corrupt");
  CHECK(code(R"({"v":1,"instance":"i","major":"7","minor":"8","resume":"c===","retired":false})") == "progress_corrupt");
  CHECK(code(R"({"v":1,"instance":"i","major":"7","minor":"8","resume":"c=g=","retired":false})") == "progress_corrupt");
  CHECK(code(R"({"v":1,"instance":"i","major":7,"minor":"8","resume":"","retired":false})") == "progress_corrupt");
  CHECK(code(R"({"v":1,"instance":"i","major":"18446744073709551616","minor":"8","resume":"","retired":false})") == "progress_corrupt");
}

TEST_CASE("Kafka: statistics are read whatever they hold") {
  class Named final : public Metrics {
   public:
    Counter& counter(std::string_view name, std::string_view, const Labels&) override { return counters[std::string(name)]; }
    Gauge& gauge(std::string_view name, std::string_view, const Labels&) override { return gauges[std::string(name)]; }
    Histogram& histogram(std::string_view, std::string_view, std::span<const double>, const Labels&) override { return histogram_; }
    std::map<std::string, Counter> counters;
    std::map<std::string, Gauge> gauges;

   private:
    Histogram histogram_{std::span<const double>()};
  } metrics;
  sinks::KafkaStatistics statistics(metrics);
  for (const char* text : {"", "[]", "{}", R"({"brokers":[],"topics":3,"tx":"x"})", R"({"brokers":{"a":1,"b":{"rtt":2,"state":5}}})"})
    statistics.take(text);
  statistics.producer_started();
  statistics.take(R"({"tx":10,"tx_bytes":1000,"txmsgs":5,"msg_cnt":3,"msg_size":300,
      "brokers":{"a":{"nodeid":1,"state":"UP","txerrs":1,"rtt":{"p50":1500,"p99":20000},"throttle":{"avg":250}},"b":{"nodeid":-1,"state":"UP"}},
      "topics":{"t":{"batchsize":{"avg":4000}},"u":{}}})");
  statistics.take(R"({"tx":12,"tx_bytes":1500,"txmsgs":7})");
  CHECK(metrics.counters["sluice_kafka_requests_total"].value() == 12);
  CHECK(metrics.counters["sluice_kafka_sent_bytes_total"].value() == 1500);
  CHECK(metrics.counters["sluice_kafka_request_errors_total"].value() == 1);
  CHECK(metrics.gauges["sluice_kafka_queue_messages"].value() == 0);
  statistics.producer_started();
  statistics.take(
      R"({"tx":3,"brokers":{"a":{"nodeid":1,"state":"UP","throttle":{"avg":250}}},"topics":{"t":{"batchsize":{"avg":4000}},"u":{}}})");
  CHECK(metrics.counters["sluice_kafka_requests_total"].value() == 15);
  CHECK(metrics.gauges["sluice_kafka_brokers_connected"].value() == 1);
  CHECK(metrics.gauges["sluice_kafka_throttle_seconds"].value() == 0.25);
  CHECK(metrics.gauges["sluice_kafka_batch_bytes"].value() == 4000);
  CHECK(metrics.counters["sluice_kafka_producers_total"].value() == 2);
}
