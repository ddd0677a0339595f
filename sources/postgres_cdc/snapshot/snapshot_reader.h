#pragma once
// The rows that are in the tables already: which tables are to be read, chunk after chunk, and how far each has come.
//
//   planned -> [table] -> row, row, ... end of chunk (position, a commit may follow) ... end of table -> [next table]
//                 ^                       |
//                 |                       | the anchor is lost, or the table cannot be read under it any more
//                 '--- another anchor <---'
//
// Rules that the tests cite (with G13-G15):
//   S1  rows are read under an anchor only, and given out while the stream stands exactly where the anchor does: a read row never comes
//       after a newer change of its key, and never before an older one;
//   S2  a batch that ends inside a chunk forbids the commit; the end of a chunk is in the note first (chunk_bounds.h);
//   S3  with an anchor lost inside a chunk the chunk ends at the last row that was given out;
//   S4  a table without a key, or read by blocks, begins anew under a new generation when it was not finished.
//
// One thread; the reading threads are TableReader's.

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "core/batch_builder.h"
#include "core/build_context.h"
#include "sources/postgres_cdc/relation_catalog.h"
#include "sources/postgres_cdc/relation_shape.h"
#include "sources/postgres_cdc/snapshot/anchor.h"
#include "sources/postgres_cdc/snapshot/chunk_bounds.h"
#include "sources/postgres_cdc/snapshot/copy_text.h"
#include "sources/postgres_cdc/snapshot/moved_rows.h"
#include "sources/postgres_cdc/snapshot/range_reader.h"
#include "sources/postgres_cdc/snapshot/reading_sessions.h"
#include "sources/postgres_cdc/snapshot/snapshot_point.h"
#include "sources/postgres_cdc/snapshot/snapshot_progress.h"
#include "sources/postgres_cdc/snapshot/snapshot_table.h"
#include "sources/postgres_cdc/snapshot/snapshot_wishes.h"
#include "sources/postgres_cdc/table_filter.h"

namespace sluice::sources::postgres {

struct SnapshotSettings {
  ConnectOptions connect;
  SnapshotMethod method = SnapshotMethod::kKeys;
  unsigned workers = 2;
  bool every_start = false;     // finished tables are read again
  bool only_requested = false;  // other tables than those of request() are not read
  std::string publication;      // empty: none takes part
  TableFilter filter;
  std::string state_directory, component;
  std::uint64_t chunk_rows = 50'000;
  std::size_t chunk_bytes = 16 * 1024 * 1024;  // of text
};

class SnapshotReader {
 public:
  // All outlive the reader.
  SnapshotReader(SnapshotSettings settings, const BuildContext& context, RelationCatalog& catalog);

  // Once: compares what the checkpoint `from` says with the tables there are.
  // kFatal position_unreadable, table_missing, origin_changed, wishes_unreadable; kTransient of the connection.
  Status plan(const Checkpoint& from, const std::string& system_id, const std::string& database, std::stop_token stop);
  // After plan(), with the same `from`: tables that came since, which are not read under an anchor that is in use.  True: there are some.
  Result<bool> plan_more(const Checkpoint& from, std::stop_token stop);
  // After plan(), with the same `from`: reads these tables again ("schema.table", or a pattern), from their beginning; durably noted when
  // it returns.  kFatal unknown_table, and then nothing is noted.
  Status request(std::span<const std::string> tables, const Checkpoint& from, std::stop_token stop);
  // Whether the note of an earlier process holds a request.
  Result<bool> has_requests();
  // Tables that are to be read for the first time and were planned since the last call.
  std::vector<std::uint32_t> take_first_readings() { return std::exchange(first_readings_, {}); }

  bool unfinished() const { return !tables_.empty() || !moved_.empty(); }
  bool anchored() const { return anchor_.has_value(); }
  void use(Anchor anchor) {
    anchor_ = std::move(anchor);
    chunk_ended_ = false;
  }

  // Needs an anchor.  Appends rows until `out` is full, a chunk has ended, nothing is at hand until `deadline`, or the anchor is of no
  // more use.  After kTransient call again, with another anchor if there is none.
  Status read(BatchBuilder& out, std::chrono::steady_clock::time_point deadline, std::stop_token stop);
  // Between two chunks of a table that is read by keys, once a chunk was read: gives the anchor back, so that the stream can go on.
  void pause();
  // Positions that move without rows, at any time between chunks.
  void publish(BatchBuilder& out);

  void acknowledge(const Checkpoint& done);
  // The stream has appended the records of `out` while there is something unfinished: notes rows that moved, and takes out what is
  // superseded by rows that are still to be read (snapshot_watch.cc).
  void watch(BatchBuilder& out, std::stop_token stop);

