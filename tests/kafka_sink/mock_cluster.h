#pragma once
// librdkafka's mock cluster, in this process: answers as brokers do, fails as told, knows no aborted records.

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/sinks/harness.h"

namespace sluice::testing {

class MockCluster {
 public:
  explicit MockCluster(int brokers = 1);
  ~MockCluster();
  MockCluster(const MockCluster&) = delete;
  MockCluster& operator=(const MockCluster&) = delete;

  std::string bootstrap() const;
  void create_topic(const std::string& name, int partitions = 1);
  // The next `times` answers to requests of kind `api_key` (0 Produce, 22 InitProducerId, 24 AddPartitionsToTxn, 26 EndTxn) are this error.
  void fail(std::int16_t api_key, int code, unsigned times = 1);
  void set_up(int broker, bool up);

  struct Message {
    std::int32_t partition = 0;
    std::string key, value;
    bool null_value = false;
    std::vector<std::pair<std::string, std::string>> headers;
  };
  // Every message of the topic, partition by partition.
  std::vector<Message> read(const std::string& topic, int partitions = 1) const;

 private:
  struct Handles;
  std::unique_ptr<Handles> handles_;
};

constexpr std::int16_t kProduce = 0, kInitProducerId = 22, kAddPartitionsToTxn = 24, kEndTxn = 26;

// A sink built through the registry from settings as users write them; fails the test when they are not accepted.
std::unique_ptr<Sink> make_kafka_sink(World& world, const MockCluster& cluster, Settings settings = {}, std::string component = "out");
// Codes of the findings about settings; brokers and topic are given.
std::vector<std::string> refused_by_kafka(const Settings& settings);

}  // namespace sluice::testing
