#pragma once
// What becomes of letters when the lanes move on (G20).  Under the store's lock.

#include <cstdint>
#include <span>
#include <string>

#include "core/dead_letter_queue.h"
#include "core/fault_points.h"
#include "dlq/letter_lots.h"

namespace sluice::dlq {

class LetterSettling {
 public:
  LetterSettling(storage::SqliteDatabase& database, LetterLots& lots, FaultPoints& faults)
      : database_(database), lots_(lots), faults_(faults) {}

  // Reads what the store knows.
  Status load();
  const std::string& replay_key() const { return replay_key_; }

  // Waiting letters at or below `minimum` are open from now on; letters whose replay every lane has committed are replayed.  One
  // transaction, and none when nothing has passed.  True: letters may have got another state than open.  `now`: microseconds since 1970
  // UTC.
  Result<bool> settle(const Checkpoint& minimum, std::int64_t now);

  Status begin_run(std::span<const LaneStart> lanes);

 private:
  Status settle_lot(Lot& lot, const Ordinal& done, std::int64_t now);
  Status settle_replays(std::uint64_t through, std::int64_t now);
  Status await_lot(const LotName& name, const Lot& lot, std::span<const LaneStart> lanes);
  Status await_refused_again(std::span<const LaneStart> lanes);
  std::uint64_t replayed_through(const Checkpoint& minimum) const;

  storage::SqliteDatabase& database_;
  LetterLots& lots_;
  FaultPoints& faults_;
  std::string replay_key_;
  std::uint64_t replays_settled_ = 0;
  bool awaited_ = false;  // letters whose records are given again may be there
};

// ["a","b"]
std::string sink_list(std::span<const std::string> sinks);
// The names in such a list; they are users' names of a-z, 0-9, _ and -.
std::vector<std::string> read_sink_list(std::string_view json);

}  // namespace sluice::dlq
