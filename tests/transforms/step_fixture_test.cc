#include "tests/transforms/step_fixture.h"

#include <catch2/catch.hpp>
#include <cstdio>
#include <map>

#include "core/civil_time.h"

namespace sluice::test {

namespace {

class NoVariables final : public Variables {
 public:
  std::optional<std::string> find(std::string_view) const override { return std::nullopt; }
  Result<std::string> read_file(std::string_view) const override { return Error(ErrorKind::kInvalidConfig, "unreadable_file", "no file"); }
};

class SilentLogger final : public Logger {
 public:
  void log(LogLevel, std::string_view, Fields) override {}
};

std::string show_row(const Schema& schema, std::span<const Value> row) {
  std::string text;
  for (std::size_t i = 0; i < row.size(); ++i) text += (text.empty() ? "" : ", ") + schema.fields().at(i).name + ": " + show(row[i]);
  return "{" + text + "}";
}

std::string show_entries(std::span<const MapEntry> entries) {
  std::string text;
  for (const MapEntry& entry : entries) text += (text.empty() ? "" : ", ") + std::string(entry.key.as_text()) + ": " + show(entry.value);
  return "{" + text + "}";
}

}  // namespace

ConfigNode scalar(std::string text) {
  ConfigNode node;
  node.kind = ConfigNode::Kind::kScalar;
  node.text = std::move(text);
  return node;
}

ConfigNode list(std::vector<std::string> texts) {
  ConfigNode node;
  node.kind = ConfigNode::Kind::kSequence;
  for (std::string& text : texts) node.items.push_back(scalar(std::move(text)));
  return node;
}

ConfigNode mapping(std::vector<std::pair<std::string, std::string>> entries) {
  ConfigNode node;
  node.kind = ConfigNode::Kind::kMapping;
  for (auto& [key, value] : entries) node.entries.push_back({scalar(key), scalar(value)});
  return node;
}

Counter& CountingMetrics::counter(std::string_view name, std::string_view, const Labels& labels) {
  std::string series(name);
  for (const auto& [label, value] : labels) series += "{" + value + "}";
  return *counters_.emplace_back(series, std::make_unique<Counter>()).second;
}

double CountingMetrics::value(const std::string& series) const {
  double sum = 0;
  for (const auto& [name, counter] : counters_) sum += name == series ? counter->value() : 0;
  return sum;
}

StepFixture::StepFixture() : log_(std::make_unique<SilentLogger>()) {
  register_filter_transform(registry_);
  register_set_transform(registry_);
  register_rename_transform(registry_);
  register_drop_transform(registry_);
  register_keep_transform(registry_);
  register_cast_transform(registry_);
  register_route_transform(registry_);
  auto origin = std::make_shared<BatchOrigin>();
  origin->source = "in";
  batch_ = std::make_shared<Batch>(origin, 0);
  batch_->partition("p");
}

std::string StepFixture::configure(std::string_view verb, const ConfigNode& value,
                                   std::vector<std::pair<std::string, std::string>> beside) {
  Diagnostics findings;
  const NoVariables variables;
  BindContext context{findings, variables};
  const ConfigNode around = mapping(std::move(beside));
  const Component* component = registry_.find(ComponentKind::kTransform, verb);
  REQUIRE(component != nullptr);
  const std::any config = component->bind(value, &around, context);
  std::string text;
  for (const Diagnostic& finding : findings.findings())
    text += (text.empty() ? "" : "\n") + std::string(finding.code) + ": " + finding.message;
  CHECK(config.has_value() == text.empty());
  if (!config.has_value()) return text;
  const BuildContext build{"test", std::string(verb), 0, 1, {}, {}, metrics_, schemas_, *log_, clock_, faults_};
  if (component->build_router) {
    auto router = component->build_router(config, build);
    if (!router) return std::string(router.error().code()) + ": " + router.error().message();
    router_ = std::move(router).value();
    for (const ConfigNode& output : component->outputs(config)) outputs_.push_back(output.text);
    routes_.outputs.resize(outputs_.size());
    return text;
  }
  auto step = component->build_transform(config, build);
  if (!step) return std::string(step.error().code()) + ": " + step.error().message();
  step_ = std::move(step).value();
  return text;
}

SchemaRef StepFixture::schema(std::vector<std::string> fields, std::size_t key_columns) {
  SchemaSpec spec;
  spec.database = "shop";
  spec.schema = "public";
  spec.table = "orders";
  for (std::string& name : fields) spec.fields.push_back({std::move(name)});
  for (std::uint32_t i = 0; i < key_columns; ++i) spec.key.push_back(i);
  return schemas_.intern(std::move(spec));
}

std::span<const Value> StepFixture::values(std::initializer_list<Value> values) {
  const std::span<Value> copy = arena().array<Value>(values.size());
  std::copy(values.begin(), values.end(), copy.begin());
  return copy;
}

Value StepFixture::map(std::initializer_list<std::pair<const char*, Value>> entries) {
  const std::span<MapEntry> copy = arena().array<MapEntry>(entries.size());
  std::size_t i = 0;
  for (const auto& [name, value] : entries) copy[i++] = {Value::string_in(arena(), name), value};
  return Value::map(copy);
}

Value StepFixture::items(std::initializer_list<Value> values) { return Value::list(this->values(values)); }

Record& StepFixture::add(Op op, const SchemaRef& schema, std::initializer_list<Value> before, std::initializer_list<Value> after,
                         std::initializer_list<Value> key) {
  Record record;
  record.op = op;
  record.ordinal = {1, batch_->size()};
  record.schema = batch_->keep(schema);
  record.before = values(before);
  record.after = values(after);
  record.key = values(key);
  batch_->records().push_back(record);
  return batch_->records().back();
}

std::string StepFixture::run() {
  batch_->activate_all();
  rejects_.clear();
  const std::vector<Record> entry = batch_->records();
  const Status status = step_->apply(*batch_, rejects_, {});
  REQUIRE(status);
  std::map<std::uint32_t, const Error*> reasons;
  for (const Rejected& rejected : rejects_.entries()) reasons.emplace(rejected.index, &rejected.reason);
  std::string text;
  for (std::uint32_t i = 0; i < batch_->size(); ++i) {
    if (!text.empty()) text += "\n";
    const Record& record = batch_->records()[i];
    if (batch_->removed(i)) {
      text += "filtered";
    } else if (reasons.contains(i)) {
      CHECK(reasons.at(i)->kind() == ErrorKind::kBadRecord);
      text += "rejected " + std::string(reasons.at(i)->code()) + ": " + reasons.at(i)->message();
      // G19: as it was on entry.
      CHECK(record.schema == entry[i].schema);
      CHECK(record.op == entry[i].op);
      CHECK(record.after.data() == entry[i].after.data());
      CHECK(record.before.data() == entry[i].before.data());
      CHECK(record.key.data() == entry[i].key.data());
      CHECK(record.input_schema == entry[i].input_schema);
    } else {
      text += show(record);
    }
  }
  return text;
}

std::string StepFixture::route() {
  batch_->activate_all();
  rejects_.clear();
  routes_.clear();
  REQUIRE(router_->route(*batch_, routes_, rejects_, {}));
  std::string text;
  const auto append = [&](const std::string& name, const std::vector<std::uint32_t>& indices) {
    if (indices.empty()) return;
    CHECK(std::is_sorted(indices.begin(), indices.end()));
    text += (text.empty() ? "" : "; ") + name;
    for (const std::uint32_t index : indices) text += " " + std::to_string(index);
  };
  for (std::size_t i = 0; i < outputs_.size(); ++i) append(outputs_[i], routes_.outputs[i]);
  append("dead_letter", routes_.dead_letters);
  for (const Rejected& rejected : rejects_.entries())
    text += (text.empty() ? "" : "; ") + ("rejected " + std::to_string(rejected.index)) + " " + std::string(rejected.reason.code());
  return text;
}

std::size_t StepFixture::allocations_of_route(std::size_t (*counter)()) {
  routes_.clear();
  REQUIRE(router_->route(*batch_, routes_, rejects_, {}));  // its lists grow once
  routes_.clear();
  const std::size_t before = counter();
  REQUIRE(router_->route(*batch_, routes_, rejects_, {}));
  return counter() - before;
}

std::size_t StepFixture::allocations_of_apply(std::size_t (*counter)()) {
  const std::size_t before = counter();
  REQUIRE(step_->apply(*batch_, rejects_, {}));
  const std::size_t after = counter();
  CHECK(rejects_.empty());
  return after - before;
}

std::string show(const Value& value) {
  char buffer[kTimeTextBytes];
  switch (value.type()) {
    case Value::Type::kNull: return "null";
    case Value::Type::kUnchanged: return "unchanged";
    case Value::Type::kBool: return value.as_bool() ? "true" : "false";
    case Value::Type::kInt64: return std::to_string(value.as_int64());
    case Value::Type::kUint64: return std::to_string(value.as_uint64()) + "u";
    case Value::Type::kFloat64: {
      const auto end = std::snprintf(buffer, sizeof(buffer), "%.17g", value.as_float64());
      return "double " + std::string(buffer, static_cast<std::size_t>(end));
    }
    case Value::Type::kDecimal: return "decimal " + std::string(value.as_text());
    case Value::Type::kMap: return show_entries(value.as_map());
    case Value::Type::kList: {
      std::string text;
      for (const Value& item : value.as_list()) text += (text.empty() ? "" : ", ") + show(item);
      return "[" + text + "]";
    }
    default: break;
  }
  if (is_time_type(value.type())) return {buffer, write_time_value(buffer, value)};
  if (value.type() == Value::Type::kStruct) return show_row(value.as_struct_schema(), value.as_struct());
  return "\"" + std::string(value.as_text()) + "\"";
}

std::string show(const Record& record) {
  std::string text(op_name(record.op));
  if (!record.before.empty()) text += " before " + show_row(*record.schema, record.before);
  if (!record.after.empty()) text += " after " + show_row(*record.schema, record.after);
  if (!record.key.empty()) {
    std::string key;
    for (std::size_t i = 0; i < record.key.size(); ++i) {
      key += (key.empty() ? "" : ", ") + record.schema->fields().at(record.schema->key().at(i)).name + ": " + show(record.key[i]);
    }
    text += " key {" + key + "}";
  }
  return text;
}

}  // namespace sluice::test
