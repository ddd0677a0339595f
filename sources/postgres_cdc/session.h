#pragma once
// The way from a checkpoint to a running stream, and all the reasons not to go it (G2, G11).

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "core/fault_points.h"
#include "core/logger.h"
#include "core/position.h"
#include "core/result.h"
#include "sources/postgres_cdc/catalog.h"
#include "sources/postgres_cdc/connection.h"
#include "sources/postgres_cdc/lsn.h"
#include "sources/postgres_cdc/publication.h"
#include "sources/postgres_cdc/publication_watch.h"
#include "sources/postgres_cdc/replication_reader.h"
#include "sources/postgres_cdc/slot_intent.h"
#include "sources/postgres_cdc/slot_monitor.h"
#include "sources/postgres_cdc/snapshot/anchor.h"
#include "sources/postgres_cdc/snapshot/snapshot_point.h"
#include "sources/postgres_cdc/stream_options.h"
#include "sources/postgres_cdc/streamed_transactions.h"
#include "sources/postgres_cdc/table_filter.h"

namespace sluice::sources::postgres {

// What stays the same from session to session.
struct SessionSettings {
  ConnectOptions connect;
  bool unique_application = false;  // connect.application_name is this installation's alone
  std::string slot, publication;
  PublicationOwner publication_owner = PublicationOwner::kOurs;
  bool adopt = false;
  SnapshotMode snapshot = SnapshotMode::kNever;
  SnapshotMethod snapshot_method = SnapshotMethod::kKeys;
  unsigned snapshot_workers = 2;
  std::uint64_t snapshot_chunk_rows = 50'000;
  std::chrono::milliseconds heartbeat{10'000};
  TableFilter filter;
  std::string state_directory, component;  // where the slot's note is kept; see slot_intent.h
  MessageMode messages = MessageMode::kIgnore;
  SpoolSettings spool;
  MonitorSettings monitor;
  bool failover = true;  // the slot follows to a standby (PostgreSQL 17)
  // Without any message from the server, although it was asked, the connection is given up.  A server that decodes a large transaction
  // of which nothing is ours may be silent for a while.
  std::chrono::milliseconds silence_limit{60'000};
};

// Where the tables that were published last are remembered.
PublicationNote publication_note(const SessionSettings& settings, const std::string& system_id);

// "<system id>/<timeline at first start>/<database>" (G2).
struct PartitionName {
  std::string system_id;
  std::uint32_t timeline = 0;
  std::string database;

  std::string text() const { return system_id + '/' + std::to_string(timeline) + '/' + database; }
  static std::optional<PartitionName> parse(std::string_view text);
};

// Where a session is to go on.
struct KnownPosition {
  PartitionName partition;
  StreamPosition position;
  ResumePoint resume;
  Lsn durable = 0;  // committed in every sink: may be confirmed at once
};

// The one of `from` that `source` goes on from; nullopt when it holds none.  kFatal position_unreadable.
Result<std::optional<KnownPosition>> known_position(const Checkpoint& from, std::string_view source);

struct Session {
  KnownPosition start;  // a fresh slot's position if there was none
  std::unique_ptr<ReplicationReader> reader;
  std::optional<Anchor> anchor;  // of a slot that was created now, if wished
  std::string tables;            // tables_digest() before the publication was looked after
};

// Connects, checks and starts the stream; creates publication and slot when there is neither a position nor a slot.  `stale_pid`: the
// server's process of our last session, ended if it still holds the slot; 0: none.
//   kFatal      origin_changed, position_lost, slot_without_checkpoint, slot_mismatch, slot_options_changed, server_too_old, and those
//               of the catalog, the publication and postgres_error()
//   kTransient  slot_in_use, connection_lost, auth_failed, ...
// `streaming`: whether the changes of running transactions may be sent, where the server can.
Result<Session> open_session(const SessionSettings& settings, const std::optional<KnownPosition>& known, int stale_pid, bool streaming,
                             Logger& log, FaultPoints& faults, std::stop_token stop);

}  // namespace sluice::sources::postgres
