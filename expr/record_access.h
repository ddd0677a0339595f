#pragma once
// Fields of the current record by slot: resolved once per schema.  One thread.

#include <cstdint>
#include <span>
#include <string_view>

#include "core/batch.h"
#include "core/record.h"
#include "expr/compiled.h"
#include "expr/context.h"

namespace sluice::expr {

class RecordAccess {
 public:
  explicit RecordAccess(const Code& code) : code_(code) {}

  // The record that the following calls are about.
  void set(const Batch& batch, const Record& record) {
    batch_ = &batch;
    record_ = &record;
    rows_[0] = record.row();
    rows_[1] = record.before;
    rows_[2] = record.key;
    if (!code_.fields.empty()) find_slots();
  }
  void clear() {
    batch_ = nullptr;
    record_ = nullptr;
    rows_ = {};
    slots_ = nullptr;
  }

  // nullptr: the record has no such field.  Otherwise its value, which may be kUnchanged.
  const Value* find(Root root, std::uint32_t field) const {
    if (slots_ == nullptr) return nullptr;
    const std::span<const Value> row = rows_[static_cast<std::size_t>(root)];
    const std::uint32_t slot = slots_[field];
    return slot < row.size() ? &row[slot] : nullptr;
  }

  // The row as a value; null if the record has none.
  Value whole(Root root, Arena& arena) const;
  // False: this record has no such meta field.
  bool meta(MetaName name, Arena& arena, Value& out);

  // In this mode has() of a column that the log left out is a failure, so that an answer is one for sure (CONFIG.md rule 13).
  bool strict_has = false;

 private:
  void find_slots();
  bool builtin_meta(MetaName name, Arena& arena, Value& out) const;
  Value record_id(Arena& arena) const;

  const Code& code_;
  const Batch* batch_ = nullptr;
  const Record* record_ = nullptr;
  std::array<std::span<const Value>, 3> rows_;
  const std::uint32_t* slots_ = nullptr;
  SlotCache cache_;
  SlotCache meta_cache_;
};

}  // namespace sluice::expr
