#include "core/schema.h"

#include <atomic>
#include <functional>

namespace sluice {

namespace {

void mix(std::size_t& hash, std::size_t value) { hash ^= value + 0x9e3779b97f4a7c15ULL + (hash << 6) + (hash >> 2); }

std::size_t hash_of(const SchemaSpec& spec) {
  const std::hash<std::string_view> text;
  std::size_t hash = text(spec.table);
  mix(hash, text(spec.schema));
  mix(hash, text(spec.database));
  for (const Field& field : spec.fields) mix(hash, text(field.name));
  for (const std::uint32_t slot : spec.key) mix(hash, slot);
  return hash;
}

// Process-wide, so that ids stay unique when a pipeline is rebuilt with a new pool.
std::uint64_t next_id() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

}  // namespace

Schema::Schema(std::uint64_t id, SchemaSpec spec) : id_(id), spec_(std::move(spec)) {
  slots_.reserve(spec_.fields.size());
  for (std::uint32_t slot = 0; slot < spec_.fields.size(); ++slot) slots_.emplace(spec_.fields[slot].name, slot);
}

std::uint32_t Schema::find(std::string_view name) const {
  const auto found = slots_.find(name);
  return found == slots_.end() ? kAbsent : found->second;
}

SchemaRef SchemaPool::intern(SchemaSpec spec) {
  const std::size_t hash = hash_of(spec);
  const std::lock_guard lock(mutex_);
  const auto [first, last] = interned_.equal_range(hash);
  for (auto it = first; it != last; ++it) {
    if (it->second->spec() == spec) return it->second;
  }
  auto made = std::make_shared<const Schema>(next_id(), std::move(spec));
  if (interned_.size() < cap_) interned_.emplace(hash, made);
  return made;
}

}  // namespace sluice
