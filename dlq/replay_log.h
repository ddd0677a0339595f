#pragma once
// The letters that are on their way again, as a log: one partition, ordinal = durable sequence (G20).
//
// The partition's name carries the store's identity (G2): positions that sinks keep of another store's replays mean nothing for this one.
// Reads over a connection of its own.  One thread: the one that replays.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/position.h"
#include "core/result.h"
#include "dlq/letter_keys.h"
#include "dlq/stored_letters.h"

namespace sluice::storage {
class SqliteDatabase;
}

namespace sluice::dlq {

// Name of the source that replays; no source of a file may be called so.
inline constexpr std::string_view kReplaySource = "replay";

struct ReplayEntry {
  std::uint64_t sequence = 0;
  bool from_start = false;
  bool allow_stale = false;
  StoredLetter letter;  // with its content
};

class ReplayLog {
 public:
  static Result<std::unique_ptr<ReplayLog>> open(const std::string& path);
  ~ReplayLog();

  // "replay/<store>"
  const std::string& checkpoint_key() const { return checkpoint_key_; }

  // The next of them behind `after`, in order: at most `limit` and about `bytes` of content.  Those put back are left out.
  Result<std::vector<ReplayEntry>> next(std::uint64_t after, std::size_t limit, std::size_t bytes);
  // The newest sequence number; 0: nothing was ever replayed.
  Result<std::uint64_t> last();

  // What the store writes with its next flush, and what it has of earlier runs.  keys(): any thread.
  LetterKeys& keys() { return keys_; }
  Result<std::vector<LetterKeys::Known>> known_keys(std::size_t limit);

  // The letter is open as before, because it cannot be replayed: durably noted with the reason.  Again after a crash is fine.
  Status put_back(const ReplayEntry& entry, const std::string& reason);

 private:
  explicit ReplayLog(std::unique_ptr<storage::SqliteDatabase> database);

  std::unique_ptr<storage::SqliteDatabase> database_;
  std::string checkpoint_key_;
  LetterKeys keys_;
};

Result<std::string> replay_checkpoint_key(storage::SqliteDatabase& database);

}  // namespace sluice::dlq
