#pragma once
// The transactions whose changes the server sends while they still run (pgoutput's `streaming`): kept until their end is known, then
// given back whole, in the order of the log, without what was rolled back.
//
//   T1  a change belongs to the (sub)transaction whose xid it carries; when that is rolled back it is left out, rows and relations;
//   T2  so a transaction has the same rows in the same order whether it was streamed or sent after its commit (G3);
//   T3  a relation is known to its own transaction at once and to others once that has committed, and never replaces one that came
//       later (change_assembler.cc);
//   T4  beyond the memory budget the largest transactions move to files, beyond the disk budget the session ends: the server keeps
//       its log, nothing is lost.
//
// One thread.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "core/fault_points.h"
#include "core/result.h"
#include "sources/postgres_cdc/pgoutput_decoder.h"
#include "sources/postgres_cdc/table_filter.h"
#include "sources/postgres_cdc/transaction_spool.h"

namespace sluice::sources::postgres {

struct SpoolSettings {
  std::string folder;                                     // files go there; empty: memory only
  std::size_t memory_bytes = 32 * 1024 * 1024;            // of all running transactions together
  std::uint64_t disk_bytes = 10ULL * 1024 * 1024 * 1024;  // the same
};

struct StreamedTransaction {
  // A row of a table that is not wanted has an empty message: it only counts.  `place` is the LSN of a change and the place of
  // a Relation message among all that came (T3).
  TransactionSpool spool;
  std::string origin;
  std::unordered_set<std::uint32_t> rolled_back;             // subtransactions (T1)
  std::unordered_map<std::uint32_t, bool> wanted_relations;  // by id, as of the newest Relation message
};

class StreamedTransactions {
 public:
  StreamedTransactions(SpoolSettings settings, const TableFilter& filter, FaultPoints& faults)
      : settings_(std::move(settings)), filter_(filter), faults_(faults) {}

  // Removes files that an earlier process left behind.  Not needed within a process.
  Status remove_leftovers();
  // Forgets all: the next session is sent everything again.
  void clear();

  bool in_block() const { return block_ != nullptr; }
  // Each: kFatal protocol_violation when the messages are out of order.
  Status start(const StreamStartMessage& message);
  Status stop();
  void abort(const StreamAbortMessage& message);
  // One message inside a block.  `arrival`: its place among all messages of the session, rising.  kTransient spill_limit_reached,
  // disk_full and the like: the transactions do not fit here (T4).
  Status keep(Lsn lsn, std::uint64_t arrival, std::string_view message);
  // At its commit.
  Result<std::unique_ptr<StreamedTransaction>> take(std::uint32_t xid);

  const SpoolUse& use() const { return use_; }

 private:
  Status note_relation(std::string_view message);
  Status make_room();

  const SpoolSettings settings_;
  const TableFilter& filter_;
  FaultPoints& faults_;
  SpoolUse use_;  // before the spools, which count in it until they are gone
  PgoutputDecoder decoder_;
  std::unordered_map<std::uint32_t, std::unique_ptr<StreamedTransaction>> running_;
  StreamedTransaction* block_ = nullptr;  // whose block is open
};

}  // namespace sluice::sources::postgres
