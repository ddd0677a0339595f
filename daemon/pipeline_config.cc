#include "daemon/pipeline_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>

#include "daemon/pipeline_keys.h"
#include "daemon/unserved.h"

namespace sluice::daemon {

namespace {

// Where a component stands decides which common keys it may have (CONFIG.md rule 2).
using KeyNames = std::vector<std::string_view>;
const KeyNames kMainStepKeys = {"name", "when", "from", "on_error"};
const KeyNames kOwnedStepKeys = {"name", "when", "on_error"};
const KeyNames kLoneSourceKeys = {"name", "transforms", "retry"};
const KeyNames kNamedSourceKeys = {"transforms", "retry"};
const KeyNames kLoneSinkKeys = {"name", "when", "from", "on_error", "transforms", "retry", "checkpoint"};
const KeyNames kNamedSinkKeys = {"when", "from", "on_error", "transforms", "retry", "checkpoint"};

constexpr std::string_view kReservedName = "replay";  // the partition of replayed dead letters (G20)

const KeyNames kFilesOfDataDirectory = {"instance", "lock"};  // beside the pipelines' folders

bool contains(const KeyNames& names, std::string_view name) { return std::find(names.begin(), names.end(), name) != names.end(); }

std::string_view kind_word(ComponentKind kind) {
  switch (kind) {
    case ComponentKind::kSource: return "source";
    case ComponentKind::kTransform: return "step";
    case ComponentKind::kSink: return "sink";
  }
  return "";
}

bool check_name(const ConfigNode& node, std::string_view name, BindContext& context) {
  if (!valid_name(name)) {
    context.findings.error(node, "bad_value", fmt::format("\"{}\" is no name", name),
                           "a name is made of a-z, 0-9, _ and -, and begins with a letter or a digit");
    return false;
  }
  if (name == kReservedName) {
    context.findings.error(node, "bad_value", fmt::format("the name \"{}\" is taken: dead letters come back under it", name));
    return false;
  }
  return true;
}

// The node alone, for findings: its children are not needed any more.
ConfigNode without_children(const ConfigNode& node) {
  ConfigNode result;
  result.kind = node.kind;
  result.place = node.place;
  result.path = node.path;
  return result;
}

// Stands for one that could not be bound: what is wrong with it was said, and the sink does not take every record all the same.
Condition some_condition(const ConfigNode& written) {
  Condition condition;
  condition.node = without_children(written);
  condition.node.kind = ConfigNode::Kind::kScalar;
  condition.node.text = "meta.id != \"\"";
  return condition;
}

pipeline::RetryPolicy policy(const RetryKeys& keys) { return {keys.initial, keys.max, keys.give_up_after.after}; }
pipeline::CommitPolicy policy(const CheckpointKeys& keys) { return {keys.every, keys.records, keys.bytes.bytes}; }

// Keeps the expressions that a component binds.
class RecordingChecker final : public ExpressionChecker {
 public:
  RecordingChecker(const ExpressionChecker* inner, std::vector<WrittenExpression>& out) : inner_(inner), out_(out) {}
  void check(const ConfigNode& node, std::string_view source, std::size_t offset, Expected expected, Diagnostics& findings) const override {
    out_.push_back({node, std::string(source), offset, expected == Expected::kBool});
    if (inner_ != nullptr) inner_->check(node, source, offset, expected, findings);
  }

 private:
  const ExpressionChecker* inner_;
  std::vector<WrittenExpression>& out_;
};

class PipelineChecker {
 public:
  PipelineChecker(const Registry& registry, BindContext& context) : registry_(registry), context_(context) {}

  PipelineConfig check(const ConfigNode& root, const std::string& file) {
    PipelineConfig result;
    result.file = file;
    if (!root.is_mapping()) {
      ConfigNode place = without_children(root);
      if (place.is_null()) place.kind = ConfigNode::Kind::kMapping;
      context_.findings.error(place, root.is_null() ? "missing_key" : "wrong_type",
                              root.is_null() ? "the file is empty: a pipeline needs a source and a sink"
                                             : "a pipeline file is a mapping of keys such as source and sink",
                              root.is_scalar() && root.text.find(':') != std::string::npos ? "put a space after the colon" : "");
      return result;
    }
    PipelineKeys::fields().bind(root, nullptr, keys_, context_);
    settings(root, file, result);
    sources(root, result);
    if (keys_.transforms) result.steps = chain(*keys_.transforms, "", kMainStepKeys);
    sinks(root, result);
    if (keys_.reference) result.references = bind_references(*keys_.reference, context_);
    result.resolved = resolve_graph(result, some_missing_ || result.sinks.empty() ? Parts::kSomeMissing : Parts::kAll, context_);
    if (result.resolved) unmatched(root, result, unserved_places(result));
    return result;
  }

