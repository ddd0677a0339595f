#include "dlq/letter_copy.h"

#include <fmt/format.h>

#include "dlq/store_schema.h"
#include "storage/sqlite_database.h"

namespace sluice::dlq {

namespace {

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? "''" : std::string(1, c);
  return result + "'";
}

}  // namespace

Result<std::uint64_t> make_trial_store(const std::string& from, const std::string& to, const TrialRequest& request) {
  FaultPoints none;
  const auto trial = SLUICE_TRY(open_store(to, none));
  if (!store_exists(from)) return std::uint64_t{0};
  auto origin = SLUICE_TRY(storage::SqliteDatabase::open(from, {storage::SqliteDatabase::Access::kReadOnly}));
  const auto version = SLUICE_TRY(origin.query_int64("PRAGMA user_version"));
  if (version.value_or(0) != kStoreVersion) {
    return Error(ErrorKind::kFatal, version.value_or(0) > kStoreVersion ? "newer_state" : "older_state",
                 fmt::format("\"{}\" has version {}, and this sluice reads {}", from, version.value_or(0), kStoreVersion));
  }
  const auto ids = SLUICE_TRY(find_letters(origin, request.filter));
  SLUICE_TRY(trial->execute("ATTACH " + quoted(from) + " AS origin"));
  SLUICE_TRY(trial->begin({}));
  SLUICE_TRY(trial->execute("INSERT INTO main.lots SELECT * FROM origin.lots"));
  auto copy = SLUICE_TRY(trial->prepare("INSERT INTO main.dead_letters SELECT * FROM origin.dead_letters WHERE id = ?1"));
  auto replay =
      SLUICE_TRY(trial->prepare("INSERT INTO main.replays (letter, from_start, allow_stale, outcome, sinks)"
                                " VALUES (?1, ?2, 1, 0, (SELECT sinks FROM main.dead_letters WHERE id = ?1))"));
  for (const std::int64_t id : ids) {
    copy.bind_int64(1, id);
    SLUICE_TRY(copy.run());
    replay.bind_int64(1, id);
    replay.bind_int64(2, request.from_start ? 1 : 0);
    SLUICE_TRY(replay.run());
  }
  SLUICE_TRY(trial->execute("UPDATE main.dead_letters SET state = 1, refused_in = NULL, note = NULL"));
  SLUICE_TRY(trial->commit());
  return static_cast<std::uint64_t>(ids.size());
}

}  // namespace sluice::dlq
