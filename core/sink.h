#pragma once
// Where records go.

#include <optional>
#include <span>
#include <stop_token>
#include <string>

#include "core/batch.h"
#include "core/position.h"
#include "core/result.h"

namespace sluice {

struct CommitRequest {
  const Checkpoint& through;  // the positions that moved since the last commit; merge them into what is stored
  // Checkpoint keys whose stored position is to be deleted (G4).  Before `through` is merged: the name may have been given anew.
  std::span<const std::string> forgotten = {};
};

// Writes batches to one destination.  Owned and called by exactly one lane thread.
//
//   open -> (write* flush commit)* -> close;   after an error of kind transient or commit_unknown the lane calls open() again
class Sink {
 public:
  virtual ~Sink() = default;

  // Connects, rolls back what an earlier run left open, and tells how far it got.  Called first, after every transient failure and
  // after kCommitUnknown.  nullopt: "I keep no positions, use the local store".  Empty: "I keep them; none yet".
  virtual Result<std::optional<Checkpoint>> open(std::stop_token stop) = 0;

  // Takes the records `batch.selected`; they need not be durable yet.  A record it cannot take goes to `rejects` and the rest is
  // written.  Keep a copy of the BatchView's shared_ptr if its memory is needed after the call.
  virtual Status write(const BatchView& batch, Rejects& rejects, std::stop_token stop) = 0;

  // Waits until every record written is answered, so that all rejects are known before the dead letters are flushed (G5).
  virtual Status flush(Rejects& rejects, std::stop_token stop) = 0;

  // Makes everything written durable and, if open() tells positions, stores `request.through` in the same atomic step.  Also called
  // without a write before it (an idle source moves on, G8; a new sink is born with the minimum, G10).
  // kCommitUnknown if the answer was lost (G6).
  virtual Status commit(const CommitRequest& request, std::stop_token stop) = 0;

  // For sinks that keep one row of each key: appends to `key` what names the row that `record` would replace.  False: it replaces none (the
  // sink appends) or does not know which (a column of the key is missing).  Any thread, at any time; does not block.
  virtual bool row_key(const Batch& /*batch*/, const Record& /*record*/, std::string& /*key*/) { return false; }
  // Whether row_key() matters: the order of records of one key is kept.
  virtual bool replaces_rows() const { return false; }

  // What was written but not committed is given up.  Safe without open(), and twice.  `kSeal` on a graceful stop: everything is
  // committed, the sink may finish what it has (G22).
  enum class Closing { kSeal, kAbandon };
  virtual Status close(Closing how) = 0;
};

}  // namespace sluice
