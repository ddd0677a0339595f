#include "sinks/kafka/doctor.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <set>
#include <string>

#include "sinks/kafka/admin_internal.h"
#include "sinks/kafka/broker_errors.h"
#include "sinks/kafka/client_internal.h"
#include "sinks/kafka/client_settings.h"

namespace sluice::sinks {

namespace {

using Severity = DoctorFinding::Severity;

constexpr int kAskMs = 500;
constexpr std::chrono::seconds kPatience{15};  // for the first broker; then for each topic

struct TopicState {
  bool exists = false;
  int partitions = 0, replicas = 0, leaderless = 0;
};

class Look {
 public:
  Look(const KafkaSinkConfig& config, const DoctorContext& context, rd_kafka_t* client, std::vector<DoctorFinding>& findings)
      : config_(config), context_(context), client_(client), queue_(rd_kafka_queue_get_main(client)), findings_(findings) {}

  void all() {
    const auto brokers = ask(nullptr, [&](const rd_kafka_metadata_t& answer) { brokers_ = answer.broker_cnt; });
    if (brokers) return add(Severity::kError, brokers->code(), "brokers", brokers->message(), "");
    for (const std::string& name : named_topics()) topic(name);
    if (has_templates()) {
      add(Severity::kNote, "topics_by_template", "topics",
          config_.create_topics.enabled ? "names that depend on the record are not looked at; missing ones are created"
                                        : "names that depend on the record are not looked at; they must exist, or be created by "
                                          "`create_topics`");
    }
    if (config_.delivery == KafkaDelivery::kExactlyOnce) progress_topic();
  }

 private:
  void add(Severity severity, std::string_view code, std::string subject, std::string message, std::string mend = {}) {
    findings_.push_back({severity, code, std::move(subject), std::move(message), std::move(mend)});
  }

  // Hands the brokers' answer to `take`; of one topic, or of the cluster.
  template <typename F>
  std::optional<Error> ask(rd_kafka_topic_t* topic, F take) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (true) {
      const rd_kafka_metadata_t* answer = nullptr;
      const rd_kafka_resp_err_t code = rd_kafka_metadata(client_, 0, topic, &answer, kAskMs);
      const MetadataHandle owned(answer);
      if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return take(*answer), std::nullopt;
      take_errors();
      if (context_.stop.stop_requested() || last_error_.refused() || std::chrono::steady_clock::now() >= deadline)
        return last_error_.explain(code, "asking the brokers");
    }
  }

  // Why connections fail stands in the client's queue.
  void take_errors() {
    while (const EventHandle event{rd_kafka_queue_poll(queue_.get(), 0)}) {
      if (rd_kafka_event_type(event.get()) != RD_KAFKA_EVENT_ERROR) continue;
      last_error_.set(rd_kafka_event_error(event.get()), rd_kafka_event_error_string(event.get()));
    }
  }

  bool has_templates() const {
    const auto varies = [](const auto& entry) { return entry.second.topic && !entry.second.topic->is_constant(); };
    return !config_.topic.is_constant() || std::any_of(config_.per_table.begin(), config_.per_table.end(), varies);
  }

  std::set<std::string> named_topics() const {
    std::set<std::string> names;
    const auto take = [&](const TemplateText& topic) {
      std::string name;
      for (const TemplateText::Part& part : topic.parts) name += part.text;
      if (topic.is_constant()) names.insert(name);
    };
    take(config_.topic);
    for (const auto& [table, settings] : config_.per_table) {
      if (settings.topic) take(*settings.topic);
    }
    return names;
  }