 private:
  void settings(const ConfigNode& root, const std::string& file, PipelineConfig& result) {
    const ConfigNode* name = root.find("name");
    ConfigNode place = name != nullptr ? without_children(*name) : without_children(root);
    result.name_place = place.place;
    result.name = keys_.name ? *keys_.name : std::filesystem::path(file).stem().string();
    if (name == nullptr && !valid_name(result.name)) {
      context_.findings.error(place, "missing_key",
                              fmt::format("the pipeline has no name, and the file's name \"{}\" cannot be one", result.name),
                              "add name: <name>");
    } else if (name == nullptr || keys_.name) {
      check_name(place, result.name, context_);
      if (contains(kFilesOfDataDirectory, result.name))
        context_.findings.error(place, "bad_value",
                                fmt::format("a pipeline cannot be called \"{}\": the data directory has a file of that name", result.name));
    }
    result.description = keys_.description;
    result.unmatched = keys_.unmatched;
    result.keep_dead_letters = keys_.dead_letters.keep;
    result.keep_dead_letter_bytes = keys_.dead_letters.keep_bytes;
    result.shards = keys_.shards;
    result.queue_bytes = keys_.queue_bytes;
    result.shutdown_timeout = keys_.shutdown_timeout;
  }

  // The nodes of `source:` or `sources:`, with the name that a mapping gives them (null for a lone one).
  using Named = std::pair<const ConfigNode*, const ConfigNode*>;
  std::vector<Named> named(const ConfigNode& root, std::string_view one, std::string_view many) {
    const ConfigNode* single = root.find(one);
    const ConfigNode* several = root.find(many);
    std::vector<Named> result;
    if (single != nullptr && several != nullptr) {
      context_.findings.error(*root.find_key(many), "conflict", fmt::format("{} and {} cannot stand side by side", one, many),
                              fmt::format("put all into {}", many));
    }
    if (single != nullptr) result.emplace_back(nullptr, single);
    if (several != nullptr && !several->is_mapping()) wrong_type(*several, "a mapping of names to " + std::string(many), context_);
    if (several != nullptr) {
      for (const auto& [key, value] : several->entries) result.emplace_back(&key, &value);
    }
    const bool nothing = single == nullptr && (several == nullptr || (several->is_mapping() && several->entries.empty()));
    if (nothing) missing_key(root, one, context_);
    return result;
  }

  void sources(const ConfigNode& root, PipelineConfig& result) {
    for (const auto& [key, node] : named(root, "source", "sources")) {
      SourceConfig source;
      CommonKeys common = defaults();
      if (!use(ComponentKind::kSource, *node, key, key == nullptr ? kLoneSourceKeys : kNamedSourceKeys, source, common)) continue;
      if (common.transforms) source.chain = chain(*common.transforms, source.name, kOwnedStepKeys);
      source.retry = policy(common.retry);
      result.sources.push_back(std::move(source));
    }
  }

  void sinks(const ConfigNode& root, PipelineConfig& result) {
    for (const auto& [key, node] : named(root, "sink", "sinks")) {
      SinkConfig sink;
      CommonKeys common = defaults();
      if (!use(ComponentKind::kSink, *node, key, key == nullptr ? kLoneSinkKeys : kNamedSinkKeys, sink, common)) continue;
      if (common.transforms) sink.chain = chain(*common.transforms, sink.name, kOwnedStepKeys);
      if (common.from) sink.written_from = std::move(common.from->names);
      sink.when = std::move(common.when.all);
      const ConfigNode* when = node->find("when");
      if (sink.when.empty() && when != nullptr) sink.when.push_back(some_condition(*when));
      sink.on_error = common.on_error;
      if (sink.on_error == pipeline::OnError::kTag) {
        context_.findings.error(*node->find("on_error"), "conflict",
                                "a sink cannot tag: a record that it refuses would be written nowhere and kept nowhere",
                                "dead_letter, drop or stop");
      }
      sink.commit = policy(common.checkpoint);
      sink.retry = policy(common.retry);
      result.sinks.push_back(std::move(sink));
    }
  }

