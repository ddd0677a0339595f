#pragma once
// What a user may write under `kafka:`.  Values only; how they become settings of librdkafka is in client_settings.h.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/config_fields.h"
#include "formats/codec.h"

namespace sluice::sinks {

enum class KafkaDelivery : std::uint8_t { kExactlyOnce, kAtLeastOnce };
enum class KafkaPartitioner : std::uint8_t { kMurmur2Random, kMurmur2, kConsistentRandom, kConsistent, kFnv1aRandom, kFnv1a, kRandom };
enum class KafkaCompression : std::uint8_t { kNone, kGzip, kSnappy, kLz4, kZstd };
enum class SaslMechanism : std::uint8_t { kPlain, kScramSha256, kScramSha512 };

// "a:9092,b:9092" or a list of such.
struct KafkaBrokers {
  std::vector<std::string> addresses;
};

struct KafkaTls {
  bool enabled = false;  // `tls: {}` and `tls: true` switch it on
  std::string ca, certificate, key;
  Secret key_password;
  bool verify = true;
  static const ConfigFields<KafkaTls>& fields();
};

struct KafkaSasl {
  bool enabled = false;
  SaslMechanism mechanism = SaslMechanism::kScramSha512;
  std::string username;
  Secret password;
  static const ConfigFields<KafkaSasl>& fields();
};

// Settings of librdkafka or of a topic: name -> value.  Shown with passwords, keys and secrets as ***.
struct KafkaProperties {
  std::vector<std::pair<std::string, std::string>> entries;
};

struct KafkaCreateTopics {
  bool enabled = false;
  std::int32_t partitions = -1;   // -1: the brokers' default
  std::int32_t replication = -1;  // the same
  KafkaProperties config;
  static const ConfigFields<KafkaCreateTopics>& fields();
};

struct KafkaTable {
  std::optional<TemplateText> topic;
  std::vector<FieldPath> key;
  static const ConfigFields<KafkaTable>& fields();
};

struct KafkaSinkConfig {
  KafkaBrokers brokers;
  TemplateText topic;
  CodecConfig format;
  KafkaDelivery delivery = KafkaDelivery::kExactlyOnce;
  std::vector<FieldPath> key;
  std::vector<std::pair<std::string, KafkaTable>> per_table;  // by "table", "schema.table" or "database.schema.table"
  KafkaPartitioner partitioner = KafkaPartitioner::kMurmur2Random;
  KafkaCompression compression = KafkaCompression::kLz4;
  KafkaCreateTopics create_topics;
  std::vector<std::pair<std::string, TemplateText>> headers;
  KafkaTls tls;
  KafkaSasl sasl;
  std::string transactional_id;  // empty: sluice.<pipeline>.<sink>
  KafkaProperties properties;
};

const ConfigFields<KafkaSinkConfig>& kafka_sink_fields();

// Whether a setting's value must not be shown.
bool is_secret_property(std::string_view name);

}  // namespace sluice::sinks

namespace sluice {

template <>
struct EnumNames<sinks::KafkaDelivery> {
  static constexpr std::array kNames = {std::pair{std::string_view{"exactly_once"}, sinks::KafkaDelivery::kExactlyOnce},
                                        std::pair{std::string_view{"at_least_once"}, sinks::KafkaDelivery::kAtLeastOnce}};
};
// The names are librdkafka's own.
template <>
struct EnumNames<sinks::KafkaPartitioner> {
  static constexpr std::array kNames = {std::pair{std::string_view{"murmur2_random"}, sinks::KafkaPartitioner::kMurmur2Random},
                                        std::pair{std::string_view{"murmur2"}, sinks::KafkaPartitioner::kMurmur2},
                                        std::pair{std::string_view{"consistent_random"}, sinks::KafkaPartitioner::kConsistentRandom},
                                        std::pair{std::string_view{"consistent"}, sinks::KafkaPartitioner::kConsistent},
                                        std::pair{std::string_view{"fnv1a_random"}, sinks::KafkaPartitioner::kFnv1aRandom},
                                        std::pair{std::string_view{"fnv1a"}, sinks::KafkaPartitioner::kFnv1a},
                                        std::pair{std::string_view{"random"}, sinks::KafkaPartitioner::kRandom}};
};
template <>
struct EnumNames<sinks::KafkaCompression> {
  static constexpr std::array kNames = {std::pair{std::string_view{"none"}, sinks::KafkaCompression::kNone},
                                        std::pair{std::string_view{"gzip"}, sinks::KafkaCompression::kGzip},
                                        std::pair{std::string_view{"snappy"}, sinks::KafkaCompression::kSnappy},
                                        std::pair{std::string_view{"lz4"}, sinks::KafkaCompression::kLz4},
                                        std::pair{std::string_view{"zstd"}, sinks::KafkaCompression::kZstd}};
};
template <>
struct EnumNames<sinks::SaslMechanism> {
  static constexpr std::array kNames = {std::pair{std::string_view{"scram-sha-512"}, sinks::SaslMechanism::kScramSha512},
                                        std::pair{std::string_view{"scram-sha-256"}, sinks::SaslMechanism::kScramSha256},
                                        std::pair{std::string_view{"plain"}, sinks::SaslMechanism::kPlain}};
};

template <>
struct ConfigType<sinks::KafkaBrokers> {
  static bool bind(const ConfigNode& node, sinks::KafkaBrokers& out, BindContext& context);
  static std::string type_name() { return "list of host:port"; }
  static ValueShape shape() {
    const ValueShape text = shape_of<std::string>();
    return shapes::any_of(text, shapes::list_of(text));
  }
  static std::string show(const sinks::KafkaBrokers& value);
};
template <>
struct ConfigType<sinks::KafkaProperties> {
  static bool bind(const ConfigNode& node, sinks::KafkaProperties& out, BindContext& context);
  static std::string type_name() { return "mapping of settings"; }
  static ValueShape shape() { return shapes::map_of(shape_of<std::string>(), shape_of<std::string>()); }
  static std::string show(const sinks::KafkaProperties& value);
};

// A mapping that switches something on by being there: `tls: {}`; `tls: true` and `tls: false` too.
template <typename T>
struct SwitchedConfigType {
  static bool bind(const ConfigNode& node, T& out, BindContext& context) {
    if (node.is_scalar()) return ConfigType<bool>::bind(node, out.enabled, context);
    T value;
    if (!T::fields().bind(node, nullptr, value, context)) return false;
    value.enabled = true;
    out = std::move(value);
    return true;
  }
  static std::string type_name() { return "mapping"; }
  static ValueShape shape() { return shapes::any_of(shapes::mapping_of(T::fields().docs()), shape_of<bool>()); }
  static std::string show(const T& value) {
    if (!value.enabled) return {};
    std::string result;
    for (const auto& [name, text] : T::fields().show(value)) result += (result.empty() ? "" : ", ") + name + ": " + text;
    return "{" + result + "}";
  }
};
template <>
struct ConfigType<sinks::KafkaTls> : SwitchedConfigType<sinks::KafkaTls> {};
template <>
struct ConfigType<sinks::KafkaSasl> : SwitchedConfigType<sinks::KafkaSasl> {};
template <>
struct ConfigType<sinks::KafkaCreateTopics> : SwitchedConfigType<sinks::KafkaCreateTopics> {};

}  // namespace sluice
