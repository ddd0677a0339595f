#include "core/batch.h"

#include <algorithm>
#include <numeric>

namespace sluice {

std::shared_ptr<Batch> Batch::fork(std::shared_ptr<const Batch> parent, std::span<const std::uint32_t> selected) {
  auto copy = std::make_shared<Batch>(parent->origin_, parent->ingest_time_);
  copy->records_.reserve(selected.size());
  for (const std::uint32_t index : selected) copy->records_.push_back(parent->records_[index]);
  copy->partitions_ = parent->partitions_;
  copy->checkpoint_keys_ = parent->checkpoint_keys_;
  copy->through_ = parent->through_;
  copy->counts_.in = selected.size();
  copy->commit_allowed_ = parent->commit_allowed_;
  copy->commit_wanted_ = parent->commit_wanted_;
  if (!selected.empty()) copy->parent_ = std::move(parent);  // an empty one needs none of its memory
  return copy;
}

std::uint16_t Batch::partition(std::string_view name) {
  const auto found = std::find(partitions_.begin(), partitions_.end(), name);
  if (found != partitions_.end()) return static_cast<std::uint16_t>(found - partitions_.begin());
  partitions_.emplace_back(name);
  checkpoint_keys_.push_back(checkpoint_key(source(), name));
  return static_cast<std::uint16_t>(partitions_.size() - 1);
}

const Schema* Batch::keep(const SchemaRef& schema) {
  const bool known =
      (!schemas_.empty() && schemas_.back() == schema) || std::find(schemas_.begin(), schemas_.end(), schema) != schemas_.end();
  if (!known) schemas_.push_back(schema);
  return schema.get();
}

void Batch::activate_all() {
  active_.resize(records_.size());
  std::iota(active_.begin(), active_.end(), 0U);
}

void Batch::remove(std::uint32_t index, Fate fate) {
  if (fates_.empty()) fates_.resize(records_.size(), Fate::kKept);
  if (fates_[index] == Fate::kKept) fates_[index] = fate;
}

void Batch::sweep() {
  if (fates_.empty()) return;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < records_.size(); ++i) {
    switch (fates_[i]) {
      case Fate::kKept: records_[kept++] = records_[i]; break;
      case Fate::kFiltered: ++counts_.filtered; break;
      case Fate::kDeduplicated: ++counts_.deduplicated; break;
      case Fate::kDeadLettered: ++counts_.dead_lettered; break;
    }
  }
  records_.resize(kept);
  fates_.clear();
}

std::size_t Batch::bytes() const {
  const std::size_t own = arena_.capacity() + records_.capacity() * sizeof(Record) + active_.capacity() * sizeof(std::uint32_t);
  return own + (parent_ ? parent_->bytes() : 0);
}

}  // namespace sluice
