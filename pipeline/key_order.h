#pragma once
// The order rule of a replay (G20): a sink that keeps one row of each key refuses a replayed letter when it has written a newer row of that
// key since the letter came, or when nobody can tell.
//
// Letters that wait are watched by the row that they would become; every record that a lane writes is compared with them.  Nothing is
// compared while no letter waits.  At most kMaxWatched letters are watched; the order of any more is unknown.
// Thread-safe: shards and lanes call it.

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/batch.h"
#include "core/sink.h"
#include "dlq/letter_keys.h"
#include "pipeline/definition.h"

namespace sluice::pipeline {

class KeyOrder {
 public:
  static constexpr std::size_t kMaxWatched = 100'000;

  explicit KeyOrder(const Definition& definition);

  // While the pipeline is built.  `sink` lives as long as the lane's thread; `keys` as long as the dead letters.
  void add_lane(std::size_t lane, Sink& sink);
  void start(dlq::LetterKeys& keys, const std::vector<dlq::LetterKeys::Known>& known);

  // Stage `stage` has refused the record: from now on newer rows of its key are noticed.
  void refused(std::string_view stage, const Batch& batch, const Record& record);
  // The lane is about to write these.
  void written(std::size_t lane, const Batch& batch, std::span<const std::uint32_t> selected);
  // Of a replayed record: whether the lane is sure to have no newer row of its key.
  bool is_newest(std::size_t lane, const Batch& batch, const Record& record);

 private:
  struct Watched {
    dlq::LetterName name;
    std::uint64_t hash = 0;
    bool stale = false;
  };
  struct LaneWatch {
    Sink* sink = nullptr;  // null: it does not replace rows
    std::string name;
    std::vector<std::string> stages;
    std::map<dlq::LetterName, Watched> letters;
    std::unordered_multimap<std::uint64_t, Watched*> by_hash;
    std::atomic<bool> watching{false};
  };

  void overtake(LaneWatch& lane, const Batch& batch, const Record& record);
  void watch(LaneWatch& lane, const dlq::LetterName& name, std::uint64_t hash, bool stale);

  std::mutex mutex_;
  std::vector<LaneWatch> lanes_;
  std::atomic<bool> any_{false};  // some lane replaces rows
  dlq::LetterKeys* keys_ = nullptr;
};

}  // namespace sluice::pipeline