  std::optional<TopicState> look(const std::string& name) {
    const TopicHandle topic(rd_kafka_topic_new(client_, name.c_str(), nullptr));
    TopicState state;
    rd_kafka_resp_err_t refused = RD_KAFKA_RESP_ERR_NO_ERROR;
    const auto failed = ask(topic.get(), [&](const rd_kafka_metadata_t& answer) {
      const bool told = answer.topic_cnt == 1;
      refused = told ? answer.topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
      if (refused != RD_KAFKA_RESP_ERR_NO_ERROR) return;
      state.exists = true;
      state.partitions = answer.topics[0].partition_cnt;
      for (int i = 0; i < state.partitions; ++i) {
        const rd_kafka_metadata_partition_t& partition = answer.topics[0].partitions[i];
        state.replicas = partition.replica_cnt;
        if (partition.leader < 0) ++state.leaderless;
      }
    });
    if (!failed && (refused == RD_KAFKA_RESP_ERR_NO_ERROR || refused == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)) return state;
    const Error error = failed ? *failed : broker_error(refused, {}, name);
    add(Severity::kError, error.code(), "topic " + name, error.message());
    return std::nullopt;
  }

  void topic(const std::string& name) {
    if (const std::string wrong = wrong_topic_name(name); !wrong.empty())
      return add(Severity::kError, "topic_name_invalid", "topic " + name, wrong);
    const std::optional<TopicState> state = look(name);
    if (!state) return;
    if (!state->exists) return absent(name);
    healthy(name, *state);
    const auto policy = topic_setting(client_, name, "cleanup.policy", context_.stop);
    if (policy && policy->find("compact") != std::string::npos && config_.key.empty())
      add(Severity::kNote, "topic_compacted", "topic " + name, "it is compacted: records without a key are refused by the broker");
  }

  void absent(const std::string& name) {
    if (config_.create_topics.enabled)
      return add(Severity::kNote, "topic_will_be_created", "topic " + name, "it does not exist: the first record creates it");
    add(Severity::kError, "topic_unknown", "topic " + name, "it does not exist, and `create_topics` is not set",
        "kafka-topics.sh --create --topic " + name + "; or create_topics: true");
  }

  void healthy(const std::string& name, const TopicState& state) {
    if (state.leaderless != 0)
      add(Severity::kError, "topic_without_leader", "topic " + name,
          std::to_string(state.leaderless) + " of its " + std::to_string(state.partitions) + " partitions have no leader");
    if (state.replicas == 1 && brokers_ > 1)
      add(Severity::kWarning, "topic_not_replicated", "topic " + name,
          "it has one replica in a cluster of " + std::to_string(brokers_) + " brokers: what is committed goes with that broker");
  }

  void progress_topic() {
    const std::string name = "__sluice_progress." + context_.pipeline;
    const std::optional<TopicState> state = look(name);
    if (!state) return;
    if (!state->exists)
      return add(Severity::kNote, "topic_will_be_created", "topic " + name,
                 "the progress topic does not exist: the first start creates it");
    healthy(name, *state);
    const auto policy = topic_setting(client_, name, "cleanup.policy", context_.stop);
    if (policy && *policy != "compact")
      add(Severity::kError, "progress_not_compacted", "topic " + name,
          "the progress topic has cleanup.policy=" + *policy + ": positions would be deleted",
          "kafka-configs.sh --alter --entity-type topics --entity-name " + name + " --add-config cleanup.policy=compact");
    if (state->partitions != 1)
      add(Severity::kError, "progress_partitions", "topic " + name,
          "the progress topic has " + std::to_string(state->partitions) + " partitions and must have one");
  }

  const KafkaSinkConfig& config_;
  const DoctorContext& context_;
  rd_kafka_t* client_;
  const QueueHandle queue_;
  std::vector<DoctorFinding>& findings_;
  LastError last_error_;
  int brokers_ = 0;
};

}  // namespace

std::vector<DoctorFinding> examine_kafka(const KafkaSinkConfig& config, const DoctorContext& context) {
  std::vector<DoctorFinding> findings;
  const auto settings = reader_settings(config, "sluice." + context.pipeline + "." + context.component + ".doctor");
  if (!settings) {
    findings.push_back({Severity::kError, settings.error().code(), "settings", settings.error().message(), {}});
    return findings;
  }
  const auto client = make_client(RD_KAFKA_CONSUMER, *settings, RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG);
  if (!client) {
    findings.push_back({Severity::kError, client.error().code(), "settings", client.error().message(), {}});
    return findings;
  }
  Look(config, context, client->get(), findings).all();
  return findings;
}

}  // namespace sluice::sinks
