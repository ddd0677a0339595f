#include "pipeline/checkpoint_keeper.h"

#include <algorithm>

namespace sluice::pipeline {

namespace {

// The first position of `wanted` that `have` does not reach; retired ones may be gone.
const std::string* first_missing(const Checkpoint& have, const Checkpoint& wanted) {
  for (const auto& [key, position] : wanted) {
    if (position.retired) continue;
    const auto found = have.find(key);
    if (found == have.end() || found->second.done < position.done) return &key;
  }
  return nullptr;
}

Checkpoint minimum_of(const std::vector<Checkpoint>& lanes) {
  if (lanes.empty()) return {};
  Checkpoint result = lanes.front();
  for (std::size_t i = 1; i < lanes.size(); ++i) result = minimum(result, lanes[i]);
  return result;
}

}  // namespace

CheckpointKeeper::CheckpointKeeper(CheckpointStore store, std::vector<std::string> sinks)
    : store_(std::move(store)), sinks_(std::move(sinks)), lanes_(sinks_.size()), born_(sinks_.size()), forgotten_(sinks_.size()) {}

Status CheckpointKeeper::load() {
  const std::lock_guard lock(mutex_);
  stored_ = SLUICE_TRY(store_.load());
  for (std::size_t i = 0; i < sinks_.size(); ++i) {
    const auto found = stored_.lanes.find(sinks_[i]);
    if (found == stored_.lanes.end()) continue;
    lanes_[i] = found->second;
    born_[i] = true;
  }
  return {};
}

Status CheckpointKeeper::open_lane(std::size_t lane, const std::optional<Checkpoint>& from_sink) {
  const std::lock_guard lock(mutex_);
  if (!from_sink) return {};
  // A lane that is being born has the minimum of the others, which its sink does not know before the birth is committed.
  const bool known = stored_.lanes.contains(sinks_[lane]);
  const std::string* missing = first_missing(*from_sink, lanes_[lane]);
  if (known && missing != nullptr) {
    return Error(
        ErrorKind::kFatal, "progress_lost",
        "sink \"" + sinks_[lane] + "\" had committed \"" + *missing + "\" and now knows less of it: it was emptied, restored or replaced");
  }
  // Rows of partitions that were forgotten once are no progress (G4): the sink is told again to delete them.
  for (const auto& [key, position] : *from_sink) {
    const bool leftover = position.retired && known && !lanes_[lane].contains(key);
    if (leftover) {
      forgotten_[lane].push_back(key);
    } else {
      sluice::advance(lanes_[lane], {{key, position}});
    }
  }
  return {};
}

std::vector<std::size_t> CheckpointKeeper::give_birth() {
  const std::lock_guard lock(mutex_);
  std::vector<Checkpoint> others;
  std::vector<std::size_t> newborn;
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    if (born_[i]) {
      others.push_back(lanes_[i]);
    } else {
      newborn.push_back(i);
    }
  }
  const Checkpoint start = minimum_of(others);
  for (const std::size_t i : newborn) {
    sluice::advance(lanes_[i], start);
    born_[i] = true;
  }
  return newborn;
}

Status CheckpointKeeper::save() {
  const std::lock_guard lock(mutex_);
  StoredCheckpoints next{stored_.sequence + 1, {}};
  for (std::size_t i = 0; i < sinks_.size(); ++i) next.lanes.emplace(sinks_[i], lanes_[i]);
  if (auto saved = store_.save(next); !saved) return saved;
  stored_ = std::move(next);
  minimum_ = minimum_of(lanes_);
  ++version_;
  changed_.notify_all();
  return {};
}

Checkpoint CheckpointKeeper::lane(std::size_t lane) const {
  const std::lock_guard lock(mutex_);
  return lanes_[lane];
}

void CheckpointKeeper::forget(const Checkpoint& told) {
  const std::lock_guard lock(mutex_);
  for (const auto& [key, position] : told) {
    const auto found = minimum_.find(key);
    if (!position.retired || found == minimum_.end() || !found->second.retired) continue;
    minimum_.erase(found);
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      lanes_[i].erase(key);
      forgotten_[i].push_back(key);
    }
  }
}

Status CheckpointKeeper::advance(std::size_t lane, const Checkpoint& through) {
  {
    const std::lock_guard lock(mutex_);
    sluice::advance(lanes_[lane], through);
  }
  return save();
}

std::vector<std::string> CheckpointKeeper::take_forgotten(std::size_t lane) {
  const std::lock_guard lock(mutex_);
  return std::exchange(forgotten_[lane], {});
}

Checkpoint CheckpointKeeper::minimum() const {
  const std::lock_guard lock(mutex_);
  return minimum_;
}

std::uint64_t CheckpointKeeper::wait_newer(std::uint64_t seen, std::stop_token stop) const {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, stop, std::chrono::milliseconds(200), [&] { return version_ > seen; });
  return version_;
}

std::uint64_t CheckpointKeeper::version() const {
  const std::lock_guard lock(mutex_);
  return version_;
}

}  // namespace sluice::pipeline
