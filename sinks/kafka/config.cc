#include "sinks/kafka/config.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "sinks/kafka/client_settings.h"

namespace sluice {

namespace {

// host:port, [v6]:port or host alone (then librdkafka takes 9092).
bool is_address(std::string_view text) {
  if (text.empty() || text.find_first_of(" /,") != std::string_view::npos) return false;
  const std::size_t bracket = text.rfind(']');
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket)) return true;
  unsigned port = 0;
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data() + colon + 1, last, port);
  return error == std::errc() && end == last && port > 0 && port < 65536 && colon > 0;
}

bool bind_addresses(const ConfigNode& node, std::vector<std::string>& out, BindContext& context) {
  const auto known = expand_known(node, context);
  if (!known) return false;
  if (known->unset) return true;
  std::string_view rest = known->text;
  while (true) {
    std::string_view address = rest.substr(0, rest.find(','));
    while (address.starts_with(' ')) address.remove_prefix(1);
    while (address.ends_with(' ')) address.remove_suffix(1);
    if (!is_address(address)) {
      context.findings.error(node, "bad_value", "\"" + std::string(address) + "\" is no broker's address",
                             "write host:port, for example localhost:9092");
      return false;
    }
    out.emplace_back(address);
    const std::size_t comma = rest.find(',');
    if (comma == std::string_view::npos) return true;
    rest.remove_prefix(comma + 1);
  }
}

}  // namespace

bool ConfigType<sinks::KafkaBrokers>::bind(const ConfigNode& node, sinks::KafkaBrokers& out, BindContext& context) {
  sinks::KafkaBrokers brokers;
  bool good = true;
  if (node.is_sequence()) {
    for (const ConfigNode& item : node.items) good = bind_addresses(item, brokers.addresses, context) && good;
    if (node.items.empty()) context.findings.error(node, "bad_value", "no broker is named"), good = false;
  } else {
    good = bind_addresses(node, brokers.addresses, context);
  }
  if (good) out = std::move(brokers);
  return good;
}

std::string ConfigType<sinks::KafkaBrokers>::show(const sinks::KafkaBrokers& value) {
  std::string result;
  for (const std::string& address : value.addresses) result += (result.empty() ? "" : ",") + address;
  return result;
}

bool ConfigType<sinks::KafkaProperties>::bind(const ConfigNode& node, sinks::KafkaProperties& out, BindContext& context) {
  return ConfigType<std::vector<std::pair<std::string, std::string>>>::bind(node, out.entries, context);
}

std::string ConfigType<sinks::KafkaProperties>::show(const sinks::KafkaProperties& value) {
  std::string result;
  for (const auto& [name, text] : value.entries)
    result += (result.empty() ? "" : ", ") + name + ": " + (sinks::is_secret_property(name) ? "***" : text);
  return result.empty() ? result : "{" + result + "}";
}

