#include "sources/postgres_cdc/source_lag.h"

#include <algorithm>

namespace sluice::sources::postgres {

// Before anything is known the source counts as level with the server when it was made: a server that cannot be reached shows as a lag
// that grows from there.
SourceLag::SourceLag(Gauge& gauge, const Clock& clock)
    : gauge_(gauge), clock_(clock), level_(clock.utc_microseconds()), last_read_(clock.now()) {}

void SourceLag::read_done(Reached reached, std::int64_t commit_time) {
  const std::lock_guard lock(mutex_);
  last_read_ = clock_.now();
  caught_up_ = reached == Reached::kEndOfLog;
  if (commit_time != 0) level_ = commit_time - offset_;
  if (caught_up_ && !held_back_) level_ = clock_.utc_microseconds();
  write();
}

void SourceLag::refresh() {
  const std::lock_guard lock(mutex_);
  write();
}

void SourceLag::write() {
  const bool level = caught_up_ && !held_back_ && clock_.now() - last_read_ < kStale;
  const std::int64_t behind = level ? 0 : std::max<std::int64_t>(0, clock_.utc_microseconds() - level_);
  gauge_.set(static_cast<double>(behind) * 1e-6);
}

}  // namespace sluice::sources::postgres
