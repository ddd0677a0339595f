#include "daemon/connections.h"

#include <fmt/format.h>

#include <algorithm>

namespace sluice::daemon {

namespace {

ConfigNode* child(ConfigNode& node, std::string_view key) {
  for (auto& [key_node, value] : node.entries) {
    if (key_node.text == key) return &value;
  }
  return nullptr;
}

class Merger {
 public:
  Merger(const Settings* settings, const Registry& registry, Diagnostics& findings)
      : settings_(settings), registry_(registry), findings_(findings) {}

  void several(ComponentKind kind, ConfigNode* named) {
    if (named == nullptr || !named->is_mapping()) return;
    for (auto& [name, use] : named->entries) one(kind, &use);
  }

  // `use`: {<type>: {fields}, common keys}.
  void one(ComponentKind kind, ConfigNode* use) {
    if (use == nullptr || !use->is_mapping()) return;
    for (auto& [type, fields] : use->entries) {
      const Component* component = registry_.find(kind, type.text);
      if (component != nullptr && fields.is_mapping()) merge(*component, fields);
    }
  }

 private:
  void merge(const Component& component, ConfigNode& fields) {
    const std::vector<FieldDoc> known = component.fields();
    const auto has = [&known](std::string_view name) {
      return std::any_of(known.begin(), known.end(), [&](const FieldDoc& field) { return !field.beside && field.name == name; });
    };
    const auto at = std::find_if(fields.entries.begin(), fields.entries.end(),
                                 [](const ConfigNode::Entry& entry) { return entry.first.text == kUseKey; });
    if (at == fields.entries.end() || has(kUseKey)) return;
    const ConfigNode use = at->second;
    fields.entries.erase(at);
    if (use.is_null()) return;
    const ConfigNode* connection = named(use);
    if (connection == nullptr || !connection->is_mapping()) return;  // a settings file that is wrong has its own finding
    for (const ConfigNode::Entry& entry : connection->entries) {
      if (has(entry.first.text)) {
        add(fields, entry);
      } else {
        unknown_field(component, known, entry.first, use);
      }
    }
  }

  // What the component says itself wins; null is "not set".
  static void add(ConfigNode& fields, const ConfigNode::Entry& entry) {
    ConfigNode* own = child(fields, entry.first.text);
    if (own == nullptr) {
      fields.entries.push_back(entry);
    } else if (own->is_null()) {
      *own = entry.second;
    }
  }

  const ConfigNode* named(const ConfigNode& use) {
    if (!use.is_scalar()) {
      findings_.error(use, "wrong_type", "expected the name of a connection");
      return nullptr;
    }
    std::vector<std::string_view> names;
    std::string listed;
    if (settings_ != nullptr) {
      for (const auto& [name, fields] : settings_->connections) {
        if (name == use.text) return &fields;
        names.push_back(name);
        listed += (listed.empty() ? "" : ", ") + name;
      }
    }
    findings_.add({Diagnostic::Severity::kError, use.place, use.path, "unknown_reference",
                   fmt::format("there is no connection \"{}\"", use.text), nearest(use.text, names),
                   listed.empty() ? "connections stand in the settings file: --settings FILE" : "known: " + listed});
    return nullptr;
  }

  void unknown_field(const Component& component, const std::vector<FieldDoc>& known, const ConfigNode& key, const ConfigNode& use) {
    std::vector<std::string_view> names;
    std::string listed;
    for (const FieldDoc& field : known) {
      if (field.beside) continue;
      names.push_back(field.name);
      listed += (listed.empty() ? "" : ", ") + field.name;
    }
    findings_.add({Diagnostic::Severity::kError, key.place, key.path, "unknown_key",
                   fmt::format("the connection \"{}\" sets \"{}\", which {} does not know; it is used in {}:{}", use.text, key.text,
                               component.name, use.place.file, use.place.line),
                   nearest(key.text, names), "known there: " + listed});
  }

  const Settings* settings_;
  const Registry& registry_;
  Diagnostics& findings_;
};

}  // namespace

void use_connections(ConfigNode& root, const Settings* settings, const Registry& registry, Diagnostics& findings) {
  if (!root.is_mapping()) return;
  Merger merger(settings, registry, findings);
  merger.one(ComponentKind::kSource, child(root, "source"));
  merger.several(ComponentKind::kSource, child(root, "sources"));
  merger.one(ComponentKind::kSink, child(root, "sink"));
  merger.several(ComponentKind::kSink, child(root, "sinks"));
  ConfigNode* dead_letters = child(root, "dead_letters");
  if (dead_letters != nullptr && dead_letters->is_mapping()) merger.one(ComponentKind::kSink, child(*dead_letters, "copy_to"));
}

}  // namespace sluice::daemon