namespace sinks {

namespace {

const ConfigNode& at(const ConfigNode& node, std::string_view key) {
  const ConfigNode* found = node.find(key);
  return found != nullptr ? *found : node;
}

void check_tls(const KafkaTls& tls, const ConfigNode& node, BindContext& context) {
  if (tls.certificate.empty() != tls.key.empty()) {
    context.findings.error(node, "conflict", "certificate and key belong together", "give both, or none of them");
  }
}

void check_sasl(const KafkaSasl& sasl, const ConfigNode& node, BindContext& context) {
  if (sasl.username.empty()) context.findings.error(at(node, "username"), "bad_value", "the user's name is empty");
}

void check_create_topics(const KafkaCreateTopics& create, const ConfigNode& node, BindContext& context) {
  const auto wrong = [](std::int32_t number) { return number < 1 && number != -1; };
  if (wrong(create.partitions))
    context.findings.error(at(node, "partitions"), "out_of_range", "partitions must be at least 1, or -1 for the brokers' default");
  if (wrong(create.replication) || create.replication > 32767) {
    context.findings.error(at(node, "replication"), "out_of_range", "replication must be at least 1, or -1 for the brokers' default");
  }
}

// The topic's name where it is known before there are records.
void check_topic(const TemplateText& topic, const ConfigNode& node, BindContext& context) {
  if (topic.parts.empty()) {
    context.findings.error(node, "bad_value", "the topic's name is empty");
  } else if (topic.is_constant()) {
    std::string name;
    for (const TemplateText::Part& part : topic.parts) name += part.text;
    if (const std::string wrong = wrong_topic_name(name); !wrong.empty()) context.findings.error(node, "bad_value", wrong);
  }
}

void check_table(const KafkaTable& table, const ConfigNode& node, BindContext& context) {
  if (table.topic) check_topic(*table.topic, at(node, "topic"), context);
  if (!table.topic && table.key.empty())
    context.findings.error(node, "bad_value", "nothing is said about this table", "give topic, key or both");
}

void check_config(const KafkaSinkConfig& config, const ConfigNode& node, BindContext& context) {
  check_topic(config.topic, at(node, "topic"), context);
  if (config.delivery == KafkaDelivery::kAtLeastOnce && !config.transactional_id.empty()) {
    context.findings.error(at(node, "transactional_id"), "conflict", "transactional_id is for delivery: exactly_once");
  }
  if (config.transactional_id.find('/') != std::string::npos) {
    context.findings.error(at(node, "transactional_id"), "bad_value",
                           "transactional_id must not contain \"/\": it is the first part of the progress topic's keys");
  }
  const ConfigNode& properties = at(node, "properties");
  for (const auto& [name, value] : config.properties.entries) check_property(config, name, value, at(properties, name), context);
}

}  // namespace

bool is_secret_property(std::string_view name) {
  static constexpr std::array<std::string_view, 6> kMarks = {"password", "secret", "credential", "token", ".pem", "jaas"};
  return std::any_of(kMarks.begin(), kMarks.end(), [&](std::string_view mark) { return name.find(mark) != std::string_view::npos; });
}

const ConfigFields<KafkaTls>& KafkaTls::fields() {
  static const auto kFields =
      ConfigFields<KafkaTls>{}
          .optional("ca", &KafkaTls::ca, "PEM file of the authorities to trust; the default is the system's.")
          .optional("certificate", &KafkaTls::certificate, "PEM file of our own certificate, where the brokers ask for one.")
          .optional("key", &KafkaTls::key, "PEM file of its private key.")
          .optional("key_password", &KafkaTls::key_password, "The private key's password.")
          .optional("verify", &KafkaTls::verify, "false accepts any certificate under any name: for tests only.")
          .check(check_tls);
  return kFields;
}

const ConfigFields<KafkaSasl>& KafkaSasl::fields() {
  static const auto kFields =
      ConfigFields<KafkaSasl>{}
          .optional("mechanism", &KafkaSasl::mechanism, "How we prove who we are.")
          .required("username", &KafkaSasl::username, "The user's name.")
          .required("password", &KafkaSasl::password, "The user's password; better from ${VARIABLE} or ${file:PATH}.")
          .check(check_sasl);
  return kFields;
}

const ConfigFields<KafkaCreateTopics>& KafkaCreateTopics::fields() {
  static const auto kFields =
      ConfigFields<KafkaCreateTopics>{}
          .optional("partitions", &KafkaCreateTopics::partitions, "Partitions of a new topic; -1: the brokers' default.")
          .optional("replication", &KafkaCreateTopics::replication, "Copies of each partition; -1: the brokers' default.")
          .optional("config", &KafkaCreateTopics::config, "Settings of a new topic, such as cleanup.policy.")
          .check(check_create_topics);
  return kFields;
}

const ConfigFields<KafkaTable>& KafkaTable::fields() {
  static const auto kFields = ConfigFields<KafkaTable>{}
                                  .optional("topic", &KafkaTable::topic, "The table's topic; a template.")
                                  .optional("key", &KafkaTable::key, "The table's key: fields.")
                                  .check(check_table);
  return kFields;
}

const ConfigFields<KafkaSinkConfig>& kafka_sink_fields() {
  using C = KafkaSinkConfig;
  static const auto kFields =
      ConfigFields<C>{}
          .required("brokers", &C::brokers, "Where to begin: host:port, several with commas or as a list.")
          .required("topic", &C::topic, "The topic; a template. It must exist unless create_topics is given.")
          .optional("format", &C::format, "How a record becomes a message: its value, and its key as JSON.")
          .optional("delivery", &C::delivery,
                    "exactly_once writes in transactions that hold the position too (read with isolation.level=read_committed); "
                    "at_least_once may repeat records after a failure.")
          .optional("key", &C::key, "Fields that make the message's key; the default is the source's key.")
          .optional("per_table", &C::per_table, "Topic and key of single tables: {shop.orders: {topic: orders, key: [id]}}.")
          .optional("partitioner", &C::partitioner, "From key to partition; murmur2_random is what Java's client does.")
          .optional("compression", &C::compression, "Of batches of messages.")
          .optional("create_topics", &C::create_topics, "Create topics that do not exist; without it an unknown topic is an error.")
          .optional("headers", &C::headers, "Headers of each message: {name: template}.")
          .optional("tls", &C::tls, "Speak TLS; {} trusts the system's authorities.")
          .optional("sasl", &C::sasl, "Log in with a name and a password.")
          .optional("transactional_id", &C::transactional_id,
                    "The default is sluice.<pipeline>.<sink>; give another where two installations with the same names share a cluster.")
          .optional("properties", &C::properties, "Any other setting of librdkafka: {linger.ms: 50}.")
          .check(check_config);
  return kFields;
}

}  // namespace sinks

}  // namespace sluice