  // Settings of the pipeline hold for a source or sink that does not say otherwise.
  CommonKeys defaults() const {
    CommonKeys common;
    common.checkpoint = keys_.checkpoint;
    common.retry = keys_.retry;
    return common;
  }

  std::vector<StepConfig> chain(const ConfigNode& list, const std::string& owner, const KeyNames& known) {
    std::vector<StepConfig> steps;
    if (!list.is_sequence()) {
      wrong_type(list, "a list of steps", context_);
      return steps;
    }
    std::set<std::string> names;
    for (const ConfigNode& node : list.items) {
      StepConfig step;
      CommonKeys common;
      if (!use(ComponentKind::kTransform, node, nullptr, known, step, common)) continue;
      if (!owner.empty()) step.name = owner + "." + step.name;
      if (!names.insert(step.name).second) same_step_name(node, step.name, common.name.has_value());
      if (common.from) step.written_from = std::move(common.from->names);
      step.when = std::move(common.when.all);
      step.on_error = common.on_error;
      if (step.component != nullptr && step.component->outputs) outputs(node, owner, step);
      steps.push_back(std::move(step));
    }
    return steps;
  }

  // A step with several outputs has no way out but these.
  void outputs(const ConfigNode& node, const std::string& owner, StepConfig& step) {
    step.is_route = true;
    if (step.config.has_value()) step.outputs = step.component->outputs(step.config);
    const std::string type = step.type();
    if (!owner.empty()) {
      context_.findings.error(*node.find_key(type), "conflict",
                              fmt::format("a {} cannot stand in the chain of a source or sink: nobody could read its outputs", type),
                              "put it into the pipeline's transforms");
    }
    if (const ConfigNode* when = node.find("when")) {
      context_.findings.error(
          *when, "conflict",
          fmt::format("a {} has no `when`: a record could not pass it untouched, for it leads only to its outputs", type),
          "put the condition into those of the outputs");
    }
    if (step.on_error == pipeline::OnError::kTag) {
      context_.findings.error(*node.find("on_error"), "conflict",
                              fmt::format("a {} cannot tag: a record that it cannot judge belongs to none of its outputs", type),
                              "dead_letter, drop or stop");
    }
  }

  void same_step_name(const ConfigNode& node, const std::string& name, bool given) {
    const ConfigNode* key = node.find("name");
    context_.findings.error(given && key != nullptr ? *key : without_children(node), "conflict",
                            fmt::format("two steps are called \"{}\"", name),
                            given ? "names are unique among the steps" : "give this one a name of its own, beside its type: name: <name>");
  }

  // Finds the component's key, binds the component and the common keys, and names it.  False when there is no use going on with it.
  bool use(ComponentKind kind, const ConfigNode& node, const ConfigNode* name_key, const KeyNames& known, ComponentUse& out,
           CommonKeys& common) {
    const bool usable = bind_use(kind, node, name_key, known, out, common);
    some_missing_ = some_missing_ || !usable;
    return usable;
  }

  bool bind_use(ComponentKind kind, const ConfigNode& node, const ConfigNode* name_key, const KeyNames& known, ComponentUse& out,
                CommonKeys& common) {
    out.node = without_children(node);
    if (!node.is_mapping()) return not_a_component(kind, node), false;
    const ConfigNode::Entry* entry = component_entry(kind, node, known);
    out.component = entry == nullptr ? nullptr : registry_.find(kind, entry->first.text);
    other_keys(node, entry, out.component, known);
    bind_common(node, known, common);
    if (out.component != nullptr) {
      const RecordingChecker recorder(context_.expressions, out.expressions);
      BindContext recording = context_;
      recording.expressions = &recorder;
      out.config = out.component->bind(entry->second, &node, recording);
      context_.unset_values = recording.unset_values;
    }
    const ConfigNode* name_node = name_key != nullptr ? name_key : node.find("name");
    out.name = name_key != nullptr ? name_key->text : common.name ? *common.name : entry != nullptr ? entry->first.text : "";
    if (name_node != nullptr && (name_key != nullptr || common.name)) check_name(*name_node, out.name, context_);
    return entry != nullptr;
  }

