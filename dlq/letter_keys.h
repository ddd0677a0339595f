#pragma once
// Which row of a sink each waiting letter would become, and whether a newer one has been written since: what the order rule of a replay
// needs (G20).  Noted in memory, written by the store with its next flush, so that it is durable before the commit that it belongs to.
// Thread-safe, but write() and written(), which are the store's.

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "core/position.h"
#include "core/result.h"

namespace sluice::storage {
class SqliteDatabase;
}

namespace sluice::dlq {

// A record's name in the log of its source, whatever stage refused it.
struct LetterName {
  std::string source, partition;
  Ordinal ordinal;
  std::uint32_t sub = 0;
  auto operator<=>(const LetterName&) const = default;
};

struct LetterKey {
  std::string sink;
  std::uint64_t hash = 0;  // of what Sink::row_key() says
};

class LetterKeys {
 public:
  void note(LetterName name, std::vector<LetterKey> keys);
  void mark_stale(LetterName name, std::string sink);
  std::size_t size() const;

  // The oldest `count` into the store's open transaction, whose letters are there; after its commit, written() forgets them.
  Status write(storage::SqliteDatabase& database, std::size_t count);
  void written();

  struct Known {
    LetterName name;
    std::vector<LetterKey> keys;
    std::vector<std::string> stale_for;
  };
  // Of the letters that wait or are on their way; at most `limit`, the newest.
  static Result<std::vector<Known>> load(storage::SqliteDatabase& database, std::size_t limit);

 private:
  struct Change {
    LetterName name;
    std::vector<LetterKey> keys;
    std::string stale_for;  // empty: `keys` are new
  };

  mutable std::mutex mutex_;
  std::vector<Change> changes_;
  std::size_t in_transaction_ = 0;
};

}  // namespace sluice::dlq
