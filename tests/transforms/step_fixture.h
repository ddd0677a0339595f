#pragma once
// Runs one step over hand-made records and shows the outcome as text.

#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/batch_builder.h"
#include "core/registry.h"

namespace sluice {

void register_filter_transform(Registry& registry);
void register_set_transform(Registry& registry);
void register_rename_transform(Registry& registry);
void register_drop_transform(Registry& registry);
void register_keep_transform(Registry& registry);
void register_cast_transform(Registry& registry);
void register_route_transform(Registry& registry);

namespace test {

ConfigNode scalar(std::string text);
ConfigNode list(std::vector<std::string> texts);
ConfigNode mapping(std::vector<std::pair<std::string, std::string>> entries);

// Metrics that remember their counters by "name{label values}".
class CountingMetrics final : public Metrics {
 public:
  Counter& counter(std::string_view name, std::string_view help, const Labels& labels) override;
  Gauge& gauge(std::string_view, std::string_view, const Labels&) override { return gauge_; }
  Histogram& histogram(std::string_view, std::string_view, std::span<const double>, const Labels&) override { return histogram_; }
  double value(const std::string& series) const;

 private:
  std::vector<std::pair<std::string, std::unique_ptr<Counter>>> counters_;
  Gauge gauge_;
  Histogram histogram_{std::span<const double>()};
};

class StepFixture {
 public:
  StepFixture();

  // The findings of binding, one a line ("" when good), and the step ready to run.
  std::string configure(std::string_view verb, const ConfigNode& value, std::vector<std::pair<std::string, std::string>> beside = {});

  Batch& batch() { return *batch_; }
  Arena& arena() { return batch_->arena(); }
  SchemaPool& schemas() { return schemas_; }
  CountingMetrics& metrics() { return metrics_; }

  // A schema of untyped fields; the first `key_columns` of them are the key.
  SchemaRef schema(std::vector<std::string> fields, std::size_t key_columns = 0);
  std::span<const Value> values(std::initializer_list<Value> values);
  Value map(std::initializer_list<std::pair<const char*, Value>> entries);
  Value items(std::initializer_list<Value> values);

  Record& add(Op op, const SchemaRef& schema, std::initializer_list<Value> before, std::initializer_list<Value> after,
              std::initializer_list<Value> key = {});
  Record& insert(const SchemaRef& schema, std::initializer_list<Value> after) { return add(Op::kInsert, schema, {}, after); }

  // Runs the step over all records: what became of each, one a line, in the order they were added.
  //   insert after {id: 1, name: "x"} | filtered | rejected cast_failed: <message>
  std::string run();
  // Of a step with outputs, by output: "eu 0 2; rest 1; dead_letter 3; rejected 4 no_such_field".
  std::string route();
  std::size_t allocations_of_route(std::size_t (*counter)());
  // How much `counter` grows while the step runs over the active records.
  std::size_t allocations_of_apply(std::size_t (*counter)());
  // The records that the last run() gave to Rejects.
  const Rejects& rejects() const { return rejects_; }

 private:
  Registry registry_;
  SchemaPool schemas_;
  CountingMetrics metrics_;
  std::unique_ptr<Logger> log_;
  SystemClock clock_;
  FaultPoints faults_;
  std::unique_ptr<Transform> step_;
  std::unique_ptr<Router> router_;
  std::vector<std::string> outputs_;
  Routes routes_;
  std::shared_ptr<Batch> batch_;
  Rejects rejects_;
};

std::string show(const Value& value);
std::string show(const Record& record);

}  // namespace test
}  // namespace sluice
