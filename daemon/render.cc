#include "daemon/render.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "core/config_binding.h"
#include "daemon/yaml_emitter.h"

namespace sluice::daemon {

namespace {

using Docs = std::vector<FieldDoc>;

constexpr std::string_view kHidden = "***";

const FieldDoc* find_doc(const Docs& docs, std::string_view name) {
  const auto found = std::find_if(docs.begin(), docs.end(), [&](const FieldDoc& doc) { return doc.name == name; });
  return found == docs.end() ? nullptr : &*found;
}

// Of a key whose field does not say that it is a secret, such as a property that is passed on.
bool sounds_secret(std::string_view key) {
  constexpr std::array<std::string_view, 5> kWords = {"password", "secret", "token", "passphrase", "credential"};
  std::string lower(key);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return std::any_of(kWords.begin(), kWords.end(), [&](std::string_view word) { return lower.find(word) != std::string::npos; });
}

// What the variables of a scalar are called, "" when it has none: "env SHOP_URL", "file /run/secret", "default of PORT".
std::string variables_of(const ConfigNode& node, const Variables& variables, bool& from_file) {
  std::string result;
  const std::string& text = node.text;
  for (std::size_t at = text.find("${"); at != std::string::npos; at = text.find("${", at + 2)) {
    if (at > 0 && text[at - 1] == '$') continue;
    const std::size_t end = text.find('}', at);
    if (end == std::string::npos) break;
    const std::string body = text.substr(at + 2, end - at - 2);
    const std::string name = body.substr(0, body.find(":-"));
    const bool variable = !name.empty() && name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == std::string::npos;
    if (body.starts_with("file:")) {
      result += (result.empty() ? "file " : ", file ") + body.substr(5);
      from_file = true;
    } else if (variable) {
      const auto value = variables.find(name);
      result += (result.empty() ? "" : ", ") + std::string(value && !value->empty() ? "env " : "default of ") + name;
    }
  }
  return result;
}

// A comment ends with its line.
std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return text;
}

class Renderer {
 public:
  Renderer(const PipelineConfig& pipeline, const Registry& registry, const Variables& variables)
      : pipeline_(pipeline), registry_(registry), variables_(variables) {
    for (const SourceConfig& source : pipeline.sources) note(source, source.chain);
    for (const StepConfig& step : pipeline.steps) note(step);
    for (const SinkConfig& sink : pipeline.sinks) {
      note(sink, sink.chain);
      for (const Condition& condition : sink.when) expressions_.insert(condition.node.path);
    }
  }

  std::string render() {
    const ConfigNode& root = pipeline_.tree;
    const Docs docs = pipeline_fields();
    if (root.find("name") == nullptr) out_.scalar("name", pipeline_.name, "default: the name of the file");
    for (const auto& [key, value] : root.entries) {
      if (value.is_null()) continue;
      top_level(key.text, value, docs);
    }
    defaults(docs, root);
    return out_.take();
  }

 private:
  void note(const ComponentUse& use, const std::vector<StepConfig>& chain) {
    note(use);
    for (const StepConfig& step : chain) note(step);
  }
  void note(const StepConfig& step) {
    for (const Condition& condition : step.when) expressions_.insert(condition.node.path);
    note(static_cast<const ComponentUse&>(step));
  }
  void note(const ComponentUse& use) {
    for (const WrittenExpression& written : use.expressions) {
      if (written.offset == 0) expressions_.insert(written.node.path);
    }
  }

  void top_level(const std::string& key, const ConfigNode& value, const Docs& docs) {
    if (key == "source" || key == "sink") {
      const bool is_source = key == "source";
      return component(key, value, is_source ? ComponentKind::kSource : ComponentKind::kSink, {true, false});
    }
    if (key == "sources" || key == "sinks") {
      out_.open_mapping(key);
      for (const auto& [name, use] : value.entries)
        component(name.text, use, key == "sources" ? ComponentKind::kSource : ComponentKind::kSink, {false, false});
      return out_.close();
    }
    if (key == "transforms") return steps(value, {true, true});
    field(key, value, find_doc(docs, key));
  }

  // Which keys beside the type a component may have where it stands.
  struct Standing {
    bool named_inside = false;  // `name:` stands in the mapping itself
    bool may_read = false;      // a step of the main chain, with `from`
  };

