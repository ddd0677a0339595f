#include "sinks/kafka/client_settings.h"

#include <algorithm>
#include <array>

#include "sinks/kafka/handles_internal.h"

namespace sluice::sinks {

namespace {

// Bytes that wait in the client; a record is held by the lane as well until it is committed.
constexpr std::string_view kQueueKilobytes = "32768";

struct Owned {
  std::string_view name;
  std::string_view instead;  // what the user should write, or why there is nothing to write
};

constexpr std::array kOwned = {
    Owned{"bootstrap.servers", "use brokers"},
    Owned{"metadata.broker.list", "use brokers"},
    Owned{"enable.idempotence", "it is always on"},
    Owned{"acks", "it is always all"},
    Owned{"request.required.acks", "it is always all"},
    Owned{"transactional.id", "use transactional_id"},
    Owned{"partitioner", "use partitioner"},
    Owned{"compression.codec", "use compression"},
    Owned{"compression.type", "use compression"},
    Owned{"isolation.level", "the sink reads its own progress only, at read_committed"},
    Owned{"group.id", "the sink belongs to no group"},
    Owned{"delivery.report.only.error", "the sink counts on it"},
    Owned{"enable.partition.eof", "the sink counts on it"},
    Owned{"log.queue", "the client's log goes to ours"},
};

std::string joined(const std::vector<std::string>& addresses) {
  std::string result;
  for (const std::string& address : addresses) result += (result.empty() ? "" : ",") + address;
  return result;
}

std::string sasl_name(SaslMechanism mechanism) {
  switch (mechanism) {
    case SaslMechanism::kPlain: return "PLAIN";
    case SaslMechanism::kScramSha256: return "SCRAM-SHA-256";
    case SaslMechanism::kScramSha512: break;
  }
  return "SCRAM-SHA-512";
}

Status add_security(const KafkaSinkConfig& config, ClientSettings& out) {
  const KafkaTls& tls = config.tls;
  if (tls.enabled || config.sasl.enabled) {
    out.emplace_back("security.protocol", config.sasl.enabled ? (tls.enabled ? "sasl_ssl" : "sasl_plaintext") : "ssl");
  }
  if (tls.enabled) {
    if (!tls.ca.empty()) out.emplace_back("ssl.ca.location", tls.ca);
    if (!tls.certificate.empty()) out.emplace_back("ssl.certificate.location", tls.certificate);
    if (!tls.key.empty()) out.emplace_back("ssl.key.location", tls.key);
    if (!tls.key_password.empty()) {
      std::string password = SLUICE_TRY(tls.key_password.current());
      out.emplace_back("ssl.key.password", std::move(password));
    }
    out.emplace_back("enable.ssl.certificate.verification", tls.verify ? "true" : "false");
    out.emplace_back("ssl.endpoint.identification.algorithm", tls.verify ? "https" : "none");
  }
  if (config.sasl.enabled) {
    out.emplace_back("sasl.mechanism", sasl_name(config.sasl.mechanism));
    out.emplace_back("sasl.username", config.sasl.username);
    std::string password = SLUICE_TRY(config.sasl.password.current());
    out.emplace_back("sasl.password", std::move(password));
  }
  return {};
}

Status add_common(const KafkaSinkConfig& config, std::string_view client_id, ClientSettings& out) {
  out.emplace_back("client.id", client_id);
  // An operator hears of a broker within seconds, and a restarted one is found again soon.
  out.emplace_back("reconnect.backoff.ms", "50");
  out.emplace_back("reconnect.backoff.max.ms", "2000");
  out.emplace_back("bootstrap.servers", joined(config.brokers.addresses));
  out.emplace_back("log.queue", "true");
  return add_security(config, out);
}

// Whether `tls` or `sasl` already say what this setting would say.
std::string_view said_otherwise(const KafkaSinkConfig& config, std::string_view name) {
  if (name == "security.protocol" && (config.tls.enabled || config.sasl.enabled)) return "it follows from tls and sasl";
  if (name.starts_with("ssl.") && config.tls.enabled) {
    static constexpr std::array<std::string_view, 5> kOurs = {"ssl.ca.location", "ssl.certificate.location", "ssl.key.location",
                                                              "ssl.key.password", "ssl.endpoint.identification.algorithm"};
    if (std::find(kOurs.begin(), kOurs.end(), name) != kOurs.end()) return "use tls";
  }
  const bool sasl = name == "sasl.mechanism" || name == "sasl.mechanisms" || name == "sasl.username" || name == "sasl.password";
  return sasl && config.sasl.enabled ? "use sasl" : "";
}

}  // namespace

Result<ClientSettings> producer_settings(const KafkaSinkConfig& config, std::string_view client_id, std::string_view transactional_id,
                                         const ProducerLimits& limits) {
  ClientSettings result;
  SLUICE_TRY(add_common(config, client_id, result));
  result.emplace_back("enable.idempotence", "true");
  if (!transactional_id.empty()) result.emplace_back("transactional.id", transactional_id);
  result.emplace_back("delivery.report.only.error", "true");
  // Ends of topics as they are, open transactions included: how far the progress topic must be read.
  result.emplace_back("isolation.level", "read_uncommitted");
  result.emplace_back("partitioner", ConfigType<KafkaPartitioner>::show(config.partitioner));
  result.emplace_back("compression.codec", ConfigType<KafkaCompression>::show(config.compression));
  // A mistyped or deleted topic must not come to life by itself, with one partition.
  result.emplace_back("allow.auto.create.topics", "false");
  result.emplace_back("queue.buffering.max.kbytes", kQueueKilobytes);
  result.emplace_back("queue.buffering.max.messages", "1000000");
  result.emplace_back("linger.ms", "20");  // a commit does not wait for it
  result.emplace_back("message.timeout.ms", "60000");
  result.emplace_back("statistics.interval.ms", "5000");
  for (const auto& entry : config.properties.entries) result.push_back(entry);
  if (limits.alone) result.emplace_back("batch.num.messages", "1");
  if (limits.batch_bytes != 0) result.emplace_back("batch.size", std::to_string(limits.batch_bytes));
  return result;
}

Result<ClientSettings> reader_settings(const KafkaSinkConfig& config, std::string_view client_id) {
  ClientSettings result;
  SLUICE_TRY(add_common(config, client_id, result));
  for (const auto& entry : config.properties.entries) result.push_back(entry);
  result.emplace_back("isolation.level", "read_committed");
  result.emplace_back("enable.partition.eof", "true");
  result.emplace_back("allow.auto.create.topics", "false");
  result.emplace_back("fetch.wait.max.ms", "100");
  result.emplace_back("statistics.interval.ms", "0");
  return result;
}

void check_property(const KafkaSinkConfig& config, const std::string& name, const std::string& value, const ConfigNode& node,
                    BindContext& context) {
  const auto owned = std::find_if(kOwned.begin(), kOwned.end(), [&](const Owned& entry) { return entry.name == name; });
  const std::string_view instead = owned != kOwned.end() ? owned->instead : said_otherwise(config, name);
  if (!instead.empty()) {
    context.findings.error(node, "conflict", "the sink sets " + name + " itself", std::string(instead));
    return;
  }
  const ConfHandle scratch(rd_kafka_conf_new());
  std::array<char, 512> why{};
  switch (rd_kafka_conf_set(scratch.get(), name.c_str(), value.c_str(), why.data(), why.size())) {
    case RD_KAFKA_CONF_OK: return;
    case RD_KAFKA_CONF_UNKNOWN:
      context.findings.error(node, "unknown_key", "librdkafka " + std::string(rd_kafka_version_str()) + " has no setting \"" + name + "\"",
                             "its names are in CONFIGURATION.md of librdkafka; Java's differ here and there");
      return;
    case RD_KAFKA_CONF_INVALID: break;
  }
  // librdkafka's text may quote the value.
  context.findings.error(node, "bad_value", is_secret_property(name) ? "the value of " + name + " is refused" : std::string(why.data()));
}

std::string wrong_topic_name(std::string_view name) {
  if (name.empty()) return "the topic's name is empty";
  if (name == "." || name == "..") return "a topic cannot be called \"" + std::string(name) + "\"";
  if (name.size() > 249) return "a topic's name has at most 249 bytes, this one has " + std::to_string(name.size());
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  };
  if (std::all_of(name.begin(), name.end(), good)) return {};
  return "a topic's name is made of letters, digits, \".\", \"_\" and \"-\": \"" + std::string(name.substr(0, 80)) + "\"";
}

}  // namespace sluice::sinks
