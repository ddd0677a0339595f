#pragma once
// Rewriting rows by a plan made once per input schema: which column of the new row comes from where, and what is edited inside it.
// The mechanics that drop, keep, rename, cast and mask share.  One thread.

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "core/build_context.h"
#include "core/transform.h"
#include "transforms/edit_tree.h"
#include "transforms/images.h"

namespace sluice::transforms {

// Plans by the id of the input schema (and a small variant).  Bounded: free-form JSON has ever new shapes, so a full cache is emptied.
template <typename Plan>
class PlanCache {
 public:
  static constexpr std::size_t kCap = 1024;
  static constexpr std::uint64_t kVariants = 4;

  // The plan, made by make() when it is not known.  Valid until the next call.
  template <typename Make>
  const Plan& get(std::uint64_t schema_id, std::uint64_t variant, const Make& make) {
    const std::uint64_t id = schema_id * kVariants + variant;
    if (newest_ != nullptr && newest_id_ == id) return *newest_;
    auto found = plans_.find(id);
    if (found == plans_.end()) {
      if (plans_.size() >= kCap) plans_.clear();
      found = plans_.emplace(id, std::make_unique<const Plan>(make())).first;
    }
    newest_ = found->second.get();
    newest_id_ = id;
    return *newest_;
  }

 private:
  std::unordered_map<std::uint64_t, std::unique_ptr<const Plan>> plans_;
  const Plan* newest_ = nullptr;
  std::uint64_t newest_id_ = 0;
};

// Remembers the source's row for a dead letter (G19); call before a record changes for the first time.
inline void remember_input(Record& record) {
  if (record.input_schema != nullptr || record.row().empty()) return;
  record.input = record.row();
  record.input_schema = record.schema;
}

// How a row of one schema becomes a row of another.
struct RowPlan {
  struct Column {
    std::uint32_t from = Schema::kAbsent;  // slot in the old row; absent: the new column is unchanged
    const EditNode* edit = nullptr;        // null: copied as it is
  };
  SchemaRef schema;  // of the new row; null: the record stays as it is
  std::vector<Column> after, before;
  std::vector<Column> key;  // `from` indexes the old key
  bool key_stays = true;
  std::vector<std::uint32_t> missing;  // paths that name a column which the schema does not have
  std::vector<std::uint32_t> inner;    // paths whose match depends on the values
  std::optional<Error> conflict;       // why no record of this schema can be rewritten
};

// Which images a record has.
enum class Shape : std::uint8_t { kAfterOnly, kBeforeOnly, kBoth };

RowPlan make_row_plan(const EditTree& tree, Images images, Shape shape, const Schema& input, SchemaPool& schemas);

// A whole step made of an EditTree: one plan per schema, rejects what cannot be edited, counts paths that matched nothing.
class RowEditTransform final : public Transform {
 public:
  RowEditTransform(EditTree tree, Images images, const BuildContext& context);

  Status apply(Batch& batch, Rejects& rejects, std::stop_token stop) override;

 private:
  Status rewrite(Batch& batch, Record& record);
  Result<std::span<const Value>> rewrite_row(const std::vector<RowPlan::Column>& columns, std::span<const Value> row, Arena& arena,
                                             Matched& matched) const;
  void count_misses(const RowPlan& plan);

  EditTree tree_;
  Images images_;
  SchemaPool& schemas_;
  PlanCache<RowPlan> plans_;
  Matched matched_, ignored_;  // by path; `ignored_` for images whose matches do not count
  std::vector<Counter*> miss_counters_;
  std::vector<std::uint64_t> misses_;  // of the running batch, by path
};

}  // namespace sluice::transforms