  void steps(const ConfigNode& list, Standing standing) {
    out_.open_sequence("transforms");
    for (const ConfigNode& step : list.items) {
      out_.open_mapping("");
      out_.item();
      component_entries(step, ComponentKind::kTransform, standing);
      out_.close();
    }
    out_.close();
  }

  void component(const std::string& key, const ConfigNode& node, ComponentKind kind, Standing standing) {
    out_.open_mapping(key);
    component_entries(node, kind, standing);
    out_.close();
  }

  void component_entries(const ConfigNode& node, ComponentKind kind, Standing standing) {
    const Component* type = nullptr;
    Docs beside;
    for (const auto& [key, value] : node.entries) {
      const Component* found = registry_.find(kind, key.text);
      if (found == nullptr) continue;
      type = found;
      component_fields(key.text, value, *found, beside);
    }
    for (const auto& [key, value] : node.entries) {
      if (value.is_null() || registry_.find(kind, key.text) == type) continue;
      if (key.text == "transforms") {
        steps(value, {true, false});
      } else if (value.is_mapping() && (key.text == "retry" || key.text == "checkpoint")) {
        inherited(key.text, value);
      } else {
        field(key.text, value, find_doc(beside, key.text));
      }
    }
    for (const FieldDoc& doc : beside) {
      if (node.find(doc.name) == nullptr) default_value(doc);
    }
    common_defaults(node, kind, *type, standing);
  }

  // What a source or sink says of its own; the rest is the pipeline's.
  void inherited(const std::string& key, const ConfigNode& given) {
    out_.open_mapping(key);
    for (const auto& [inner_key, inner] : given.entries) field(inner_key.text, inner, nullptr);
    out_.close();
  }

  void common_defaults(const ConfigNode& node, ComponentKind kind, const Component& type, Standing standing) {
    if (standing.named_inside && node.find("name") == nullptr) out_.scalar("name", type.name, "default");
    if (kind != ComponentKind::kSource && node.find("on_error") == nullptr) out_.scalar("on_error", "dead_letter", "default");
    if (node.find("from") != nullptr || (kind == ComponentKind::kTransform && !standing.may_read)) return;
    for (const StepConfig& step : pipeline_.steps) {
      if (kind == ComponentKind::kTransform && step.node.path == node.path) readers(step.from);
    }
    for (const SinkConfig& sink : pipeline_.sinks) {
      if (kind == ComponentKind::kSink && sink.node.path == node.path) readers(sink.from);
    }
  }

  void readers(const std::vector<std::string>& from) {
    std::string names;
    for (const std::string& name : from) names += (names.empty() ? "" : ", ") + name;
    if (!from.empty()) out_.raw("from", "[" + names + "]", "default");
  }

  // The value under the component's own key.
  void component_fields(const std::string& key, const ConfigNode& value, const Component& type, Docs& beside) {
    Docs docs;
    for (FieldDoc& doc : type.fields()) (doc.beside ? beside : docs).push_back(std::move(doc));
    const bool one_for_all =
        docs.size() == 1 &&
        (value.is_mapping() ? find_doc(docs, value.entries.empty() ? "" : value.entries[0].first.text) == nullptr : !value.is_null());
    if (value.is_scalar() || value.is_sequence()) return field(key, value, docs.empty() ? nullptr : &docs.front());
    if (one_for_all) return field(key, value, &docs.front());
    const bool nothing = value.entries.empty() && std::none_of(docs.begin(), docs.end(), has_default);
    if (nothing) return out_.raw(key, "{}", place(value));
    out_.open_mapping(key);
    mapping(value, docs);
    out_.close();
  }

  void mapping(const ConfigNode& node, const Docs& docs) {
    for (const auto& [key, value] : node.entries) {
      if (!value.is_null()) field(key.text, value, find_doc(docs, key.text));
    }
    defaults(docs, node);
  }

  void defaults(const Docs& docs, const ConfigNode& given) {
    for (const FieldDoc& doc : docs) {
      if (given.find(doc.name) == nullptr) default_value(doc);
    }
  }

  static bool has_default(const FieldDoc& doc) {
    return !doc.required && !doc.default_text.empty() && doc.default_text != "[]" && doc.default_text != "{}";
  }

