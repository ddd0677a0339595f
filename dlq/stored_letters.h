#pragma once
// Reading a dead-letter store, also while a daemon writes it: for the command line, the API and metrics.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/position.h"
#include "core/result.h"

namespace sluice::storage {
class SqliteDatabase;
class SqliteStatement;
}  // namespace sluice::storage

namespace sluice::dlq {

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
  std::optional<std::string> image;   // the same without loss (letter_image.h); not shown
  std::optional<std::string> sinks;   // JSON list: the sinks that lack the record; none: all behind the stage
  std::optional<std::string> note;    // why the last replay could not take it
};

struct LetterFilter {
  std::optional<std::string> stage = {}, code = {}, state = {};
  std::optional<std::int64_t> id = {}, after = {};     // after: only ids above it, to go on with a list
  std::optional<std::int64_t> since = {}, until = {};  // of last_seen, microseconds since 1970 UTC; since <= x < until
  std::size_t limit = 100;                             // the oldest come first
  bool content = false;
};

// The condition of a filter in SQL, over `dead_letters d JOIN lots l ON l.id = d.lot`.
class LetterCondition {
 public:
  explicit LetterCondition(const LetterFilter& filter);
  const std::string& sql() const { return sql_; }  // never empty; parameters ?1 ..
  int parameters() const { return static_cast<int>(values_.size()); }
  void bind(storage::SqliteStatement& statement) const;

 private:
  struct Value {
    std::optional<std::string> text;
    std::int64_t number = 0;
  };
  std::string place(Value value);

  std::string sql_ = "1";
  std::vector<Value> values_;
};

// False: nobody has stored a letter there yet.
bool store_exists(const std::string& path);

Result<std::vector<std::int64_t>> find_letters(storage::SqliteDatabase& database, const LetterFilter& filter);
// In the order of `ids`; those that are gone are left out.
Result<std::vector<StoredLetter>> read_letters(storage::SqliteDatabase& database, const std::vector<std::int64_t>& ids, bool content);

// No file: no letters.  An older version is migrated first.  kFatal newer_state, database_corrupt; kTransient when it cannot be read now.
Result<std::vector<StoredLetter>> list_letters(const std::string& path, const LetterFilter& filter);

enum class LetterGroup : std::uint8_t { kStage, kCode, kStageAndCode };

struct LetterTotal {
  std::string stage, code;  // empty: not grouped by it
  std::uint64_t count = 0, pending = 0, open = 0, replaying = 0, replayed = 0, discarded = 0;
  std::int64_t first_seen = 0, last_seen = 0;  // of the oldest and the newest
};
// Most letters first.  The filter's limit is that of letters and does not count here.
Result<std::vector<LetterTotal>> total_letters(storage::SqliteDatabase& database, const LetterFilter& filter, LetterGroup by);

struct LetterCounts {
  std::uint64_t stored = 0;                 // pending and open: what waits for a decision
  std::optional<std::int64_t> oldest = {};  // first_seen of the oldest of them
};
Result<LetterCounts> count_letters(storage::SqliteDatabase& database);

}  // namespace sluice::dlq
