// `format:` as users write it: every format by name and with options, findings with a place.
#include <catch2/catch.hpp>

#include "core/config_binding.h"
#include "formats/codec.h"

namespace sluice {

namespace {

class NoVariables final : public Variables {
 public:
  std::optional<std::string> find(std::string_view) const override { return std::nullopt; }
  Result<std::string> read_file(std::string_view) const override { return Error(ErrorKind::kInvalidConfig, "unreadable_file", "no"); }
};

ConfigNode scalar(std::string text, std::uint32_t line = 1) {
  ConfigNode node;
  node.kind = ConfigNode::Kind::kScalar;
  node.place = {"f.yaml", line, 1, line, 1};
  node.text = std::move(text);
  return node;
}

// {name: {key: value, ...}}; the n-th option stands on line n + 1.
ConfigNode with_options(const std::string& name, const std::vector<std::pair<std::string, std::string>>& options) {
  ConfigNode inner;
  inner.kind = ConfigNode::Kind::kMapping;
  for (const auto& [key, value] : options) {
    const auto line = static_cast<std::uint32_t>(inner.entries.size() + 2);
    inner.entries.emplace_back(scalar(key, line), scalar(value, line));
  }
  ConfigNode node;
  node.kind = ConfigNode::Kind::kMapping;
  node.entries.emplace_back(scalar(name), std::move(inner));
  return node;
}

struct Bound {
  bool good = false;
  CodecConfig config;
  Diagnostics findings;
};

Bound bind(const ConfigNode& node) {
  static const NoVariables variables;
  Bound bound;
  BindContext context{bound.findings, variables};
  bound.good = ConfigType<CodecConfig>::bind(node, bound.config, context);
  return bound;
}

}  // namespace

TEST_CASE("every format by its name", "[codec]") {
  for (const char* name : {"json", "csv", "debezium_json", "maxwell", "cloudevents"}) {
    INFO(name);
    const Bound bound = bind(scalar(name));
    REQUIRE(bound.good);
    CHECK(ConfigType<CodecConfig>::show(bound.config) == name);
    CHECK(make_encoder(bound.config) != nullptr);
  }
  CHECK_FALSE(bind(scalar("debezium")).good);
}

TEST_CASE("lossless is every handling mode's lossless one", "[codec]") {
  const Bound bound = bind(with_options("debezium_json", {{"lossless", "true"}}));
  REQUIRE(bound.good);
  const debezium::Options& options = bound.config.debezium;
  CHECK(options.decimal == debezium::DecimalMode::kString);
  CHECK(options.time == debezium::TimeMode::kAdaptive);
  CHECK(options.interval == debezium::IntervalMode::kString);
  CHECK(options.include_unknown_datatypes);
  CHECK_FALSE(options.replace_null_with_default);
  CHECK(options.skipped_operations.empty());
  CHECK(ConfigType<CodecConfig>::show(bound.config) ==
        "{debezium_json: {decimal_handling_mode: string, interval_handling_mode: string, include_unknown_datatypes: true, "
        "replace_null_with_default: false, skipped_operations: []}}");
}

TEST_CASE("an option goes before lossless, unless it loses something", "[codec]") {
  const Bound micro = bind(with_options("debezium_json", {{"lossless", "true"}, {"time_precision_mode", "microseconds"}}));
  REQUIRE(micro.good);
  CHECK(micro.config.debezium.time == debezium::TimeMode::kMicroseconds);
  for (const auto& [key, value] : std::vector<std::pair<std::string, std::string>>{{"decimal_handling_mode", "double"},
                                                                                   {"decimal_handling_mode", "precise"},
                                                                                   {"time_precision_mode", "connect"},
                                                                                   {"time_precision_mode", "isostring"},
                                                                                   {"time_precision_mode", "nanoseconds"},
                                                                                   {"interval_handling_mode", "numeric"},
                                                                                   {"include_unknown_datatypes", "false"},
                                                                                   {"replace_null_with_default", "true"}}) {
    INFO(key << ": " << value);
    const Bound lossy = bind(with_options("debezium_json", {{"lossless", "true"}, {key, value}}));
    CHECK_FALSE(lossy.good);
    REQUIRE(lossy.findings.findings().size() == 1);
    CHECK(lossy.findings.findings()[0].code == "conflict");
    CHECK(lossy.findings.findings()[0].place.line == 3);
    CHECK_FALSE(lossy.findings.findings()[0].hint.empty());
  }
}

TEST_CASE("wrong options are findings with a place", "[codec]") {
  const Bound unknown = bind(with_options("debezium_json", {{"decimal.handling.mode", "string"}}));
  CHECK_FALSE(unknown.good);
  CHECK(unknown.findings.findings().at(0).code == "unknown_key");
  CHECK(unknown.findings.findings()[0].suggestion == "decimal_handling_mode");
  const Bound value = bind(with_options("debezium_json", {{"decimal_handling_mode", "strnig"}}));
  CHECK_FALSE(value.good);
  CHECK(value.findings.findings().at(0).place.line == 2);
  CHECK_FALSE(bind(with_options("debezium_json", {{"money_fraction_digits", "-1"}})).good);
  CHECK_FALSE(bind(with_options("maxwell", {{"primary_keys", "perhaps"}})).good);
  CHECK(bind(with_options("cloudevents", {{"source", "/shop"}, {"type", "com.example."}})).config.cloudevents.type == "com.example.");
}

}  // namespace sluice
