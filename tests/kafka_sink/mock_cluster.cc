#include "tests/kafka_sink/mock_cluster.h"

#include <librdkafka/rdkafka.h>
// After rdkafka.h.
#include <librdkafka/rdkafka_mock.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>

#include "sinks/kafka/handles_internal.h"

namespace sluice {
void register_kafka_sink(Registry& registry);
}

namespace sluice::testing {

namespace {

using sinks::ClientHandle;
using sinks::MessageHandle;
using sinks::TopicHandle;

class NoVariables final : public Variables {
 public:
  std::optional<std::string> find(std::string_view) const override { return std::nullopt; }
  Result<std::string> read_file(std::string_view) const override { return std::string(); }
};

const Component& kafka() {
  static const Registry kRegistry = [] {
    Registry registry;
    register_kafka_sink(registry);
    return registry;
  }();
  return *kRegistry.find(ComponentKind::kSink, "kafka");
}

// make_node() nests at every dot; the names of properties have dots.
ConfigNode node_of(const Settings& settings) {
  Settings nested;
  ConfigNode properties;
  properties.kind = ConfigNode::Kind::kMapping;
  const auto scalar = [](const std::string& text) {
    ConfigNode node;
    node.kind = ConfigNode::Kind::kScalar;
    node.text = text;
    return node;
  };
  for (const auto& [name, value] : settings) {
    if (name.starts_with("properties.")) {
      properties.entries.emplace_back(scalar(name.substr(11)), scalar(value));
    } else {
      nested.emplace_back(name, value);
    }
  }
  ConfigNode node = make_node(nested);
  if (!properties.entries.empty()) node.entries.emplace_back(scalar("properties"), properties);
  return node;
}

ClientHandle make_client(rd_kafka_type_t type, const std::vector<std::pair<std::string, std::string>>& settings) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  std::array<char, 512> why{};
  for (const auto& [name, value] : settings)
    REQUIRE(rd_kafka_conf_set(conf, name.c_str(), value.c_str(), why.data(), why.size()) == RD_KAFKA_CONF_OK);
  ClientHandle client(rd_kafka_new(type, conf, why.data(), why.size()));
  REQUIRE(client);
  return client;
}

MockCluster::Message message_of(const rd_kafka_message_t& from) {
  MockCluster::Message result;
  result.partition = from.partition;
  result.key.assign(static_cast<const char*>(from.key), from.key_len);
  result.null_value = from.payload == nullptr;
  result.value.assign(static_cast<const char*>(from.payload), from.len);
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&from, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return result;
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  for (std::size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR; ++i) {
    result.headers.emplace_back(name, std::string(static_cast<const char*>(value), size));
  }
  return result;
}

}  // namespace

struct MockCluster::Handles {
  ClientHandle host;
  std::unique_ptr<rd_kafka_mock_cluster_t, sinks::DestroyWith<rd_kafka_mock_cluster_destroy>> cluster;
};

MockCluster::MockCluster(int brokers) : handles_(std::make_unique<Handles>()) {
  handles_->host = make_client(RD_KAFKA_PRODUCER, {{"client.id", "mock"}, {"log_level", "0"}});
  handles_->cluster.reset(rd_kafka_mock_cluster_new(handles_->host.get(), brokers));
  REQUIRE(handles_->cluster);
}

MockCluster::~MockCluster() = default;

std::string MockCluster::bootstrap() const { return rd_kafka_mock_cluster_bootstraps(handles_->cluster.get()); }

void MockCluster::create_topic(const std::string& name, int partitions) {
  REQUIRE(rd_kafka_mock_topic_create(handles_->cluster.get(), name.c_str(), partitions, 1) == RD_KAFKA_RESP_ERR_NO_ERROR);
}

void MockCluster::fail(std::int16_t api_key, int code, unsigned times) {
  const std::vector<rd_kafka_resp_err_t> codes(times, static_cast<rd_kafka_resp_err_t>(code));
  rd_kafka_mock_push_request_errors_array(handles_->cluster.get(), api_key, codes.size(), codes.data());
}

void MockCluster::set_topic_error(const std::string& topic, int code) {
  rd_kafka_mock_topic_set_error(handles_->cluster.get(), topic.c_str(), static_cast<rd_kafka_resp_err_t>(code));
}

void MockCluster::set_up(int broker, bool up) {
  rd_kafka_mock_cluster_t* cluster = handles_->cluster.get();
  REQUIRE((up ? rd_kafka_mock_broker_set_up(cluster, broker) : rd_kafka_mock_broker_set_down(cluster, broker)) ==
          RD_KAFKA_RESP_ERR_NO_ERROR);
}

std::vector<MockCluster::Message> MockCluster::read(const std::string& topic, int partitions) const {
  const ClientHandle reader = make_client(RD_KAFKA_CONSUMER, {{"bootstrap.servers", bootstrap()}, {"enable.partition.eof", "true"}});
  const TopicHandle handle(rd_kafka_topic_new(reader.get(), topic.c_str(), nullptr));
  std::vector<Message> result;
  for (std::int32_t partition = 0; partition < partitions; ++partition) {
    REQUIRE(rd_kafka_consume_start(handle.get(), partition, RD_KAFKA_OFFSET_BEGINNING) == 0);
    while (true) {
      const MessageHandle message(rd_kafka_consume(handle.get(), partition, 10000));
      REQUIRE(message);
      if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) break;
      result.push_back(message_of(*message));
    }
    rd_kafka_consume_stop(handle.get(), partition);
  }
  return result;
}

std::unique_ptr<Sink> make_kafka_sink(World& world, const MockCluster& cluster, Settings settings, std::string component) {
  const auto given = [&](std::string_view name) {
    return std::any_of(settings.begin(), settings.end(), [&](const auto& entry) { return entry.first == name; });
  };
  settings.emplace_back("brokers", cluster.bootstrap());
  if (!given("topic")) settings.emplace_back("topic", "items");
  Diagnostics findings;
  const NoVariables variables;
  BindContext bind{findings, variables};
  const Component::Config config = kafka().bind(node_of(settings), nullptr, bind);
  for (const Diagnostic& finding : findings.findings()) UNSCOPED_INFO(finding.code << ": " << finding.message);
  REQUIRE(config.has_value());
  auto built = kafka().build_sink(config, world.context(std::move(component)));
  if (!built) FAIL(built.error().message());
  return std::move(built).value();
}

std::vector<std::string> refused_by_kafka(const Settings& settings) {
  Settings all = settings;
  const auto given = [&](std::string_view name) {
    return std::any_of(all.begin(), all.end(), [&](const auto& entry) { return entry.first == name; });
  };
  if (!given("brokers")) all.emplace_back("brokers", "localhost:9092");
  if (!given("topic")) all.emplace_back("topic", "items");
  Diagnostics findings;
  const NoVariables variables;
  BindContext bind{findings, variables};
  const auto config = kafka().bind(node_of(all), nullptr, bind);
  std::vector<std::string> codes;
  for (const Diagnostic& finding : findings.findings()) {
    codes.emplace_back(finding.code);
    UNSCOPED_INFO(finding.code << ": " << finding.message);
  }
  REQUIRE(config.has_value() == codes.empty());
  return codes;
}

}  // namespace sluice::testing
