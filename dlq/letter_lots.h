#pragma once
// The rows of `lots`, in memory: where letters come from, and how far each of these partitions is settled.  Belongs to the store, under its
// lock.

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "core/position.h"
#include "core/result.h"

namespace sluice::storage {
class SqliteDatabase;
}

namespace sluice::dlq {

struct LotName {
  std::string pipeline, stage, source, partition;
  auto operator<=>(const LotName&) const = default;
};

struct Lot {
  std::int64_t id = 0;
  std::optional<Ordinal> settled;  // letters at or below it are open
  std::optional<Ordinal> next;     // of the first letter above it; none: there is nothing to settle
};

class LetterLots {
 public:
  Status load(storage::SqliteDatabase& database);
  // Of the database's transaction; a new one is lost with it, so reload after a rollback.
  Result<Lot*> find_or_make(storage::SqliteDatabase& database, const LotName& name);
  // Looks for `next` anew.
  static Status find_next(storage::SqliteDatabase& database, Lot& lot);

  std::map<LotName, Lot>& all() { return lots_; }

 private:
  std::map<LotName, Lot> lots_;
};

}  // namespace sluice::dlq
