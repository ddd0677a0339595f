#pragma once
// A sink in the place of a real one: shows what would come out, and sends nothing.

#include <mutex>
#include <string>
#include <vector>

#include "core/sink.h"

namespace sluice::daemon {

// What came out of all sinks.  Thread-safe: each lane has a thread.
class DryRunOutput {
 public:
  struct Row {
    std::int64_t letter = 0;
    std::string sink;
    std::string record;  // as a dead letter shows it
    auto operator<=>(const Row&) const = default;
  };

  void add(Row row) {
    const std::lock_guard lock(mutex_);
    rows_.push_back(std::move(row));
  }
  // By letter and sink; after the lanes have ended.
  std::vector<Row> take();

 private:
  std::mutex mutex_;
  std::vector<Row> rows_;
};

// `output` outlives it.
std::unique_ptr<Sink> make_dry_run_sink(std::string name, DryRunOutput& output);

}  // namespace sluice::daemon
