#include "sinks/file/part_set.h"

namespace sluice::sinks {

Result<PartFile*> PartSet::find(std::string_view target) {
  const auto found = current_.find(target);
  if (found == current_.end()) return nullptr;
  PartFile* const part = found->second.get();
  const bool wakes = part->resting;
  touch(*part);
  if (wakes) SLUICE_TRY(enforce_limits());
  return part;
}

void PartSet::touch(PartFile& part) {
  if (!active_.empty() && active_.front() == &part) return;
  std::list<PartFile*>& from = part.resting ? resting_ : active_;
  active_.splice(active_.begin(), from, part.use);
  part.resting = false;
}

Result<PartFile*> PartSet::add(std::unique_ptr<PartFile> part) {
  PartFile* added = part.get();
  active_.push_front(added);
  added->use = active_.begin();
  added->resting = false;
  current_.emplace(added->target, std::move(part));
  SLUICE_TRY(enforce_limits());
  return added;
}

void PartSet::add_full(std::unique_ptr<PartFile> part) {
  part->full = true;
  part->release();
  full_.push_back(std::move(part));
}

Status PartSet::enforce_limits() {
  while (active_.size() > kMaxOpenFiles) {
    PartFile& oldest = *active_.back();
    SLUICE_TRY(write_out(oldest));
    oldest.release();
    oldest.resting = true;
    resting_.splice(resting_.begin(), active_, oldest.use);
  }
  if (current_.size() > kMaxParts) return finish(*resting_.back());
  return {};
}

Status PartSet::write_out(PartFile& part) {
  if (part.buffer.empty()) return {};
  scope_.points.reach("file_sink.before_part_write");
  SLUICE_TRY(part.write_out(compressor_));
  scope_.points.reach("file_sink.after_part_write");
  return {};
}

Status PartSet::finish(PartFile& part) {
  SLUICE_TRY(write_out(part));
  const auto found = current_.find(part.target);
  (part.resting ? resting_ : active_).erase(part.use);
  std::unique_ptr<PartFile> owned = std::move(found->second);
  current_.erase(found);
  add_full(std::move(owned));
  return {};
}

std::vector<PartFile*> PartSet::all() const {
  std::vector<PartFile*> result;
  result.reserve(full_.size() + current_.size());
  for (const auto& part : full_) result.push_back(part.get());
  for (const auto& [target, part] : current_) result.push_back(part.get());
  return result;
}

void PartSet::clear() {
  active_.clear();
  resting_.clear();
  current_.clear();
  full_.clear();
}

}  // namespace sluice::sinks
