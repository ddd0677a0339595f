#include "dlq/replay_log.h"

#include "dlq/store_schema.h"
#include "storage/sqlite_database.h"

namespace sluice::dlq {

Result<std::string> replay_checkpoint_key(storage::SqliteDatabase& database) {
  auto statement = SLUICE_TRY(database.prepare("SELECT value FROM store_state WHERE name = 'id'"));
  const bool found = SLUICE_TRY(statement.step());
  if (!found) return Error(ErrorKind::kFatal, "database_corrupt", "the dead-letter store has no identity");
  return sluice::checkpoint_key(kReplaySource, statement.column_text(0));
}

ReplayLog::ReplayLog(std::unique_ptr<storage::SqliteDatabase> database) : database_(std::move(database)) {}
ReplayLog::~ReplayLog() = default;

Result<std::unique_ptr<ReplayLog>> ReplayLog::open(const std::string& path) {
  FaultPoints none;
  std::unique_ptr<ReplayLog> log(new ReplayLog(SLUICE_TRY(open_store(path, none))));
  log->checkpoint_key_ = SLUICE_TRY(replay_checkpoint_key(*log->database_));
  return log;
}

Result<std::vector<ReplayEntry>> ReplayLog::next(std::uint64_t after, std::size_t limit, std::size_t bytes) {
  auto statement =
      SLUICE_TRY(database_->prepare("SELECT sequence, letter, from_start, allow_stale, sinks FROM replays WHERE sequence > ?1 AND outcome "
                                    "<> 3 ORDER BY sequence LIMIT ?2"));
  statement.bind_int64(1, static_cast<std::int64_t>(after));
  statement.bind_int64(2, static_cast<std::int64_t>(limit));
  std::vector<ReplayEntry> entries;
  std::size_t held = 0;
  while (held < bytes) {
    const bool row = SLUICE_TRY(statement.step());
    if (!row) break;
    auto letters = SLUICE_TRY(read_letters(*database_, {statement.column_int64(1)}, true));
    if (letters.empty()) continue;  // retention took it, which it does with letters that are decided only
    ReplayEntry entry{static_cast<std::uint64_t>(statement.column_int64(0)), statement.column_int64(2) != 0, statement.column_int64(3) != 0,
                      std::move(letters.front())};
    entry.letter.sinks.reset();  // what is known of it meanwhile says nothing of whom this replay is for
    if (!statement.column_is_null(4)) entry.letter.sinks = statement.column_text(4);
    held += entry.letter.raw.value_or("").size() + entry.letter.image.value_or("").size();
    entries.push_back(std::move(entry));
  }
  return entries;
}

Result<std::uint64_t> ReplayLog::last() {
  return static_cast<std::uint64_t>(SLUICE_TRY(database_->query_int64("SELECT max(sequence) FROM replays")).value_or(0));
}

Result<std::vector<LetterKeys::Known>> ReplayLog::known_keys(std::size_t limit) { return LetterKeys::load(*database_, limit); }

Status ReplayLog::put_back(const ReplayEntry& entry, const std::string& reason) {
  SLUICE_TRY(database_->begin({}));
  auto letter = SLUICE_TRY(database_->prepare("UPDATE dead_letters SET state = 0, note = ?2 WHERE id = ?1 AND state = 1"));
  letter.bind_int64(1, entry.letter.id);
  letter.bind_text(2, reason);
  SLUICE_TRY(letter.run());
  auto replay = SLUICE_TRY(database_->prepare("UPDATE replays SET outcome = 3 WHERE sequence = ?1"));
  replay.bind_int64(1, static_cast<std::int64_t>(entry.sequence));
  SLUICE_TRY(replay.run());
  return database_->commit();
}

}  // namespace sluice::dlq
