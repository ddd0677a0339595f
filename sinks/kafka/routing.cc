#include "sinks/kafka/routing.h"

#include <algorithm>

namespace sluice::sinks {

namespace {

// Free-form JSON may bring more schemas than are worth remembering.
constexpr std::size_t kMaxSchemas = 8192;

MessageContext message_context(const BuildContext& context, const std::vector<FieldPath>& key) {
  MessageContext result{context.pipeline, context.component, {}};
  for (const FieldPath& path : key) result.key_paths.push_back(path.node.text);
  return result;
}

std::string constant_text(const TemplateText& text) {
  std::string result;
  if (!text.is_constant()) return result;
  for (const TemplateText::Part& part : text.parts) result += part.text;
  return result;
}

}  // namespace

Result<Routing> Routing::build(const KafkaSinkConfig& config, const BuildContext& context) {
  Routing result;
  result.main_ = std::make_unique<Route>();
  Route& main = *result.main_;
  main.own_topic = SLUICE_TRY(expr::Template::compile(config.topic, expr::Template::Encoding::kNone));
  main.own_encoder = SLUICE_TRY(make_message_encoder(config.format, message_context(context, config.key)));
  main.constant_topic = constant_text(config.topic);
  main.topic = main.own_topic.get();
  main.encoder = main.own_encoder.get();
  for (const auto& [table, settings] : config.per_table) {
    auto route = std::make_unique<Route>();
    if (settings.topic) {
      route->own_topic = SLUICE_TRY(expr::Template::compile(*settings.topic, expr::Template::Encoding::kNone));
      route->constant_topic = constant_text(*settings.topic);
    } else {
      route->constant_topic = main.constant_topic;
    }
    if (!settings.key.empty()) route->own_encoder = SLUICE_TRY(make_message_encoder(config.format, message_context(context, settings.key)));
    route->topic = route->own_topic ? route->own_topic.get() : main.topic;
    route->encoder = route->own_encoder ? route->own_encoder.get() : main.encoder;
    result.tables_.emplace_back(table, std::move(route));
  }
  return result;
}

Routing::Route& Routing::find(const Record& record) {
  if (tables_.empty() || record.schema == nullptr) return *main_;
  if (last_ != nullptr && record.schema->id() == last_schema_) return *last_;
  last_schema_ = record.schema->id();
  const auto found = by_schema_.find(last_schema_);
  if (found != by_schema_.end()) return *(last_ = found->second);
  if (by_schema_.size() >= kMaxSchemas) by_schema_.clear();
  last_ = &look_up(*record.schema);
  by_schema_.emplace(last_schema_, last_);
  return *last_;
}

// The most exact name wins.
Routing::Route& Routing::look_up(const Schema& schema) {
  const SchemaSpec& spec = schema.spec();
  for (const std::string& name : {spec.database + "." + spec.schema + "." + spec.table, spec.schema + "." + spec.table,
                                  spec.database + "." + spec.table, spec.table}) {
    const auto found = std::find_if(tables_.begin(), tables_.end(), [&](const auto& entry) { return entry.first == name; });
    if (found != tables_.end()) return *found->second;
  }
  return *main_;
}

Status Routing::topic(Route& route, const Batch& batch, const Record& record, std::string& out) {
  out.clear();
  if (!route.constant_topic.empty()) {
    out = route.constant_topic;
    return {};
  }
  return route.topic->render(batch, record, out);
}

}  // namespace sluice::sinks
