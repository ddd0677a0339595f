#include "daemon/pipeline_keys.h"

namespace sluice::daemon {

namespace {

void at_least_one(const ConfigNode& node, std::string_view key, bool good, BindContext& context) {
  if (good) return;
  const ConfigNode* value = node.find(key);
  context.findings.error(value == nullptr ? node : *value, "out_of_range", std::string(key) + " must be above 0");
}

}  // namespace

const ConfigFields<RetryKeys>& RetryKeys::fields() {
  static const auto kFields =
      ConfigFields<RetryKeys>{}
          .optional("initial", &RetryKeys::initial, "Wait before the first retry; doubled for each further one, with jitter.")
          .optional("max", &RetryKeys::max, "Longest wait between two retries.")
          .optional("give_up_after", &RetryKeys::give_up_after, "The pipeline fails when retries have gone on for so long.")
          .check([](const RetryKeys& keys, const ConfigNode& node, BindContext& context) {
            at_least_one(node, "initial", keys.initial.count() > 0, context);
            if (keys.max < keys.initial) context.findings.error(node, "conflict", "max is shorter than initial");
          });
  return kFields;
}

const ConfigFields<CheckpointKeys>& CheckpointKeys::fields() {
  static const auto kFields = ConfigFields<CheckpointKeys>{}
                                  .optional("every", &CheckpointKeys::every, "Longest time between two commits while records flow.")
                                  .optional("records", &CheckpointKeys::records, "Records after which a sink commits.")
                                  .optional("bytes", &CheckpointKeys::bytes, "Bytes after which a sink commits.")
                                  .check([](const CheckpointKeys& keys, const ConfigNode& node, BindContext& context) {
                                    at_least_one(node, "every", keys.every.count() > 0, context);
                                    at_least_one(node, "records", keys.records > 0, context);
                                    at_least_one(node, "bytes", keys.bytes.bytes > 0, context);
                                  });
  return kFields;
}

const ConfigFields<DeadLetterKeys>& DeadLetterKeys::fields() {
  static const auto kFields =
      ConfigFields<DeadLetterKeys>{}
          .optional("keep", &DeadLetterKeys::keep, "Not in effect yet: all letters are kept.")
          .optional("keep_bytes", &DeadLetterKeys::keep_bytes, "Not in effect yet: the store grows as long as the disk has room.")
          .check([](const DeadLetterKeys&, const ConfigNode& node, BindContext& context) {
            for (const std::string_view key : {"keep", "keep_bytes"}) {
              const ConfigNode* written = node.find(key);
              if (written == nullptr) continue;
              context.findings.warning(*written, "not_in_effect", std::string(key) + " is not in effect yet: all dead letters are kept",
                                       "watch sluice_dead_letters_stored");
            }
          });
  return kFields;
}

const ConfigFields<PipelineKeys>& PipelineKeys::fields() {
  static const auto kFields =
      ConfigFields<PipelineKeys>{}
          .optional("name", &PipelineKeys::name, "Default: the file's name without its suffix. Unique in the daemon.")
          .optional("description", &PipelineKeys::description, "Free text.")
          .optional("source", &PipelineKeys::source, "Where records come from: {<type>: {fields}}.")
          .optional("sources", &PipelineKeys::sources, "Several sources: name -> source.")
          .optional("transforms", &PipelineKeys::transforms, "A list of steps; each reads the one before it.")
          .optional("sink", &PipelineKeys::sink, "Where records go: {<type>: {fields}}.")
          .optional("sinks", &PipelineKeys::sinks, "Several sinks: name -> sink.")
          .optional("unmatched", &PipelineKeys::unmatched,
                    "What happens to a record that no sink's `when` holds for; required where every sink that reads something has one.")
          .optional("reference", &PipelineKeys::reference, "Small data to look things up in: name -> {csv: {path, key, refresh}}.")
          .optional("dead_letters", &PipelineKeys::dead_letters, "How long dead letters are kept; not in effect yet.")
          .optional("shards", &PipelineKeys::shards, "Threads that read and transform; more than one only helps sources with partitions.")
          .optional("queue_bytes", &PipelineKeys::queue_bytes, "Memory for records that wait, per sink.")
          .optional("checkpoint", &PipelineKeys::checkpoint, "When sinks commit: whichever limit is reached first.")
          .optional("retry", &PipelineKeys::retry, "How a failing source or sink is tried again.")
          .optional("shutdown_timeout", &PipelineKeys::shutdown_timeout, "How long a graceful stop may take; then the next start replays.")
          .check([](const PipelineKeys& keys, const ConfigNode& node, BindContext& context) {
            at_least_one(node, "queue_bytes", keys.queue_bytes.bytes > 0, context);
            if (keys.shards < 1 || keys.shards > 256) {
              context.findings.error(*node.find("shards"), "out_of_range", "shards must be between 1 and 256");
            }
          });
  return kFields;
}

std::vector<FieldDoc> pipeline_fields() { return PipelineKeys::fields().docs(); }

}  // namespace sluice::daemon

namespace sluice {

bool ConfigType<daemon::GiveUpAfter>::bind(const ConfigNode& node, daemon::GiveUpAfter& out, BindContext& context) {
  if (node.is_scalar() && node.text == "never") return out.after.reset(), true;
  std::chrono::milliseconds after{};
  if (!ConfigType<std::chrono::milliseconds>::bind(node, after, context)) return false;
  out.after = after;
  return true;
}

std::string ConfigType<daemon::GiveUpAfter>::show(const daemon::GiveUpAfter& value) {
  return value.after ? ConfigType<std::chrono::milliseconds>::show(*value.after) : "never";
}

bool ConfigType<daemon::WhenList>::bind(const ConfigNode& node, daemon::WhenList& out, BindContext& context) {
  if (node.is_sequence()) return ConfigType<std::vector<Condition>>::bind(node, out.all, context);
  Condition condition;
  if (!ConfigType<Condition>::bind(node, condition, context)) return false;
  out.all = {std::move(condition)};
  return true;
}

bool ConfigType<daemon::ReferenceList>::bind(const ConfigNode& node, daemon::ReferenceList& out, BindContext& context) {
  const std::vector<ConfigNode> one = {node};
  if (node.is_sequence() && node.items.empty()) return wrong_type(node, "a name or a list of names", context), false;
  std::vector<daemon::Reference> names;
  for (const ConfigNode& item : node.is_sequence() ? node.items : one) {
    if (!item.is_scalar()) return wrong_type(item, "the name of a step or source", context), false;
    auto text = expand_text(item, context);
    if (!text) return false;
    names.push_back({std::move(*text), item});
  }
  out.names = std::move(names);
  return true;
}

}  // namespace sluice
