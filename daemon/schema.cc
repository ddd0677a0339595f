#include "daemon/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <set>

#include "daemon/common_keys.h"
#include "daemon/connections.h"
#include "daemon/example_text.h"
#include "daemon/pipeline_config.h"
#include "daemon/settings.h"
#include "daemon/yaml_loader.h"

namespace sluice::daemon {

namespace {

using Json = nlohmann::ordered_json;
using Kind = ValueShape::Kind;

constexpr std::string_view kNumber = "([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?";

Json ref_to(const std::string& name) { return {{"$ref", "#/$defs/" + name}}; }

// Text in which a variable may stand for the whole or a part: ${NAME}, ${NAME:-default}, ${file:PATH}.
Json scalar_definition(std::string title, std::string description, const std::string& units, Json types, Json examples) {
  return {{"title", std::move(title)},
          {"description", std::move(description)},
          {"type", std::move(types)},
          {"pattern", fmt::format("^{} *({})$|\\$\\{{", kNumber, units)},
          {"examples", std::move(examples)}};
}

Json shared_definitions() {
  Json defs;
  defs["variable"] = {{"title", "variable"},
                      {"description", "${NAME}, ${NAME:-default} or ${file:PATH}, from the environment or a file."},
                      {"type", "string"},
                      {"pattern", "\\$\\{"}};
  defs["text"] = {{"title", "text"}, {"type", {"string", "number", "boolean"}}};
  defs["duration"] =
      scalar_definition("duration", "A number with a unit: ms, s, m, h, d.", "ms|s|m|h|d", "string", {"500ms", "30s", "5m", "7d"});
  defs["size"] = scalar_definition("size", "Bytes, or a number with a unit: B, KiB, MiB, GiB, TiB, kB, MB, GB, TB.",
                                   "B|KiB|MiB|GiB|TiB|kB|MB|GB|TB|", {"string", "integer"}, {"64MiB", "10GB"});
  defs["rate"] = scalar_definition("rate", "Events per time: /s, /m or /h.", "/s|/m|/h", "string", {"1000/s", "5/m"});
  defs["share"] = scalar_definition("share", "A percentage.", "%", "string", {"5%", "0.1%"});
  defs["secret"] = {{"title", "secret"},
                    {"description", "Never shown. Better from ${VARIABLE} or ${file:PATH} than in the file."},
                    {"type", {"string", "number"}},
                    {"examples", {"${PASSWORD}", "${file:/run/secrets/password}"}}};
  defs["url"] = {{"title", "URL"},
                 {"type", "string"},
                 {"pattern", "://|\\$\\{"},
                 {"examples", {"postgresql://user@host/database", "${DATABASE_URL}"}}};
  defs["expression"] = {{"title", "expression"},
                        {"description", "CEL over this, before, key, meta and env. Quote it twice when it is a text: '\"eur\"'."},
                        {"type", {"string", "number", "boolean"}},
                        {"examples", {"this.total * 0.92", "meta.table"}}};
  defs["condition"] = {{"title", "condition"},
                       {"description", "CEL that is true or false, over this, before, key, meta and env."},
                       {"type", {"string", "boolean"}},
                       {"examples", {"this.status != \"test\"", "meta.op != \"delete\""}}};
  defs["template"] = {{"title", "template"},
                      {"description", "Text with CEL between ${ and }. A record whose value is missing or null becomes a dead letter."},
                      {"type", {"string", "number", "boolean"}},
                      {"examples", {"shop.${meta.table}", "out/${this.country}/"}}};
  defs["field_path"] = {{"title", "field path"}, {"type", {"string", "number", "boolean"}}, {"examples", {"a", "a.b", "items[].price"}}};
  return defs;
}

Json object_of(const std::vector<FieldDoc>& fields);

// The fields as they stand in a mapping, or the one that may stand for it.
Json fields_schema(const std::vector<FieldDoc>& fields);

Json map_value(const ValueShape& shape);

Json shape_schema(const ValueShape& shape) {
  const auto or_variable = [](Json schema) { return Json{{"anyOf", {std::move(schema), ref_to("variable")}}}; };
  switch (shape.kind) {
    case Kind::kAny: return Json::object();
    case Kind::kText: return ref_to("text");
    case Kind::kInteger: return or_variable({{"type", "integer"}});
    case Kind::kNumber: return or_variable({{"type", "number"}});
    case Kind::kBool: return or_variable({{"type", "boolean"}});
    case Kind::kDuration: return ref_to("duration");
    case Kind::kSize: return ref_to("size");
    case Kind::kRate: return ref_to("rate");
    case Kind::kShare: return ref_to("share");
    case Kind::kSecret: return ref_to("secret");
    case Kind::kUrl: return ref_to("url");
    case Kind::kExpression: return ref_to("expression");
    case Kind::kCondition: return ref_to("condition");
    case Kind::kTemplate: return ref_to("template");
    case Kind::kFieldPath: return ref_to("field_path");
    case Kind::kEnum: return or_variable({{"enum", shape.values}});
    case Kind::kPattern: return or_variable({{"type", "string"}, {"pattern", shape.pattern}});
    case Kind::kList: return {{"type", "array"}, {"items", shape_schema(shape.inner.at(0))}};
    case Kind::kMap: return {{"type", "object"}, {"additionalProperties", map_value(shape.inner.at(1))}};
    case Kind::kFields: return fields_schema(shape.fields);
    case Kind::kChoice: {
      Json object = object_of(shape.fields);
      object["minProperties"] = 1;
      object["maxProperties"] = 1;
      return object;
    }
    case Kind::kAnyOf: {
      Json all = Json::array();
      for (const ValueShape& inner : shape.inner) all.push_back(shape_schema(inner));
      return {{"anyOf", std::move(all)}};
    }
  }
  return Json::object();
}

bool takes_null(const FieldDoc& field) { return !field.required; }

Json or_null(Json schema) {
  if (schema.empty()) return schema;
  if (schema.size() == 1 && schema.contains("anyOf")) {
    schema["anyOf"].push_back({{"type", "null"}});
    return schema;
  }
  return {{"anyOf", {std::move(schema), {{"type", "null"}}}}};
}

// A mapping of fields may be left empty when it needs none of them.
Json map_value(const ValueShape& shape) {
  const auto needed = [](const FieldDoc& field) { return field.required; };
  const bool may_be_empty = shape.kind == Kind::kFields && std::none_of(shape.fields.begin(), shape.fields.end(), needed);
  return may_be_empty ? or_null(shape_schema(shape)) : shape_schema(shape);
}

// A default as JSON has it; null: it is no scalar, and stands in the description alone.
Json typed_default(const FieldDoc& field) {
  const std::string& text = field.default_text;
  if (field.shape.kind == Kind::kBool) return text == "true";
  if (field.shape.kind == Kind::kInteger) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() ? Json(value) : Json();
  }
  return text.front() == '[' || text.front() == '{' ? Json() : Json(text);
}

Json property(const FieldDoc& field) {
  Json schema = shape_schema(field.shape);
  if (takes_null(field)) schema = or_null(std::move(schema));
  schema["title"] = field.name + ": " + field.type;
  schema["description"] = field.doc;
  if (!field.default_text.empty() && field.shape.kind != Kind::kFields) {
    Json value = typed_default(field);
    if (!value.is_null()) schema["default"] = std::move(value);
  }
  return schema;
}

Json object_of(const std::vector<FieldDoc>& fields) {
  Json properties = Json::object(), required = Json::array();
  for (const FieldDoc& field : fields) {
    if (field.beside) continue;
    properties[field.name] = property(field);
    if (field.required) required.push_back(field.name);
  }
  Json schema = {{"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
  if (!required.empty()) schema["required"] = std::move(required);
  return schema;
}

Json fields_schema(const std::vector<FieldDoc>& fields) {
  Json object = object_of(fields);
  for (const FieldDoc& field : fields) {
    if (field.form == FieldDoc::Form::kNamed) continue;
    Json itself = shape_schema(field.shape);
    itself["description"] = field.doc;
    if (field.form == FieldDoc::Form::kWhole) return itself;
    return {{"anyOf", {std::move(itself), std::move(object)}}};
  }
  return object;
}

// A scalar as YAML's core schema has it, so that the example is what an editor would insert.
Json scalar_json(const ConfigNode& node) {
  if (node.style != ConfigNode::Style::kPlain) return node.text;
  if (node.text == "true" || node.text == "false") return node.text == "true";
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(node.text.data(), node.text.data() + node.text.size(), value);
  return error == std::errc() && end == node.text.data() + node.text.size() ? Json(value) : Json(node.text);
}

Json json_of(const ConfigNode& node) {
  if (node.is_null()) return nullptr;
  if (node.is_scalar()) return scalar_json(node);
  Json result = node.is_sequence() ? Json::array() : Json::object();
  for (const ConfigNode& item : node.items) result.push_back(json_of(item));
  for (const auto& [key, value] : node.entries) result[key.text] = json_of(value);
  return result;
}

std::string_view kind_word(ComponentKind kind) {
  switch (kind) {
    case ComponentKind::kSource: return "source";
    case ComponentKind::kTransform: return "step";
    case ComponentKind::kSink: return "sink";
  }
  return "";
}

std::string definition_name(const Component& component) { return fmt::format("{}.{}", kind_word(component.kind), component.name); }

// What may stand under a component's key.
Json component_schema(const Component& component) {
  const std::vector<FieldDoc> fields = component.fields();
  const bool needs = std::any_of(fields.begin(), fields.end(), [](const FieldDoc& field) { return field.required && !field.beside; });
  Json schema = fields_schema(fields);
  if (component.kind != ComponentKind::kTransform && !fields.empty()) {
    schema["properties"][std::string(kUseKey)] = {
        {"title", "use: name of a connection"},
        {"description", "Takes the fields of this connection of the settings file; what stands here wins."},
        {"type", "string"}};
    if (needs) {
      schema["anyOf"] = {{{"required", schema["required"]}}, {{"required", {kUseKey}}}};
      schema.erase("required");
    }
  }
  if (!needs) schema = or_null(std::move(schema));
  schema["title"] = fmt::format("{} ({})", component.name, kind_word(component.kind));
  schema["description"] = component.summary;
  Diagnostics ignored;
  if (const auto example = load_yaml(example_file(component), "example", ignored)) {
    if (example->is_mapping() && example->entries.size() > 0) schema["examples"] = Json::array({json_of(example->entries[0].second)});
  }
  return schema;
}

// Fields that stand beside the keys of some components: allowed only with one of those.
void add_beside(const Component& component, Json& schema) {
  for (const FieldDoc& field : component.fields()) {
    if (!field.beside) continue;
    schema["properties"][field.name] = property(field);
    schema["dependentSchemas"][field.name]["anyOf"].push_back({{"required", {component.name}}});
  }
}

// {<type>: {fields}, common keys}
Json use_schema(const Registry& registry, ComponentKind kind, const std::vector<FieldDoc>& keys) {
  Json schema = {{"type", "object"}, {"properties", Json::object()}, {"additionalProperties", false}, {"oneOf", Json::array()}};
  for (const Component& component : registry.all()) {
    if (component.kind != kind) continue;
    Json use = ref_to(definition_name(component));
    use["description"] = component.summary;
    schema["properties"][std::string(component.name)] = std::move(use);
    schema["oneOf"].push_back({{"required", {component.name}}});
    add_beside(component, schema);
  }
  for (const FieldDoc& key : keys) {
    schema["properties"][key.name] = property(key);
    if (key.name == "transforms") schema["properties"][key.name]["anyOf"] = {ref_to("owned_chain"), {{"type", "null"}}};
  }
  return schema;
}

void add_uses(const Registry& registry, Json& defs) {
  for (const Component& component : registry.all()) defs[definition_name(component)] = component_schema(component);
  defs["step"] = use_schema(registry, ComponentKind::kTransform, common_keys(KeyPlace::kMainStep));
  defs["owned_step"] = use_schema(registry, ComponentKind::kTransform, common_keys(KeyPlace::kOwnedStep));
  defs["owned_chain"] = {{"type", "array"}, {"items", ref_to("owned_step")}};
  defs["source"] = use_schema(registry, ComponentKind::kSource, common_keys(KeyPlace::kLoneSource));
  defs["named_source"] = use_schema(registry, ComponentKind::kSource, common_keys(KeyPlace::kNamedSource));
  defs["sink"] = use_schema(registry, ComponentKind::kSink, common_keys(KeyPlace::kLoneSink));
  defs["letter_copy"] = use_schema(registry, ComponentKind::kSink, common_keys(KeyPlace::kLetterCopy));
  defs["named_sink"] = use_schema(registry, ComponentKind::kSink, common_keys(KeyPlace::kNamedSink));
}

Json named(const std::string& definition) {
  return {{"type", "object"}, {"minProperties", 1}, {"additionalProperties", ref_to(definition)}};
}

Json document(std::string title, std::string description, const std::vector<FieldDoc>& fields) {
  Json schema = {
      {"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", std::move(title)}, {"description", std::move(description)}};
  schema.update(object_of(fields));
  schema["patternProperties"] = {{"^x-", {{"description", "Ignored: a place for anchors."}}}};
  return schema;
}

void replace_shape(Json& properties, const std::string& key, Json shape) {
  if (!properties.contains(key)) return;
  shape["title"] = properties[key]["title"];
  shape["description"] = properties[key]["description"];
  properties[key] = std::move(shape);
}

// Where dead letters are copied to is a sink.
void replace_copy_target(Json& properties) {
  for (Json& part : properties["dead_letters"]["anyOf"]) {
    if (part.contains("properties")) replace_shape(part["properties"], "copy_to", or_null(ref_to("letter_copy")));
  }
}

}  // namespace

std::string pipeline_schema(const Registry& registry) {
  Json schema = document("sluice pipeline", "One file is one pipeline: a source, steps, a sink.", pipeline_fields());
  Json& properties = schema["properties"];
  replace_shape(properties, "source", ref_to("source"));
  replace_shape(properties, "sources", named("named_source"));
  replace_shape(properties, "transforms", or_null({{"type", "array"}, {"items", ref_to("step")}}));
  replace_shape(properties, "sink", ref_to("sink"));
  replace_shape(properties, "sinks", named("named_sink"));
  if (properties.contains("dead_letters")) replace_copy_target(properties);
  schema["allOf"] = {{{"oneOf", {{{"required", {"source"}}}, {{"required", {"sources"}}}}}},
                     {{"oneOf", {{{"required", {"sink"}}}, {{"required", {"sinks"}}}}}}};
  Json defs = shared_definitions();
  add_uses(registry, defs);
  schema["$defs"] = std::move(defs);
  return schema.dump(2) + "\n";
}

std::string settings_schema() {
  Json schema = document("sluice settings", "What a daemon needs beside its pipelines: sluice run --settings FILE.", settings_fields());
  replace_shape(schema["properties"], "connections", or_null({{"type", "object"}, {"additionalProperties", {{"type", "object"}}}}));
  schema["$defs"] = shared_definitions();
  return schema.dump(2) + "\n";
}

}  // namespace sluice::daemon
