#pragma once
// The changes of one transaction that the server sends while it still runs, until its end is known.  In memory first; spill() moves
// them to a file.  A cache and no more: nothing of it is durable, and what a crash leaves behind is removed at the next start.
//
//   entry = { u32 size | u32 xid | u64 place | size bytes of a message }, native byte order; file first, then memory
//
// One thread.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "core/fault_points.h"
#include "core/result.h"
#include "storage/durable_file.h"

namespace sluice::sources::postgres {

struct SpoolEntry {
  std::uint32_t xid = 0;     // of the (sub)transaction that made the change
  std::uint64_t place = 0;   // what the writer wants back
  std::string_view message;  // may be empty
};

// What all spools of a source hold together, bytes.
struct SpoolUse {
  std::size_t memory = 0;
  std::uint64_t disk = 0;
};

class TransactionSpool {
 public:
  // `path` must be free or a leftover; no file is made before spill().  `use` and `faults` outlive the spool.
  TransactionSpool(std::string path, SpoolUse& use, FaultPoints& faults) : path_(std::move(path)), use_(use), faults_(faults) {}
  ~TransactionSpool();  // removes the file
  TransactionSpool(const TransactionSpool&) = delete;
  TransactionSpool& operator=(const TransactionSpool&) = delete;

  // Not after next().
  void append(const SpoolEntry& entry);
  // Moves all that is in memory to the file.  After an error the spool can only be destroyed.  Those of storage/durable_file.h.
  Status spill();
  std::size_t memory() const { return memory_; }

  // Entries in the order of append(); nullopt at the end.  The message lives until the next call.
  Result<std::optional<SpoolEntry>> next();

 private:
  std::string& block_for(std::size_t bytes);
  Status fill_window(std::size_t bytes);

  const std::string path_;
  SpoolUse& use_;
  FaultPoints& faults_;
  std::deque<std::string> blocks_;  // an entry never crosses from one to the next
  std::size_t memory_ = 0;
  std::uint64_t on_disk_ = 0;

  std::optional<storage::FileHandle> file_;  // while reading
  std::string window_;                       // of the file, from read_ - window_.size() on
  std::size_t window_at_ = 0;
  std::uint64_t read_ = 0;
  std::size_t block_at_ = 0;  // in blocks_.front()
};

}  // namespace sluice::sources::postgres
