// `sluice components [NAME] [--json]` and `sluice version`: what this binary is made of.
#include <fmt/format.h>

#include <iterator>
#include <nlohmann/json.hpp>
#include <ostream>

#include "core/diagnostic.h"
#include "daemon/common_keys.h"
#include "daemon/environment_variables.h"
#include "daemon/example_text.h"
#include "daemon/guide_commands.h"
#include "daemon/metric_list.h"
#include "daemon/pipeline_config.h"
#include "daemon/settings.h"
#include "daemon/version.h"
#include "daemon/yaml_loader.h"

namespace sluice::daemon {

namespace {

using Json = nlohmann::ordered_json;

std::string_view kind_word(ComponentKind kind) {
  switch (kind) {
    case ComponentKind::kSource: return "source";
    case ComponentKind::kTransform: return "transform";
    case ComponentKind::kSink: return "sink";
  }
  return "";
}

std::vector<FieldDoc> keys_beside(ComponentKind kind) {
  switch (kind) {
    case ComponentKind::kSource: return common_keys(KeyPlace::kLoneSource);
    case ComponentKind::kTransform: return common_keys(KeyPlace::kMainStep);
    case ComponentKind::kSink: return common_keys(KeyPlace::kLoneSink);
  }
  return {};
}

// What it promises with the configuration of its example; nullopt for steps, which promise nothing of their own.
std::optional<Guarantee> guarantee_of_example(const Component& component) {
  if (!component.guarantee) return std::nullopt;
  Diagnostics findings;
  const EnvironmentVariables variables;
  BindContext context{findings, variables};
  context.allow_unset = true;
  const auto tree = load_yaml(example_file(component), "example", findings);
  if (!tree || !tree->is_mapping() || tree->entries.empty()) return std::nullopt;
  const Component::Config config = component.bind(tree->entries[0].second, nullptr, context);
  if (!config.has_value()) return std::nullopt;
  return component.guarantee(config);
}

// ---- text ----

void list_all(const Registry& registry, std::ostream& out) {
  for (const ComponentKind kind : {ComponentKind::kSource, ComponentKind::kTransform, ComponentKind::kSink}) {
    out << kind_word(kind) << "s\n";
    for (const Component& component : registry.all()) {
      if (component.kind == kind) out << fmt::format("  {:<16} {}\n", component.name, component.summary);
    }
  }
}

void list_fields(const std::vector<FieldDoc>& fields, const std::string& indent, std::string& out) {
  for (const FieldDoc& field : fields) {
    fmt::format_to(std::back_inserter(out), "{}{}: {}", indent, field.name, field.type);
    if (field.required) out += ", required";
    if (!field.default_text.empty() && field.shape.kind != ValueShape::Kind::kFields) out += ", default " + field.default_text;
    if (field.beside) out += ", beside the component's key";
    out += "\n" + indent + "    " + field.doc + "\n";
    list_fields(field.nested, indent + "    ", out);
  }
}

std::string description(const Component& component) {
  std::string out = fmt::format("{} ({})\n  {}\n", component.name, kind_word(component.kind), component.summary);
  const auto guarantee = guarantee_of_example(component);
  if (guarantee)
    out += fmt::format("\nguarantee of the example\n  {}: {}\n", guarantee->exactly_once ? "exactly once" : "at least once",
                       guarantee->reason);
  out += "\nfields\n";
  list_fields(component.fields(), "  ", out);
  out += "\nkeys beside it\n";
  for (const FieldDoc& key : keys_beside(component.kind)) out += fmt::format("  {:<16} {}\n", key.name, key.doc);
  out += "\nmetrics\n";
  for (const MetricDoc* metric : metrics_of(component)) out += fmt::format("  {} ({})\n    {}\n", metric->name, metric->type, metric->help);
  return out + "\nexample\n" + indented(example_file(component));
}

// ---- JSON ----

Json fields_json(const std::vector<FieldDoc>& fields) {
  Json list = Json::array();
  for (const FieldDoc& field : fields) {
    Json item = {{"name", field.name}, {"type", field.type}, {"required", field.required}, {"doc", field.doc}};
    if (!field.default_text.empty() && field.shape.kind != ValueShape::Kind::kFields) item["default"] = field.default_text;
    if (field.beside) item["beside"] = true;
    if (field.form == FieldDoc::Form::kDirect) item["form"] = "direct";
    if (field.form == FieldDoc::Form::kWhole) item["form"] = "whole";
    if (!field.nested.empty()) item["fields"] = fields_json(field.nested);
    list.push_back(std::move(item));
  }
  return list;
}

Json component_json(const Component& component) {
  Json result = {{"name", component.name},
                 {"kind", kind_word(component.kind)},
                 {"summary", component.summary},
                 {"fields", fields_json(component.fields())},
                 {"keys", fields_json(keys_beside(component.kind))},
                 {"example", example_file(component)}};
  if (const auto guarantee = guarantee_of_example(component))
    result["guarantee"] = {{"exactly_once", guarantee->exactly_once}, {"reason", guarantee->reason}};
  if (!component.meta.empty()) result["meta"] = component.meta;
  for (const MetricDoc* metric : metrics_of(component)) result["metrics"].push_back(metric->name);
  return result;
}

Json file_json(std::string_view name) {
  return {{"name", name}, {"kind", "file"}, {"fields", fields_json(name == "pipeline" ? pipeline_fields() : settings_fields())}};
}

Json metrics_json() {
  Json list = Json::array();
  for (const MetricDoc& metric : metric_list())
    list.push_back({{"name", metric.name}, {"type", metric.type}, {"labels", metric.labels}, {"of", metric.of}, {"help", metric.help}});
  return list;
}

int print_json(const std::string& name, const Registry& registry, Streams streams) {
  Json list = Json::array();
  for (const Component& component : registry.all()) {
    if (name.empty() || component.name == name) list.push_back(component_json(component));
  }
  for (const std::string_view file : {"pipeline", "settings"}) {
    if (name.empty() || name == file) list.push_back(file_json(file));
  }
  Json all = {{"version", 1}, {"components", std::move(list)}};
  if (name.empty()) all["metrics"] = metrics_json();
  streams.out << all.dump(2) << "\n";
  return kOk;
}

int unknown(const std::string& name, const Registry& registry, Streams streams) {
  std::vector<std::string_view> names = {"pipeline", "settings"};
  for (const Component& component : registry.all()) names.push_back(component.name);
  const std::string meant = nearest(name, names);
  streams.err << fmt::format("there is no component \"{}\"{}\n", name, meant.empty() ? "" : "; did you mean \"" + meant + "\"?");
  return kUsage;
}

bool is_known(const std::string& name, const Registry& registry) {
  if (name == "pipeline" || name == "settings") return true;
  const auto& all = registry.all();
  return std::any_of(all.begin(), all.end(), [&](const Component& component) { return component.name == name; });
}

}  // namespace

int components_command(const ComponentsOptions& options, const Registry& registry, Streams streams) {
  const std::string& name = options.name;
  if (!name.empty() && !is_known(name, registry)) return unknown(name, registry, streams);
  if (options.json) return print_json(name, registry, streams);
  if (name.empty()) return list_all(registry, streams.out), kOk;
  std::string out;
  for (const Component& component : registry.all()) {
    if (component.name == name) out += (out.empty() ? "" : "\n") + description(component);
  }
  if (name == "pipeline" || name == "settings") {
    out += (out.empty() ? "" : "\n") + name + " (file)\n\nkeys\n";
    list_fields(name == "pipeline" ? pipeline_fields() : settings_fields(), "  ", out);
  }
  streams.out << out;
  return kOk;
}

int version_command(Streams streams) {
  streams.out << "sluice " << product_version() << "\ncompiler " << compiler() << "\nlibraries\n" << indented(libraries());
  return kOk;
}

}  // namespace sluice::daemon
