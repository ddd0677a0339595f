#pragma once
// What an operator sees of a running snapshot: rows, the share that is done, and how long it may still take.  One thread.

#include <chrono>
#include <cstdint>
#include <string>

#include "core/build_context.h"

namespace sluice::sources::postgres {

class SnapshotProgress {
 public:
  explicit SnapshotProgress(const BuildContext& context);

  // `estimated_rows`: the planner's, of the tables that are still to be read.
  void begin(double estimated_rows, std::size_t tables);
  // Tables that joined while it runs.
  void join(double estimated_rows) { estimated_ += estimated_rows; }
  void row() { ++unreported_; }
  // After every read(): moves the series and, every 10 s, says it in the log.
  void report(const std::string& table, std::size_t tables_left);
  void end();
  void nothing_to_do() { ratio_.set(1); }

 private:
  Counter& rows_total_;
  Gauge& ratio_;
  Logger& log_;
  double estimated_ = 0;
  double rows_ = 0;
  std::uint64_t unreported_ = 0;
  std::chrono::steady_clock::time_point began_, said_;
};

}  // namespace sluice::sources::postgres
