#pragma once
// Reading a dead-letter store, also while no daemon runs: for the command line, the API and metrics.  Any thread; opens the file itself.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/position.h"
#include "core/result.h"

namespace sluice::storage {
class SqliteDatabase;
}

namespace sluice::dlq {

// Version of the file's tables (PRAGMA user_version).
inline constexpr int kStoreVersion = 2;

struct StoredLetter {
  std::int64_t id = 0;  // durable sequence: the order in which letters were first stored
  std::string pipeline, stage, phase, component, code, message, source, partition;
  Ordinal ordinal;
  std::uint32_t sub = 0;
  std::string key;              // JSON object; empty: none
  std::int64_t first_seen = 0;  // microseconds since 1970 UTC
  std::int64_t last_seen = 0;
  std::int64_t attempts = 0;
  std::string state;  // pending | open | replaying | replayed | discarded
  std::string config_hash;
  // With LetterFilter::content only.
  std::optional<std::string> raw;     // the original bytes
  std::optional<std::string> input;   // the source's row, JSON object
  std::optional<std::string> record;  // the record at the failing stage, JSON object: op, before, after, key, unchanged, ...
};

struct LetterFilter {
  std::optional<std::string> stage = {}, code = {}, state = {};
  std::optional<std::int64_t> id = {};
  std::optional<std::int64_t> since = {}, until = {};  // of last_seen, microseconds since 1970 UTC; since <= x < until
  std::size_t limit = 100;                             // the oldest come first
  bool content = false;
};

// No file: no letters.  kFatal newer_state, database_corrupt; kTransient when it cannot be read now.
Result<std::vector<StoredLetter>> list_letters(const std::string& path, const LetterFilter& filter);

// One object without a line feed, as `dlq list --json` shows it (`dlq show` where the content was asked for).
void append_letter_json(const StoredLetter& letter, std::string& out);

struct LetterCounts {
  std::uint64_t stored = 0;                 // pending and open: what waits for a decision
  std::optional<std::int64_t> oldest = {};  // first_seen of the oldest of them
};
Result<LetterCounts> count_letters(storage::SqliteDatabase& database);

}  // namespace sluice::dlq
