#include "pipeline/key_order.h"

#include <algorithm>

#include "pipeline/replay_route.h"

namespace sluice::pipeline {

namespace {

// FNV-1a, 64 bits.  Two keys of one hash are one key to us: then a letter is refused that need not be.
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 1099511628211ULL;
  }
  return hash;
}

dlq::LetterName name_of(const Batch& batch, const Record& record) {
  return {batch.source(), batch.partitions()[record.partition], batch.log_ordinal(record), record.sub};
}

}  // namespace

KeyOrder::KeyOrder(const Definition& definition) : lanes_(definition.sinks.size()) {
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    lanes_[i].name = definition.sinks[i].name;
    lanes_[i].stages = stages_before(definition, i);
  }
}

void KeyOrder::add_lane(std::size_t lane, Sink& sink) {
  if (!sink.replaces_rows()) return;
  lanes_[lane].sink = &sink;
  any_ = true;
}

void KeyOrder::start(dlq::LetterKeys& keys, const std::vector<dlq::LetterKeys::Known>& known) {
  const std::lock_guard lock(mutex_);
  keys_ = &keys;
  for (const dlq::LetterKeys::Known& letter : known) {
    for (const dlq::LetterKey& key : letter.keys) {
      const bool stale = std::find(letter.stale_for.begin(), letter.stale_for.end(), key.sink) != letter.stale_for.end();
      for (LaneWatch& lane : lanes_) {
        if (lane.sink != nullptr && lane.name == key.sink) watch(lane, letter.name, key.hash, stale);
      }
    }
  }
}

void KeyOrder::watch(LaneWatch& lane, const dlq::LetterName& name, std::uint64_t hash, bool stale) {
  const auto found = lane.letters.find(name);
  if (found == lane.letters.end() && lane.letters.size() >= kMaxWatched) return;
  Watched& letter = lane.letters[name];
  if (found != lane.letters.end() && letter.hash == hash) return;
  letter = {name, hash, letter.stale || stale};
  lane.by_hash.emplace(hash, &letter);
  lane.watching = true;
}

void KeyOrder::refused(std::string_view stage, const Batch& batch, const Record& record) {
  if (!any_ || keys_ == nullptr) return;
  std::vector<dlq::LetterKey> keys;
  const dlq::LetterName name = name_of(batch, record);
  const std::lock_guard lock(mutex_);
  for (LaneWatch& lane : lanes_) {
    if (lane.sink == nullptr || std::find(lane.stages.begin(), lane.stages.end(), stage) == lane.stages.end()) continue;
    std::string key;
    if (!lane.sink->row_key(batch, record, key)) continue;
    keys.push_back({lane.name, hash_of(key)});
    watch(lane, name, keys.back().hash, false);
  }
  if (!keys.empty()) keys_->note(name, std::move(keys));
}

void KeyOrder::written(std::size_t index, const Batch& batch, std::span<const std::uint32_t> selected) {
  LaneWatch& lane = lanes_[index];
  if (!lane.watching) return;
  const std::lock_guard lock(mutex_);
  for (const std::uint32_t i : selected) {
    const Record& record = batch.records()[i];
    overtake(lane, batch, record);
    if (record.op != Op::kUpdate || record.before.empty()) continue;
    Record old = record;  // a change of key takes the old row away
    old.op = Op::kDelete;
    old.after = {};
    overtake(lane, batch, old);
  }
}

// Letters of the record's key that it is newer than.
void KeyOrder::overtake(LaneWatch& lane, const Batch& batch, const Record& record) {
  std::string key;
  if (!lane.sink->row_key(batch, record, key)) return;
  const auto [begin, end] = lane.by_hash.equal_range(hash_of(key));
  for (auto it = begin; it != end; ++it) {
    Watched& letter = *it->second;
    const bool same_log = letter.name.source == batch.source() && letter.name.partition == batch.partitions()[record.partition];
    if (letter.stale || letter.hash != it->first || (same_log && batch.log_ordinal(record) <= letter.name.ordinal)) continue;
    letter.stale = true;
    keys_->mark_stale(letter.name, lane.name);
  }
}

bool KeyOrder::is_newest(std::size_t index, const Batch& batch, const Record& record) {
  LaneWatch& lane = lanes_[index];
  if (lane.sink == nullptr) return true;
  std::string key;
  if (!lane.sink->row_key(batch, record, key)) return false;
  const std::lock_guard lock(mutex_);
  const auto found = lane.letters.find(name_of(batch, record));
  return found != lane.letters.end() && found->second.hash == hash_of(key) && !found->second.stale;
}

}  // namespace sluice::pipeline
