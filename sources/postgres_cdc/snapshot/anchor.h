#pragma once
// A database snapshot that other sessions can read under, and the place in the stream that it stands for.

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>

#include "core/result.h"
#include "sources/postgres_cdc/connection.h"
#include "sources/postgres_cdc/lsn.h"

namespace sluice::sources::postgres {

// Holds the snapshot by a transaction of its own, so that the connection that made it is free.  Gone with the connection.
struct Anchor {
  std::unique_ptr<Connection> holder;
  std::string snapshot;   // for SET TRANSACTION SNAPSHOT
  Lsn lsn = 0;            // what rows are stamped with: every change before it is in the snapshot
  std::int64_t time = 0;  // microseconds since 1970 UTC
};

// Takes over what CREATE_REPLICATION_SLOT exported as `exported`, whose session must still be there.
Result<Anchor> adopt_snapshot(const ConnectOptions& options, const std::string& exported, Lsn lsn, std::stop_token stop);

// Takes a snapshot of its own.  `visible` and `horizon` are for StreamGate.
struct TakenSnapshot {
  Anchor anchor;
  std::string visible;  // pg_current_snapshot()
  Lsn horizon = 0;
};
Result<TakenSnapshot> take_snapshot(const ConnectOptions& options, std::stop_token stop);

// Who the server is, for a session that does not replicate.
struct ServerName {
  std::string system_id, database;
};
Result<ServerName> server_name(const ConnectOptions& options, std::stop_token stop);

// A session for the transactions that read under an anchor: no limit of time, no parallel workers, an error instead of rows
// that row-level security leaves out.
Result<std::unique_ptr<Connection>> snapshot_session(const ConnectOptions& options, std::stop_token stop);

// BEGIN and SET TRANSACTION SNAPSHOT.  kTransient snapshot_gone when the holder's transaction is no more.
Status begin_under(Connection& connection, const Anchor& anchor, std::stop_token stop);

}  // namespace sluice::sources::postgres
