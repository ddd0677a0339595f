#pragma once
// How long letters are kept once they are replayed or discarded, and how large a store may grow.  Under the store's lock.

#include <chrono>
#include <cstdint>

#include "core/fault_points.h"
#include "core/result.h"

namespace sluice::storage {
class SqliteDatabase;
}

namespace sluice::dlq {

struct RetentionPolicy {
  std::chrono::milliseconds keep{std::chrono::hours(24 * 30)};  // of letters replayed or discarded
  std::uint64_t keep_bytes = 10ULL << 30U;                      // of the whole store; those decided upon go first
};

// Letters that one step deletes: it runs between commits, which must not wait for long.
inline constexpr int kRetentionStep = 1000;

// Deletes at most kRetentionStep letters that were decided before now - keep, or any decided ones while the store is too large; the oldest
// decisions first.  Returns how many.  Letters that wait for a decision are never touched.
Result<std::int64_t> retain_letters(storage::SqliteDatabase& database, const RetentionPolicy& policy, std::int64_t now,
                                    FaultPoints& faults);

// Makes room, then: kFatal dead_letters_full when letters that wait for a decision fill the store alone.
Status ensure_room(storage::SqliteDatabase& database, const RetentionPolicy& policy, std::int64_t now, FaultPoints& faults);

}  // namespace sluice::dlq
