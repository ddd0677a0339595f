#include "dlq/letter_retention.h"

#include <fmt/format.h>

#include <limits>

#include "storage/sqlite_database.h"

namespace sluice::dlq {

namespace {

// Steps of one call of ensure_room(); the next call goes on.
constexpr int kRoomSteps = 16;

// What is in use: pages that deleted letters have left are used again.
Result<std::uint64_t> used_bytes(storage::SqliteDatabase& database) {
  const auto pages = SLUICE_TRY(database.query_int64("PRAGMA page_count"));
  const auto unused = SLUICE_TRY(database.query_int64("PRAGMA freelist_count"));
  const auto size = SLUICE_TRY(database.query_int64("PRAGMA page_size"));
  return static_cast<std::uint64_t>((pages.value_or(0) - unused.value_or(0)) * size.value_or(0));
}

}  // namespace

Result<std::int64_t> retain_letters(storage::SqliteDatabase& database, const RetentionPolicy& policy, std::int64_t now,
                                    FaultPoints& faults) {
  const bool too_large = SLUICE_TRY(used_bytes(database)) > policy.keep_bytes;
  const std::int64_t keep = std::chrono::duration_cast<std::chrono::microseconds>(policy.keep).count();
  const std::int64_t before = too_large ? std::numeric_limits<std::int64_t>::max() : now - keep;
  const auto any = SLUICE_TRY(
      database.query_int64(fmt::format("SELECT 1 FROM dead_letters WHERE decided IS NOT NULL AND decided < {} LIMIT 1", before)));
  if (!any) return std::int64_t{0};
  faults.reach("dead_letter_store.before_retention");
  SLUICE_TRY(database.begin({}));
  SLUICE_TRY(database.execute(
      fmt::format("CREATE TEMP TABLE IF NOT EXISTS going (id INTEGER PRIMARY KEY); DELETE FROM going;"
                  "INSERT INTO going SELECT id FROM dead_letters WHERE decided IS NOT NULL AND decided < {} ORDER BY decided LIMIT {};"
                  "DELETE FROM replays WHERE letter IN (SELECT id FROM going) AND outcome <> 0;"
                  "DELETE FROM dead_letters WHERE id IN (SELECT id FROM going)",
                  before, kRetentionStep)));
  const std::int64_t deleted = database.changes();
  SLUICE_TRY(database.commit());
  faults.reach("dead_letter_store.after_retention");
  return deleted;
}

Status ensure_room(storage::SqliteDatabase& database, const RetentionPolicy& policy, std::int64_t now, FaultPoints& faults) {
  for (int step = 0; step < kRoomSteps; ++step) {
    if (SLUICE_TRY(used_bytes(database)) <= policy.keep_bytes) return {};
    const std::int64_t deleted = SLUICE_TRY(retain_letters(database, policy, now, faults));
    if (deleted != 0) continue;
    return Error(ErrorKind::kFatal, "dead_letters_full",
                 fmt::format("the dead letters that wait for a decision fill dead_letters.keep_bytes ({} bytes): replay or discard some "
                             "(sluice dlq), or raise it; nothing is lost, the records come again after a restart",
                             policy.keep_bytes));
  }
  return {};
}

}  // namespace sluice::dlq
