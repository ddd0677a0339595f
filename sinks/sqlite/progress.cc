#include "sinks/sqlite/progress.h"

#include <charconv>

namespace sluice::sinks {

namespace {

Result<std::uint64_t> parse_unsigned(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) return value;
  return Error(ErrorKind::kFatal, "database_corrupt", "_sluice_progress holds \"" + std::string(text) + "\" where a position should be");
}

}  // namespace

Status SqliteProgress::create(storage::SqliteDatabase& database) {
  return database.execute(
      "CREATE TABLE IF NOT EXISTS _sluice_progress (pipeline TEXT NOT NULL, sink TEXT NOT NULL, partition TEXT NOT NULL, "
      "major TEXT NOT NULL, minor TEXT NOT NULL, resume BLOB NOT NULL, retired INTEGER NOT NULL, instance TEXT NOT NULL, "
      "PRIMARY KEY (pipeline, sink, partition)) WITHOUT ROWID");
}

Status SqliteProgress::check_instance(storage::SqliteDatabase& database) const {
  auto statement =
      SLUICE_TRY(database.prepare("SELECT 1 FROM _sluice_progress WHERE pipeline = ?1 AND sink = ?2 AND instance <> ?3 LIMIT 1"));
  statement.bind_text(1, pipeline_);
  statement.bind_text(2, sink_);
  statement.bind_text(3, instance_);
  const bool foreign = SLUICE_TRY(statement.step());
  if (!foreign) return {};
  return Error(ErrorKind::kFatal, "other_instance",
               "another installation of sluice with a pipeline \"" + pipeline_ + "\" and a sink \"" + sink_ +
                   "\" writes to this database; two would write every row twice");
}

Result<Checkpoint> SqliteProgress::load(storage::SqliteDatabase& database) const {
  auto statement = SLUICE_TRY(
      database.prepare("SELECT partition, major, minor, resume, retired FROM _sluice_progress WHERE pipeline = ?1 AND sink = ?2"));
  statement.bind_text(1, pipeline_);
  statement.bind_text(2, sink_);
  Checkpoint result;
  while (true) {
    const bool row = SLUICE_TRY(statement.step());
    if (!row) return result;
    Position& position = result[std::string(statement.column_text(0))];
    position.done.major = SLUICE_TRY(parse_unsigned(statement.column_text(1)));
    position.done.minor = SLUICE_TRY(parse_unsigned(statement.column_text(2)));
    position.resume = statement.column_text(3);
    position.retired = statement.column_int64(4) != 0;
  }
}

Status SqliteProgress::store(storage::SqliteDatabase& database, const Checkpoint& before, const Checkpoint& after) const {
  auto upsert =
      SLUICE_TRY(database.prepare("INSERT INTO _sluice_progress VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO UPDATE SET "
                                  "major = ?4, minor = ?5, resume = ?6, retired = ?7, instance = ?8"));
  for (const auto& [key, position] : after) {
    const auto known = before.find(key);
    if (known != before.end() && known->second == position) continue;
    const std::string major = std::to_string(position.done.major);
    const std::string minor = std::to_string(position.done.minor);
    upsert.bind_text(1, pipeline_);
    upsert.bind_text(2, sink_);
    upsert.bind_text(3, key);
    upsert.bind_text(4, major);
    upsert.bind_text(5, minor);
    upsert.bind_blob(6, position.resume);
    upsert.bind_int64(7, position.retired ? 1 : 0);
    upsert.bind_text(8, instance_);
    SLUICE_TRY(upsert.run());
  }
  auto remove = SLUICE_TRY(database.prepare("DELETE FROM _sluice_progress WHERE pipeline = ?1 AND sink = ?2 AND partition = ?3"));
  for (const auto& [key, position] : before) {
    if (after.contains(key)) continue;
    remove.bind_text(1, pipeline_);
    remove.bind_text(2, sink_);
    remove.bind_text(3, key);
    SLUICE_TRY(remove.run());
  }
  return {};
}

}  // namespace sluice::sinks
