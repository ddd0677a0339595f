#pragma once
// What operators do with a pipeline's dead letters, whether its daemon runs or not: list, count, show, replay, discard.
//
// Works on the store's file over connections of its own, so it needs no running pipeline; a pipeline that runs is woken to replay at once,
// one that does not replays with its next start (or `sluice dlq replay --data-dir`, which starts it for that).
// Any thread; calls may run side by side.  Errors: kFatal newer_state, database_corrupt; kTransient when the store is busy or unwell.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/result.h"
#include "dlq/stored_letters.h"

namespace sluice::storage {
class SqliteDatabase;
}

namespace sluice::dlq {

struct ReplayRequest {
  LetterFilter filter = {};  // limit as given; all: std::numeric_limits<std::size_t>::max()
  bool from_start = false;   // enter at the first step, not at the failing stage
  bool allow_stale = false;  // may overwrite a newer row of the same key
};

// What became of a request to replay.
struct ReplayTicket {
  std::uint64_t accepted = 0;        // now replaying
  std::uint64_t not_yet = 0;         // pending: some sink has not passed them (G20)
  std::uint64_t not_open = 0;        // replaying, replayed or discarded already
  std::int64_t first = 0, last = 0;  // sequence numbers of those accepted; 0: none
};

struct ReplayProgress {
  std::uint64_t waiting = 0;        // not in every sink yet
  std::uint64_t replayed = 0;       // of the ticket: delivered
  std::uint64_t refused_again = 0;  // of the ticket: open again, with one more attempt
  std::uint64_t put_back = 0;       // of the ticket: open as before, because they cannot be replayed (their `note` says why)
};

struct DiscardResult {
  std::uint64_t discarded = 0;
  std::uint64_t not_open = 0;  // replaying, replayed or discarded already
};

class DeadLetterService {
 public:
  // `wake` is called after a request to replay was stored; it must not block.
  DeadLetterService(std::string path, std::function<void()> wake = {});

  Result<std::vector<StoredLetter>> list(const LetterFilter& filter) const;
  Result<std::vector<LetterTotal>> totals(const LetterFilter& filter, LetterGroup by) const;
  // With its content; empty: there is no such letter.
  Result<std::vector<StoredLetter>> show(std::int64_t id) const;

  // Of the letters that the filter finds, those that are open become `replaying`, durably, in the order of their ids.
  Result<ReplayTicket> replay(const ReplayRequest& request);
  Result<ReplayProgress> progress(const ReplayTicket& ticket) const;
  // Of the letters that the filter finds, those that are open or pending become `discarded`; they stay until retention takes them.
  Result<DiscardResult> discard(const LetterFilter& filter);

 private:
  Result<std::unique_ptr<storage::SqliteDatabase>> open() const;

  const std::string path_;
  const std::function<void()> wake_;
};

}  // namespace sluice::dlq
