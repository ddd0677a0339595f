#pragma once
// Where somebody may look at records as they pass.  Looking changes nothing and holds nothing up; while nobody looks it costs one relaxed
// load per place and batch.
//
//   source  before: as read        after: behind its own chain
//   step    before, after
//   sink    before: as they come   after: what its `when` and its own chain leave, as it is written

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/batch.h"

namespace sluice::pipeline {

enum class TapSide : std::uint8_t { kBefore, kAfter };

// Called by the threads of shards and lanes, several at once, while the batch stands still.  Must not block.
class TapListener {
 public:
  virtual ~TapListener() = default;
  virtual void see(std::string_view place, const Batch& batch, std::span<const std::uint32_t> selected) = 0;
  virtual void ended() = 0;  // the pipeline stops; nothing comes any more
};

// Any thread.
class Taps {
 public:
  // Listens at the place called `name` until remove().
  void add(std::string name, TapSide side, std::shared_ptr<TapListener> listener);
  void remove(const TapListener* listener);
  // Tells every listener that the end has come, also those that are added later.
  void end();

  void offer(std::string_view name, TapSide side, const Batch& batch) {
    if (listening_.load(std::memory_order_relaxed) != 0) show(name, side, batch);
  }
  void offer(std::string_view name, TapSide side, const Batch& batch, std::span<const std::uint32_t> selected) {
    if (listening_.load(std::memory_order_relaxed) != 0) show(name, side, batch, selected);
  }

 private:
  struct Entry {
    std::string name;
    TapSide side;
    std::shared_ptr<TapListener> listener;
  };

  void show(std::string_view name, TapSide side, const Batch& batch) const;
  void show(std::string_view name, TapSide side, const Batch& batch, std::span<const std::uint32_t> selected) const;
  std::vector<std::shared_ptr<TapListener>> at(std::string_view name, TapSide side) const;

  std::atomic<std::size_t> listening_{0};
  mutable std::mutex mutex_;
  std::vector<Entry> entries_;
  bool ended_ = false;
};

}  // namespace sluice::pipeline
