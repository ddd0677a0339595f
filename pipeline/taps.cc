#include "pipeline/taps.h"

#include <algorithm>
#include <numeric>

namespace sluice::pipeline {

void Taps::add(std::string name, TapSide side, std::shared_ptr<TapListener> listener) {
  const std::lock_guard lock(mutex_);
  if (ended_) listener->ended();
  entries_.push_back({std::move(name), side, std::move(listener)});
  listening_ = entries_.size();
}

void Taps::remove(const TapListener* listener) {
  const std::lock_guard lock(mutex_);
  std::erase_if(entries_, [&](const Entry& entry) { return entry.listener.get() == listener; });
  listening_ = entries_.size();
}

void Taps::end() {
  const std::lock_guard lock(mutex_);
  ended_ = true;
  for (const Entry& entry : entries_) entry.listener->ended();
}

std::vector<std::shared_ptr<TapListener>> Taps::at(std::string_view name, TapSide side) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<TapListener>> result;
  for (const Entry& entry : entries_) {
    if (entry.name == name && entry.side == side) result.push_back(entry.listener);
  }
  return result;
}

void Taps::show(std::string_view name, TapSide side, const Batch& batch) const {
  const auto listeners = at(name, side);
  if (listeners.empty() || batch.size() == 0) return;
  std::vector<std::uint32_t> all(batch.size());
  std::iota(all.begin(), all.end(), 0U);
  for (const auto& listener : listeners) listener->see(name, batch, all);
}

void Taps::show(std::string_view name, TapSide side, const Batch& batch, std::span<const std::uint32_t> selected) const {
  if (selected.empty()) return;
  for (const auto& listener : at(name, side)) listener->see(name, batch, selected);
}

}  // namespace sluice::pipeline
