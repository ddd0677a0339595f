#include "dlq/store_schema.h"

#include <fmt/format.h>

#include <array>

#include "storage/sqlite_database.h"

namespace sluice::dlq {

namespace {

// kMigrations[i] makes version i + 1 of a store of version i, in one transaction with the new version number.
constexpr std::array<const char*, kStoreVersion> kMigrations = {
    // AUTOINCREMENT: ids are a durable sequence that is never reused.
    "CREATE TABLE dead_letters ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, pipeline TEXT NOT NULL, stage TEXT NOT NULL, source TEXT NOT NULL, partition TEXT NOT NULL,"
    " major TEXT NOT NULL, minor TEXT NOT NULL, sub INTEGER NOT NULL, phase TEXT NOT NULL, component TEXT NOT NULL, code TEXT NOT NULL,"
    " message TEXT NOT NULL, key TEXT, first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL, attempts INTEGER NOT NULL,"
    " state TEXT NOT NULL, config_hash TEXT NOT NULL, raw BLOB, input TEXT, record TEXT,"
    " UNIQUE (pipeline, stage, source, partition, major, minor, sub));"
    "CREATE INDEX waiting_letters ON dead_letters (source, partition, major, minor) WHERE state = 'pending';",
    "CREATE INDEX undecided_letters ON dead_letters (first_seen) WHERE state IN ('pending', 'open');",
    // Ordinals were 20 digits of text; now they are integers in the same order (to_column), computed here without leaving 64 bits.
    "ALTER TABLE dead_letters RENAME TO old_letters;"
    "CREATE TABLE lots (id INTEGER PRIMARY KEY, pipeline TEXT NOT NULL, stage TEXT NOT NULL, source TEXT NOT NULL,"
    " partition TEXT NOT NULL, settled_major INTEGER, settled_minor INTEGER, UNIQUE (pipeline, stage, source, partition));"
    "CREATE TABLE dead_letters (id INTEGER PRIMARY KEY AUTOINCREMENT, lot INTEGER NOT NULL, major INTEGER NOT NULL,"
    " minor INTEGER NOT NULL, sub INTEGER NOT NULL, state INTEGER NOT NULL, code TEXT NOT NULL, first_seen INTEGER NOT NULL,"
    " last_seen INTEGER NOT NULL, attempts INTEGER NOT NULL,"
    " run INTEGER NOT NULL,"  // of the store that refused it last
    " refused_in INTEGER,"    // replays.sequence, when it was refused by a replay
    " sinks TEXT,"            // JSON list of the sinks that lack the record; null: all behind the stage
    " decided INTEGER,"       // when it became replayed or discarded
    " phase TEXT NOT NULL, component TEXT NOT NULL, message TEXT NOT NULL, config_hash TEXT NOT NULL, key TEXT,"
    " note TEXT,"       // why it could not be replayed
    " row_keys TEXT,"   // JSON {sink: hash}: the row it would become, for sinks that replace rows
    " stale_for TEXT,"  // JSON list of the sinks that have written a newer row of that key
    " raw BLOB, image BLOB, input TEXT, record TEXT);"
    "INSERT INTO lots (pipeline, stage, source, partition) SELECT DISTINCT pipeline, stage, source, partition FROM old_letters;"
    "INSERT INTO dead_letters SELECT o.id, l.id,"
    " CASE WHEN CAST(substr(o.major, 1, 10) AS INTEGER) > 922337203"
    "  THEN (CAST(substr(o.major, 1, 10) AS INTEGER) - 922337204) * 10000000000 + (CAST(substr(o.major, 11) AS INTEGER) + 3145224192)"
    "  ELSE (CAST(substr(o.major, 1, 10) AS INTEGER) - 922337203) * 10000000000 + (CAST(substr(o.major, 11) AS INTEGER) - 6854775808) END,"
    " CASE WHEN CAST(substr(o.minor, 1, 10) AS INTEGER) > 922337203"
    "  THEN (CAST(substr(o.minor, 1, 10) AS INTEGER) - 922337204) * 10000000000 + (CAST(substr(o.minor, 11) AS INTEGER) + 3145224192)"
    "  ELSE (CAST(substr(o.minor, 1, 10) AS INTEGER) - 922337203) * 10000000000 + (CAST(substr(o.minor, 11) AS INTEGER) - 6854775808) END,"
    " o.sub, 0, o.code, o.first_seen, o.last_seen, o.attempts, 0, NULL, NULL, NULL, o.phase, o.component, o.message, o.config_hash, o.key,"
    " NULL, NULL, NULL, o.raw, NULL, o.input, o.record FROM old_letters o JOIN lots l ON l.pipeline = o.pipeline AND l.stage = o.stage"
    "  AND l.source = o.source AND l.partition = o.partition ORDER BY o.id;"
    "CREATE UNIQUE INDEX letter_names ON dead_letters (lot, major, minor, sub);"
    // What was settled is what was open.
    "UPDATE lots SET (settled_major, settled_minor) = (SELECT d.major, d.minor FROM dead_letters d JOIN old_letters o ON o.id = d.id"
    " WHERE d.lot = lots.id AND o.state <> 'pending' ORDER BY d.major DESC, d.minor DESC LIMIT 1);"
    // Covers every filter of a list and the totals, so that neither reads the letters' contents.
    "CREATE INDEX letters_by_state ON dead_letters (state, lot, code, last_seen, major, minor, refused_in, first_seen);"
    "CREATE INDEX decided_letters ON dead_letters (decided) WHERE decided IS NOT NULL;"
    // Letters of earlier runs whose records the source gives again, see SqliteDeadLetterStore::begin_run.
    "CREATE INDEX awaited_letters ON dead_letters (lot, major, minor) WHERE sinks = '[]';"
    "CREATE INDEX keyed_letters ON dead_letters (state) WHERE row_keys IS NOT NULL;"
    "CREATE TABLE replays (sequence INTEGER PRIMARY KEY AUTOINCREMENT, letter INTEGER NOT NULL, from_start INTEGER NOT NULL,"
    " allow_stale INTEGER NOT NULL, outcome INTEGER NOT NULL, sinks TEXT);"  // as the letter had them when it was asked for

    "CREATE INDEX replays_of_letters ON replays (letter);"
    "CREATE TABLE store_state (name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "INSERT INTO store_state VALUES ('id', lower(hex(randomblob(8)))), ('run', 0), ('replays_settled', 0), ('copied', 0);"
    "DROP TABLE old_letters;",
};

Status migrate(storage::SqliteDatabase& database, const std::string& path, FaultPoints& faults) {
  const auto stored_version = [&]() -> Result<std::int64_t> { return SLUICE_TRY(database.query_int64("PRAGMA user_version")).value_or(0); };
  std::int64_t version = SLUICE_TRY(stored_version());
  if (version > kStoreVersion) {
    return Error(ErrorKind::kFatal, "newer_state",
                 fmt::format("\"{}\" has version {}, this sluice reads up to {}: use the newer sluice", path, version, kStoreVersion));
  }
  while (version < kStoreVersion) {
    faults.reach("dead_letter_store.before_migration");
    SLUICE_TRY(database.begin({}));
    const std::int64_t now = SLUICE_TRY(stored_version());
    if (now != version) {  // somebody else was faster
      database.rollback();
      version = now;
      continue;
    }
    SLUICE_TRY(database.execute(kMigrations[static_cast<std::size_t>(version)]));
    SLUICE_TRY(database.execute(fmt::format("PRAGMA user_version = {}", ++version)));
    SLUICE_TRY(database.commit());
    faults.reach("dead_letter_store.after_migration");
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<storage::SqliteDatabase>> open_store(const std::string& path, FaultPoints& faults) {
  storage::SqliteDatabase::Options options;
  options.permissions = 0600;
  auto database = std::make_unique<storage::SqliteDatabase>(SLUICE_TRY(storage::SqliteDatabase::open(path, options)));
  SLUICE_TRY(migrate(*database, path, faults));
  // Pages (of 4 KiB) of the log before they are copied into the file: an index page that many commits change is copied once.
  SLUICE_TRY(database->execute("PRAGMA wal_autocheckpoint = 8000"));
  return database;
}

}  // namespace sluice::dlq