  void not_a_component(ComponentKind kind, const ConfigNode& node) {
    std::string hint;
    if (node.is_scalar() && registry_.find(kind, node.text) != nullptr) hint = fmt::format("write \"{}: {{}}\"", node.text);
    const std::size_t colon = node.text.find(':');
    if (colon != std::string::npos && registry_.find(kind, node.text.substr(0, colon)) != nullptr) hint = "put a space after the colon";
    if (node.style == ConfigNode::Style::kLiteral || node.style == ConfigNode::Style::kFolded) hint = "leave out the | or >: it makes text";
    context_.findings.error(node, "wrong_type",
                            fmt::format("expected a {} as {{<type>: {{fields}}}}, got {}", kind_word(kind), kind_name(node)),
                            std::move(hint));
  }

  // The entry whose key is the component's type; with a finding when there is none, or more than one.
  const ConfigNode::Entry* component_entry(ComponentKind kind, const ConfigNode& node, const KeyNames& known) {
    const ConfigNode::Entry* found = nullptr;
    const ConfigNode::Entry* unknown = nullptr;
    for (const ConfigNode::Entry& entry : node.entries) {
      if (contains(known, entry.first.text)) continue;
      const bool registered = registry_.find(kind, entry.first.text) != nullptr;
      if (registered && found != nullptr) {
        context_.findings.error(
            entry.first, "conflict",
            fmt::format("\"{}\" and \"{}\" are both types: one {} has one type", found->first.text, entry.first.text, kind_word(kind)));
      }
      if (registered && found == nullptr) found = &entry;
      if (!registered && unknown == nullptr) unknown = &entry;
    }
    if (found != nullptr) return found;
    if (unknown == nullptr) {
      context_.findings.error(node, "missing_key", fmt::format("the {} has no type", kind_word(kind)), "known: " + listed(kind));
      return nullptr;
    }
    const std::string& name = unknown->first.text;
    const std::string hint = other_kind_hint(kind, name);
    const bool of_other_kind = hint.starts_with('"');
    context_.findings.add({Diagnostic::Severity::kError, unknown->first.place, unknown->first.path, "unknown_component",
                           fmt::format("there is no {} \"{}\"", kind_word(kind), name),
                           of_other_kind ? std::string() : nearest(name, registry_.names(kind)), hint});
    return unknown;
  }

  std::string listed(ComponentKind kind) const {
    std::string result;
    for (const std::string_view name : registry_.names(kind)) result += (result.empty() ? "" : ", ") + std::string(name);
    return result;
  }

  std::string other_kind_hint(ComponentKind kind, std::string_view name) const {
    for (const ComponentKind other : {ComponentKind::kSource, ComponentKind::kTransform, ComponentKind::kSink}) {
      if (other != kind && registry_.find(other, name) != nullptr) return fmt::format("\"{}\" is a {}", name, kind_word(other));
    }
    return "known: " + listed(kind);
  }

  // Everything that is neither the type, nor a common key, nor one that the component takes beside its own.
  void other_keys(const ConfigNode& node, const ConfigNode::Entry* component_entry, const Component* component, const KeyNames& known) {
    std::vector<std::string> beside;
    for (const FieldDoc& field : component == nullptr ? std::vector<FieldDoc>{} : component->fields()) {
      if (field.beside) beside.push_back(field.name);
    }
    KeyNames allowed = known;
    allowed.insert(allowed.end(), beside.begin(), beside.end());
    for (const ConfigNode::Entry& entry : node.entries) {
      const std::string& key = entry.first.text;
      if (&entry == component_entry || contains(allowed, key)) continue;
      if (component != nullptr && registry_.find(component->kind, key) != nullptr) continue;  // reported as a conflict
      if (component == nullptr && component_entry == nullptr) continue;                       // reported as without a type
      context_.findings.add({Diagnostic::Severity::kError, entry.first.place, entry.first.path, "unknown_key",
                             fmt::format("unknown key \"{}\"", key), nearest(key, allowed), inside_hint(component, key, *component_entry)});
    }
  }

