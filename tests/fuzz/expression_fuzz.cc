// Any bytes as the source of an expression: compiled unchecked and checked, evaluated over a small record.  Must neither crash,
// hang nor take all memory.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/batch.h"
#include "core/schema.h"
#include "expr/compile.h"
#include "expr/evaluator.h"

using namespace sluice;
using namespace sluice::expr;

namespace {

struct Input {
  Batch batch{std::make_shared<BatchOrigin>(BatchOrigin{"fuzz", nullptr}), 1'700'000'000'000'000};

  Input() {
    SchemaSpec spec{"db", "public", "t", {Field{"a"}, Field{"b"}, Field{"c"}, Field{"d"}, Field{"e"}}, {0}};
    const std::span<Value> row = batch.arena().array<Value>(5);
    row[0] = Value::int64(3);
    row[1] = Value::string("a text beyond fourteen bytes \xc3\xa9");
    row[2] = Value::decimal("12.30");
    row[3] = Value::timestamp(1'234'567'890'000'000);
    row[4] = Value::unchanged();
    Record record;
    record.op = Op::kUpdate;
    record.schema = batch.keep(std::make_shared<Schema>(1, std::move(spec)));
    record.after = record.before = row;
    record.key = std::span<const Value>(row).first(1);
    record.partition = batch.partition("p");
    batch.records().push_back(record);
  }
};

void run(std::string_view source, bool checked) {
  static Input input;  // as records of one batch would be
  CompileOptions options;
  options.checked = checked;
  options.environment = [](std::string_view) { return std::optional<std::string>("value"); };
  const CompileResult compiled = compile_source(source, options);
  if (compiled.code == nullptr) return;
  Evaluator evaluator(*compiled.code, options.rules);
  Arena arena;
  Value value;
  if (!evaluator.evaluate(input.batch, input.batch.records()[0], arena, value)) static_cast<void>(describe(evaluator.failure()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view source(reinterpret_cast<const char*>(data), size);
  run(source, false);
  run(source, true);
  return 0;
}
