#include "pipeline/books.h"

namespace sluice::pipeline {

Books::Books(const std::vector<std::string>& sinks) {
  for (const std::string& sink : sinks) tallies_.push_back({{sink}, 0, 0, 0});
}

std::vector<LaneBooks> Books::snapshot() const {
  const std::lock_guard lock(mutex_);
  std::vector<LaneBooks> result;
  for (const LaneTally& tally : tallies_) {
    result.push_back(tally.books);
    result.back().in_flight = tally.in_shard + tally.in_queue + tally.in_lane;
  }
  return result;
}

}  // namespace sluice::pipeline