  static std::string inside_hint(const Component* component, const std::string& key, const ConfigNode::Entry& entry) {
    const std::string& type = entry.first.text;
    if (component == nullptr) return {};
    if (entry.second.is_null() && !component->fields().empty()) return fmt::format("to put it inside \"{}:\", indent it deeper", type);
    for (const FieldDoc& field : component->fields()) {
      if (field.name == key && !field.beside) return fmt::format("it belongs inside \"{}:\"", type);
    }
    return {};
  }

  void bind_common(const ConfigNode& node, const KeyNames& known, CommonKeys& common) {
    const auto bind = [&](std::string_view key, auto& out) {
      const ConfigNode* value = contains(known, key) ? node.find(key) : nullptr;
      if (value != nullptr) ConfigType<std::remove_cvref_t<decltype(out)>>::bind(*value, out, context_);
    };
    bind("name", common.name);
    bind("from", common.from);
    bind("when", common.when);
    bind("on_error", common.on_error);
    bind("transforms", common.transforms);
    bind("checkpoint", common.checkpoint);
    bind("retry", common.retry);
  }

  // CONFIG.md rule 5: a record must not vanish because no condition holds.
  void unmatched(const ConfigNode& root, const PipelineConfig& pipeline, const std::vector<Unserved>& unserved) {
    const ConfigNode* written = root.find("unmatched");
    if (!unserved.empty() && written == nullptr) {
      const ConfigNode* sinks = root.find_key(root.find("sinks") != nullptr ? "sinks" : "sink");
      std::string whom = "every sink has a `when`";
      if (std::any_of(pipeline.sinks.begin(), pipeline.sinks.end(), [](const SinkConfig& sink) { return sink.when.empty(); }))
        whom = fmt::format("every sink that reads \"{}\" has a `when`", unserved.front().name);
      context_.findings.error(*sinks, "missing_key",
                              whom + ", and the key \"unmatched\" does not say what happens to a record that none of them takes",
                              "add unmatched: drop or unmatched: dead_letter");
    }
    if (unserved.empty() && written != nullptr && !pipeline.sinks.empty())
      context_.findings.warning(*written, "conflict", "unmatched has no effect: a sink without a `when` takes every record");
    if (written == nullptr || pipeline.unmatched != pipeline::Unmatched::kDeadLetter) return;
    for (const Unserved& place : unserved) {
      if (place.only_way) continue;
      context_.findings.error(
          *written, "conflict",
          fmt::format("records go several ways, and which of them no sink takes cannot be told behind \"{}\"", place.name),
          "put a route where they part, or say unmatched: drop");
      return;
    }
  }

  const Registry& registry_;
  BindContext& context_;
  PipelineKeys keys_;
  bool some_missing_ = false;  // a source, step or sink could not be read at all
};

// FNV-1a over the tree: equal for equal configurations, not a secret.
void hash_node(const ConfigNode& node, std::uint64_t& hash) {
  const auto mix = [&hash](std::string_view bytes) {
    for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  };
  constexpr std::array<std::string_view, 4> kTags = {"n", "s", "[", "{"};
  mix(kTags[static_cast<std::size_t>(node.kind)]);
  mix(node.text);
  mix(std::string_view("\0", 1));
  for (const ConfigNode& item : node.items) hash_node(item, hash);
  for (const auto& [key, value] : node.entries) {
    mix(key.text);
    mix(":");
    hash_node(value, hash);
  }
  mix("}");
}

}  // namespace

PipelineConfig check_pipeline(const ConfigNode& root, const std::string& file, const Registry& registry, BindContext& context) {
  PipelineConfig result = PipelineChecker(registry, context).check(root, file);
  std::uint64_t hash = 14695981039346656037ULL;
  hash_node(root, hash);
  result.hash = fmt::format("{:016x}", hash);
  std::uint64_t sources = 14695981039346656037ULL;
  for (const char* const key : {"source", "sources"}) {
    if (const ConfigNode* node = root.find(key)) hash_node(*node, sources);
  }
  result.sources_hash = fmt::format("{:016x}", sources);
  result.tree = root;
  return result;
}

}  // namespace sluice::daemon