 private:
  // A table that is not finished.
  struct Work {
    ListedTable table;
    SnapshotPartition partition;
    std::uint64_t chunk = 1;           // the one that is read
    std::uint64_t rows = 0;            // given out of it
    std::size_t bytes = 0;             // of them, as text
    std::optional<KeyText> last;       // by keys: the end of the chunk before
    std::deque<KeyText> fixed;         // ends of this chunk and those after it that other sinks may have committed
    bool resumed = false;              // not read from its beginning in this process
    std::optional<Position> position;  // as published last

    std::string key(const std::string& component) const { return checkpoint_key(component, partition.text()); }
    bool is(const std::string& name) const { return partition.table == name; }
  };

  struct Known {
    SnapshotPartition partition;
    Position position;
  };
  using KnownTables = std::map<std::string, Known>;  // the newest generation of each table that a checkpoint knows
  KnownTables known_tables(const Checkpoint& from) const;
  Status plan_table(const ListedTable& table, const KnownTables& known_tables);
  Status load_notes();
  Result<bool> resume(Work& work, const SnapshotPartition& partition, const Position& position);
  void retire_unwanted(const Checkpoint& from);
  void begin_anew(Work& work);
  void begin_generation(Work& work, std::uint32_t generation);
  Result<std::vector<ListedTable>> list(Missing missing, std::stop_token stop);
  void note_joined(std::size_t before);
  bool is_begun(const Work& work) const;
  std::uint32_t next_generation(const std::string& table, const Checkpoint& from) const;
  void begin_requested();
  void grant_requests(const Checkpoint& done);

  Status start_table(std::stop_token stop);  // without a reader afterwards: the table cannot be read, see is_gone_
  Status describe(std::uint32_t oid, std::stop_token stop);
  Status read_moved(BatchBuilder& out, std::stop_token stop);
  void emit_moved(BatchBuilder& out, const MovedRow& row, const Rows& rows, int index);
  Status step(BatchBuilder& out, bool& pause, std::chrono::steady_clock::time_point deadline, std::stop_token stop);
  Status take_row(std::string_view row, BatchBuilder& out, bool& pause);
  Status end_range(BatchBuilder& out, bool& pause, std::stop_token stop);
  Status emit_held(BatchBuilder& out, bool is_last);
  Status end_chunk(BatchBuilder& out, const KeyText& end);
  Status finish_table(BatchBuilder& out);
  Error fail(BatchBuilder& out, Error reason, std::stop_token stop);
  Status postpone();
  KeyText key_of(std::string_view row) const;
  bool owe(const Work& work, const Record& record, BatchBuilder& out);
  Status keep_superseded(const Work& work, BatchBuilder& out, std::vector<std::size_t>& indices, std::stop_token stop);
  void append(BatchBuilder& out, std::uint16_t partition, Ordinal ordinal, std::span<const Value> after, std::string_view place);
  std::string_view place_of_row(bool is_last) const;
  Error not_representable(const BadField& bad) const;
  void stop_reading();

  const SnapshotSettings settings_;
  BuildContext context_;
  RelationCatalog& catalog_;
  std::string database_, system_id_;
  ChunkBounds bounds_;
  SnapshotWishes wishes_;
  SnapshotProgress progress_;
  Counter& superseded_;
  bool notes_loaded_ = false;

  std::optional<Anchor> anchor_;
  std::deque<Work> tables_;           // the first is being read
  std::size_t postponed_ = 0;         // how many at the end of tables_ need another anchor
  std::map<std::string, Work> done_;  // finished in this process or before, by table
  MovedRows moved_;
  Checkpoint moves_;  // to be published between chunks
  std::vector<std::uint32_t> first_readings_;
  std::vector<std::string> unsettled_;  // tables that are finished, and not in every sink yet

  ReadingSessions sessions_;  // goes after reader_

  // Of the table that is being read.
  std::unique_ptr<Connection> session_;  // asks what a table looks like under the anchor
  std::optional<TableShape> shape_;
  bool is_gone_ = false;
  std::optional<TableShape> watched_;  // of the table whose changes were looked at last
  RelationShape relation_;
  std::vector<std::uint32_t> key_slots_;
  bool by_keys_ = true;
  std::unique_ptr<TableReader> reader_;
  std::shared_ptr<RangeRows> range_;
  MessageBlock block_;
  std::optional<std::string> held_;  // a row that is known and not given out: whether it is the last one is not known yet
  std::string given_;                // the row given out last
  bool chunk_ended_ = false;         // under the anchor
  bool first_row_ = true;            // of the whole snapshot
  bool first_of_table_ = true;
  std::string scratch_;
};

}  // namespace sluice::sources::postgres
