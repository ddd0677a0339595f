#pragma once
// A batch with records made by hand.

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/batch.h"
#include "expr/expression.h"

namespace sluice::expr::testing {

class Rows {
 public:
  using Columns = std::vector<std::pair<std::string, Value>>;

  explicit Rows(SchemaRef meta_schema = nullptr)
      : batch_(std::make_shared<BatchOrigin>(BatchOrigin{"shop", std::move(meta_schema)}), 1'700'000'000'000'000) {}

  // Adds a record of those columns; the first `keys` of them are its key.
  Record& add(const Columns& columns, Op op = Op::kInsert, std::size_t keys = 1) {
    SchemaSpec spec{"db", "public", "orders", {}, {}};
    const std::span<Value> row = batch_.arena().array<Value>(columns.size());
    for (std::size_t i = 0; i < columns.size(); ++i) {
      spec.fields.push_back(Field{columns[i].first});
      row[i] = deep_copy(columns[i].second, batch_.arena());
      if (i < keys) spec.key.push_back(static_cast<std::uint32_t>(i));
    }
    Record record;
    record.op = op;
    record.schema = batch_.keep(pool_.intern(std::move(spec)));
    (op == Op::kDelete ? record.before : record.after) = row;
    record.key = std::span<const Value>(row).first(std::min(keys, row.size()));
    record.partition = batch_.partition("p0");
    record.ordinal = {7, 3};
    batch_.records().push_back(record);
    return batch_.records().back();
  }

  Batch& batch() { return batch_; }
  const Record& last() const { return batch_.records().back(); }

 private:
  SchemaPool pool_;
  Batch batch_;
};

// The value as text, "null", or "error: <code>"; "compile: <code>" when it does not compile.
std::string evaluate(std::string_view source, Rows& rows, Rules rules = Rules::kPipeline);

}  // namespace sluice::expr::testing
