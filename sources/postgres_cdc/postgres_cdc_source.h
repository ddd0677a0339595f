#pragma once
// Row changes of a PostgreSQL database through a logical replication slot and pgoutput.
//
// Two threads: the shard's, which calls the interface and decodes, and the reader's (replication_reader.h), which talks to the server
// whatever the pipeline does (G9).  One partition for the stream (session.h; ordinals and positions as lsn.h says: G3, G8), and one for the
// snapshot of each table (snapshot/snapshot_point.h: G13-G15).
//
//   streaming --- tables are to be read: a snapshot is taken ---> seeking its place ---> standing there: rows are read, the stream waits
//       ^                                                            ^                       |                    |
//       '------------------------ all are read ---------------------|-----------------------'                    |
//                                                                    '------- a slice of time is over -----------'
//
// Tables that appear while it streams are published and read the same way (table_intake.h, earlier_writers.h).
// A slot that was just made has its own snapshot, which stands where the stream begins: it is used until it is no more.

#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "core/build_context.h"
#include "core/source.h"
#include "sources/postgres_cdc/auth_refusals.h"
#include "sources/postgres_cdc/change_assembler.h"
#include "sources/postgres_cdc/earlier_writers.h"
#include "sources/postgres_cdc/message_buffer.h"
#include "sources/postgres_cdc/relation_catalog.h"
#include "sources/postgres_cdc/session.h"
#include "sources/postgres_cdc/slot_monitor.h"
#include "sources/postgres_cdc/snapshot/snapshot_reader.h"
#include "sources/postgres_cdc/snapshot/stream_gate.h"
#include "sources/postgres_cdc/table_intake.h"

namespace sluice::sources::postgres {

class PostgresCdcSource final : public Source {
 public:
  PostgresCdcSource(SessionSettings settings, const BuildContext& context);

  // Creates publication and slot when there is neither a position nor a slot.  Waits for the server up to a few times 15 s, a minute
  // for a slot that has to wait for running transactions; ends within 1 s of a stop request.
  Status open(const Checkpoint& from, std::stop_token stop) override;
  // After kTransient the next call opens a session first, which may take as long as open().
  Result<SourceState> read(BatchBuilder& out, std::stop_token stop) override;
  Status acknowledge(const Checkpoint& done) override;
  Status close() override;
  // Takes as long as a few questions to the server.  Not with `snapshot: only`.
  Status request_snapshot(std::span<const std::string> tables) override;
  // Slot, publication and notes that are this pipeline's (cleanup.h).
  Result<std::vector<std::string>> cleanup(std::stop_token stop) override;

 private:
  Status start_session(std::stop_token stop);
  void end_session();
  Status plan_snapshot(std::stop_token stop);
  Status want_snapshots();
  Status take_in_new_tables(std::stop_token stop);
  void drop_candidate();
  Status fill(BatchBuilder& out, std::stop_token stop);
  Result<bool> give_out(BatchBuilder& out, std::uint16_t partition);
  Status seek_anchor(std::stop_token stop);
  void stand_at_anchor();
  Result<SourceState> read_snapshot(BatchBuilder& out, std::stop_token stop);
  Result<SourceState> read_without_stream(BatchBuilder& out, std::stop_token stop);
  void publish_position(BatchBuilder& out);
  void note_lag(BatchBuilder& out);
  Error without_streaming(const Error& cause);

  const SessionSettings settings_;
  const std::string component_;
  BuildContext context_;
  ServerRelationCatalog catalog_;
  Gauge& lag_bytes_;
  SlotMonitor monitor_;
  TableIntake intake_;
  AuthRefusals refusals_;

  std::optional<KnownPosition> known_;  // as of the start of the session; where the next one begins once this ended
  std::unique_ptr<ChangeAssembler> assembler_;
  std::unique_ptr<ReplicationReader> reader_;  // null between sessions
  MessageBlock block_;                         // messages taken from the reader and not decoded yet
  Checkpoint from_;                            // as open() was told, for the plan of the snapshot
  std::unique_ptr<SnapshotReader> snapshot_;   // null where none is wanted
  bool planned_ = false;
  bool more_to_plan_ = false, must_plan_ = false;  // tables were taken in since
  EarlierWriters writers_;                         // of tables that are read for the first time
  std::vector<std::uint32_t> unasked_;             // tables whose writers are not known yet
  StreamGate gate_;
  std::optional<Anchor> candidate_;  // its place in the stream is being sought
  std::chrono::steady_clock::time_point candidate_since_, slice_end_;
  std::string partition_, key_;
  int stale_pid_ = 0;
  bool spool_failed_ = false;  // the next session is one without streaming
  std::chrono::steady_clock::time_point last_quiet_move_;
};

}  // namespace sluice::sources::postgres
