// What librdkafka is started with: secrets as they are now, not as they were when the configuration was read.
#include <catch2/catch.hpp>

#include <algorithm>

#include "sinks/kafka/client_settings.h"

using namespace sluice;

namespace {

std::string setting(const sinks::ClientSettings& settings, std::string_view name) {
  const auto found = std::find_if(settings.begin(), settings.end(), [&](const auto& one) { return one.first == name; });
  return found == settings.end() ? "" : found->second;
}

sinks::KafkaSinkConfig with_password(Reread reread) {
  sinks::KafkaSinkConfig config;
  config.brokers.addresses = {"localhost:9092"};
  config.sasl.enabled = true;
  config.sasl.username = "shop";
  config.sasl.password = Secret("old", std::move(reread));
  return config;
}

}  // namespace

TEST_CASE("every client is started with the password that its file holds then") {
  std::string content = "first";
  const auto config = with_password([&content] { return Result<std::string>(content); });
  const auto producer = sinks::producer_settings(config, "c", "t", {});
  REQUIRE(producer);
  CHECK(setting(*producer, "sasl.password") == "first");
  content = "second";
  const auto reader = sinks::reader_settings(config, "c");
  REQUIRE(reader);
  CHECK(setting(*reader, "sasl.password") == "second");
  CHECK(setting(*sinks::producer_settings(with_password({}), "c", "t", {}), "sasl.password") == "old");
}

TEST_CASE("a password's file that cannot be read is tried again later") {
  const auto config = with_password([]() -> Result<std::string> { return Error(ErrorKind::kTransient, "secret_unreadable", "gone"); });
  const auto producer = sinks::producer_settings(config, "c", "t", {});
  REQUIRE_FALSE(producer);
  CHECK(producer.error().kind() == ErrorKind::kTransient);
  CHECK(producer.error().code() == "secret_unreadable");
  CHECK_FALSE(sinks::reader_settings(config, "c"));
}