  void default_value(const FieldDoc& doc) {
    if (!has_default(doc)) return;
    if (!doc.nested.empty()) {
      if (std::none_of(doc.nested.begin(), doc.nested.end(), has_default)) return;
      out_.open_mapping(doc.name);
      for (const FieldDoc& inner : doc.nested) default_value(inner);
      return out_.close();
    }
    const bool flow = doc.default_text.front() == '[' || doc.default_text.front() == '{';
    if (flow) return out_.raw(doc.name, doc.default_text, "default");
    out_.scalar(doc.name, doc.default_text, "default");
  }

  void field(const std::string& key, const ConfigNode& value, const FieldDoc* doc) {
    switch (value.kind) {
      case ConfigNode::Kind::kNull: return;
      case ConfigNode::Kind::kScalar: return scalar(key, value, doc);
      case ConfigNode::Kind::kSequence: return sequence(key, value, doc);
      case ConfigNode::Kind::kMapping: break;
    }
    if (value.entries.empty() && (doc == nullptr || std::none_of(doc->nested.begin(), doc->nested.end(), has_default)))
      return out_.raw(key, "{}", place(value));
    out_.open_mapping(key);
    if (doc != nullptr && !doc->nested.empty()) {
      mapping(value, doc->nested);
    } else {
      for (const auto& [inner_key, inner] : value.entries) field(inner_key.text, inner, doc);
    }
    out_.close();
  }

  void sequence(const std::string& key, const ConfigNode& value, const FieldDoc* doc) {
    if (value.items.empty()) return out_.raw(key, "[]", place(value));
    out_.open_sequence(key);
    for (const ConfigNode& item : value.items) {
      out_.open_mapping("");
      out_.item();
      if (item.is_mapping() && !item.entries.empty()) {
        for (const auto& [inner_key, inner] : item.entries) field(inner_key.text, inner, doc);
      } else {
        field("", item, doc);
      }
      out_.close();
    }
    out_.close();
  }

  void scalar(const std::string& key, const ConfigNode& node, const FieldDoc* doc) {
    bool from_file = false;
    const std::string names = variables_of(node, variables_, from_file);
    const std::string comment = one_line(names.empty() ? place(node) : names + " (" + place(node) + ")");
    const std::string_view type = doc == nullptr ? std::string_view() : std::string_view(doc->type);
    const bool as_written = expressions_.contains(node.path) || type.find("field path") != std::string_view::npos;
    if (as_written) return out_.scalar(key, node.text, place(node));
    const bool url = type.find("URL") != std::string_view::npos;
    const bool hidden = type.find("secret") != std::string_view::npos || sounds_secret(key) || (from_file && !url);
    if (hidden) return out_.scalar(key, kHidden, comment);
    std::string text = expanded(node);
    if (url || text.find("://") != std::string::npos) text = hide_password(text);
    out_.scalar(key, text, comment);
  }

  static std::string hide_password(const std::string& text) {
    const std::size_t scheme = text.find("://");
    if (scheme == std::string::npos || text.find('@', scheme) == std::string::npos) return text;
    return ConnectionUrl(text).redacted();
  }

  // Variables replaced, expressions of a template kept, and what only looks like one escaped.
  std::string expanded(const ConfigNode& node) const {
    Diagnostics findings;
    BindContext context{findings, variables_, nullptr, true};
    const auto parts = expand_template(node, context);
    if (!parts) return node.text;
    std::string result;
    for (const TemplateText::Part& part : *parts) {
      if (part.is_expression) {
        result += "${" + part.text + "}";
        continue;
      }
      for (std::size_t i = 0; i < part.text.size(); ++i) {
        const bool looks_like_one = part.text[i] == '$' && i + 1 < part.text.size() && part.text[i + 1] == '{';
        result += looks_like_one ? std::string("$$") : std::string(1, part.text[i]);
      }
    }
    return result;
  }

  static std::string place(const ConfigNode& node) { return fmt::format("{}:{}", node.place.file, node.place.line); }

  const PipelineConfig& pipeline_;
  const Registry& registry_;
  const Variables& variables_;
  std::set<std::string> expressions_;  // paths of scalars that are one expression
  YamlEmitter out_;
};

}  // namespace

std::string render_pipeline(const PipelineConfig& pipeline, const Registry& registry, const Variables& variables) {
  return Renderer(pipeline, registry, variables).render();
}

}  // namespace sluice::daemon
