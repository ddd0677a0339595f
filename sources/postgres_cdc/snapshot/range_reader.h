#pragma once
// The threads that read one table under one anchor: ranges in the order of the table, rows in the order of each range, ahead of the
// consumer by a bounded number of bytes.
//
// Each range is a transaction of its own under the anchor's snapshot, so that a table is locked (ACCESS SHARE) no longer than one range
// takes.  A table that was rewritten since the snapshot would look empty (documentation, "Caveats" of MVCC): that is noticed.

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "core/result.h"
#include "sources/postgres_cdc/message_buffer.h"
#include "sources/postgres_cdc/snapshot/anchor.h"
#include "sources/postgres_cdc/snapshot/reading_sessions.h"
#include "sources/postgres_cdc/snapshot/snapshot_table.h"

namespace sluice::sources::postgres {

enum class RangeEnd : std::uint8_t {
  kOpen,       // more rows may come
  kComplete,   // every row of the range was given
  kTableGone,  // dropped or renamed since
  kRewritten,  // rewritten or altered since the snapshot: it cannot be read under it any more
  kFailed,     // error() says why
};

// The rows of one range on their way from the thread that reads to the one that decodes.
class RangeRows {
 public:
  explicit RangeRows(KeyRange bounds, std::size_t limit_bytes, BlockRange blocks = {})
      : bounds_(std::move(bounds)), blocks_read_(blocks), limit_bytes_(limit_bytes) {}

  // Producer.  False: a stop was requested while there was no room.
  bool push(MessageBlock block, std::stop_token stop);
  void end(RangeEnd how, std::optional<Error> reason = {});

  // Consumer.  Empty: nothing until `deadline`, or the range has ended.
  MessageBlock take(std::chrono::steady_clock::time_point deadline, std::stop_token stop);
  // kOpen as long as there is something to take.
  RangeEnd state() const;
  // Waits until the producer has ended the range.
  bool wait_ended(std::chrono::steady_clock::time_point deadline, std::stop_token stop);
  std::optional<Error> error() const;

  const KeyRange& bounds() const { return bounds_; }
  const BlockRange& blocks() const { return blocks_read_; }
  bool unlimited() const { return limit_bytes_ == 0; }

 private:
  KeyRange bounds_;
  BlockRange blocks_read_;
  const std::size_t limit_bytes_;  // 0: no limit
  mutable std::mutex mutex_;
  mutable std::condition_variable_any changed_;
  std::deque<MessageBlock> blocks_;
  std::size_t bytes_ = 0;
  RangeEnd end_ = RangeEnd::kOpen;
  std::optional<Error> error_;
};

// What to read.
struct TableRead {
  const Anchor* anchor = nullptr;       // outlives the reader
  ReadingSessions* sessions = nullptr;  // the same
  TableShape shape;
  SnapshotMethod method = SnapshotMethod::kKeys;
  std::optional<KeyText> after;
  std::vector<KeyText> fixed;  // ends of ranges that must be read as they were before; each is given out whole
  std::uint64_t range_rows = 50'000;
  unsigned workers = 1;
};

class TableReader {
 public:
  // The threads start at once.
  explicit TableReader(TableRead what);
  ~TableReader();
  TableReader(const TableReader&) = delete;
  TableReader& operator=(const TableReader&) = delete;

  // The next range, in order; null when there is none (yet).  `finished` once there will be none any more.
  std::shared_ptr<RangeRows> next(std::chrono::steady_clock::time_point deadline, std::stop_token stop);
  bool finished() const;

 private:
  void run(std::stop_token stop);
  Status work(std::stop_token stop);
  // The range to read next, or null when all are taken.
  Result<std::shared_ptr<RangeRows>> claim(Connection& connection, std::stop_token stop);
  // `last`: there is nothing to cut behind it.
  Result<std::shared_ptr<RangeRows>> cut(Connection& connection, bool& last, std::stop_token stop);
  Result<std::shared_ptr<RangeRows>> cut_blocks(Connection& connection, bool& last, std::stop_token stop);
  Status read(Connection& connection, RangeRows& range, std::stop_token stop);
  void end_at(RangeRows& range, RangeEnd how);
  Status begin(Connection& connection, std::stop_token stop) const;
  Result<RangeEnd> check_table(Connection& connection, std::stop_token stop) const;
  Status copy(Connection& connection, RangeRows& range, std::stop_token stop);
  void note_end(const RangeRows& range, std::uint64_t rows, std::string_view last_row);

  const TableRead what_;
  mutable std::mutex mutex_;
  std::mutex cutting_;  // one thread at a time looks for the end of the next range
  mutable std::condition_variable_any changed_;
  std::deque<std::shared_ptr<RangeRows>> ranges_;  // claimed and not taken by the consumer
  std::deque<KeyText> fixed_;
  std::optional<KeyText> after_;  // where the next range begins
  std::uint64_t next_block_ = 0;  // the same, in the order of the disk
  std::uint64_t all_blocks_ = 0;  // of the table, when its first range was cut
  bool all_claimed_ = false;
  std::vector<std::jthread> threads_;  // last: they use all of the above
};

}  // namespace sluice::sources::postgres
