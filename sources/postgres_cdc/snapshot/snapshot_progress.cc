#include "sources/postgres_cdc/snapshot/snapshot_progress.h"

#include <algorithm>

namespace sluice::sources::postgres {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kSayEvery{10};
// Estimates are often too low; only the end of the last table is the end.
constexpr double kAlmost = 0.99;

Labels labels_of(const BuildContext& context) {
  return {{"pipeline", context.pipeline}, {"component_kind", "source"}, {"component", context.component}};
}

}  // namespace

SnapshotProgress::SnapshotProgress(const BuildContext& context)
    : rows_total_(context.metrics.counter("sluice_snapshot_rows_total", "Rows read by snapshots.", labels_of(context))),
      ratio_(context.metrics.gauge("sluice_snapshot_progress_ratio",
                                   "Share of the snapshot that is done, by the server's estimate of rows; 1 when there is nothing to do.",
                                   labels_of(context))),
      log_(context.log) {}

void SnapshotProgress::begin(double estimated_rows, std::size_t tables) {
  estimated_ = estimated_rows;
  rows_ = 0;
  began_ = said_ = Clock::now();
  ratio_.set(0);
  log_.info("the snapshot begins",
            {{"tables", std::to_string(tables)}, {"estimated_rows", std::to_string(static_cast<std::int64_t>(estimated_rows))}});
}

void SnapshotProgress::report(const std::string& table, std::size_t tables_left) {
  if (unreported_ != 0) rows_total_.add(static_cast<double>(unreported_));
  rows_ += static_cast<double>(unreported_);
  unreported_ = 0;
  const double share = estimated_ <= 0 ? 0 : std::min(kAlmost, rows_ / estimated_);
  ratio_.set(share);
  const auto now = Clock::now();
  if (now - said_ < kSayEvery) return;
  said_ = now;
  const double seconds = std::chrono::duration<double>(now - began_).count();
  const std::string left = share > 0 ? std::to_string(static_cast<std::int64_t>(seconds / share - seconds)) : "unknown";
  log_.info("the snapshot goes on", {{"table", table},
                                     {"tables_left", std::to_string(tables_left)},
                                     {"rows", std::to_string(static_cast<std::int64_t>(rows_))},
                                     {"percent", std::to_string(static_cast<int>(share * 100))},
                                     {"seconds_left", left}});
}

void SnapshotProgress::end() {
  if (unreported_ != 0) rows_total_.add(static_cast<double>(unreported_));
  rows_ += static_cast<double>(unreported_);
  unreported_ = 0;
  ratio_.set(1);
  log_.info("the snapshot is complete", {{"rows", std::to_string(static_cast<std::int64_t>(rows_))}});
}

}  // namespace sluice::sources::postgres
