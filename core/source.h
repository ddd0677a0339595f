#pragma once
// Where records come from.

#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "core/batch_builder.h"
#include "core/position.h"
#include "core/result.h"

namespace sluice {

enum class SourceState : std::uint8_t {
  kMore,      // call again at once
  kIdle,      // nothing at hand now; read() already waited out.linger()
  kFinished,  // nothing will ever come again; read() is not called any more
};

// Reads one or more ordered partitions.  Owned and called by exactly one shard thread; may own private threads (G9).
// After any error but kFatal and kCancelled the runner may call read() again.
class Source {
 public:
  virtual ~Source() = default;

  // Connects and goes to just after `from` (only this source's partitions, keyed by checkpoint_key); a partition absent from `from`
  // starts where the configuration says.  Called once, first; again after kTransient.  kFatal with a code of G11 where the origin
  // no longer has, or already gave away, what `from` asks for.
  virtual Status open(const Checkpoint& from, std::stop_token stop) = 0;

  // Appends to `out` until it is full, nothing is at hand, or `stop`; blocks at most out.linger().  Sets out.through() even when
  // no record was appended (G8).  After kTransient the runner hands on what `out` holds, backs off and calls read() again: the
  // source reconnects by itself and goes on just after the last record it appended.
  virtual Result<SourceState> read(BatchBuilder& out, std::stop_token stop) = 0;

  // Everything through `done` is durable in every sink: the origin may forget it.  Only stores the value; does not block.
  virtual Status acknowledge(const Checkpoint& done) = 0;

  // After the last acknowledge().  May take a moment to tell the origin; bounded by 2 s.  Safe without open(), and twice.
  virtual Status close() = 0;

  // `sluice snapshot PIPELINE TABLE...`: reads these tables again, merged into the stream without a gap.  Called by the shard's thread
  // between two reads; returns once the wish is noted, not when the rows are read.  An unknown table is kFatal `unknown_table` and
  // nothing is noted.
  virtual Status request_snapshot(std::span<const std::string> /*tables*/) {
    return Error(ErrorKind::kFatal, "not_supported", "this source has no tables to read again");
  }

  // Reads the original bytes of a dead letter as read() would today, and appends a record under the given name or rejects them.  Called on
  // an instance that is never opened, by the thread that replays.  kFatal `not_supported`: this source cannot.
  struct Original {
    std::uint16_t partition = 0;  // of out.batch()
    Ordinal ordinal;
    std::string_view raw;
    std::string_view code;  // why they were refused
  };
  virtual Status read_again(const Original& /*original*/, BatchBuilder& /*out*/) {
    return Error(ErrorKind::kFatal, "not_supported", "this source does not read original bytes again");
  }

  // `sluice cleanup PIPELINE`: removes what the pipeline made at the origin (a slot, a publication).  Called instead of open(), by the
  // one thread that holds the source; what is gone already is no error.  Returns a line per thing removed, for the operator.
  virtual Result<std::vector<std::string>> cleanup(std::stop_token /*stop*/) { return std::vector<std::string>{}; }
};

}  // namespace sluice
