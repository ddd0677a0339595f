#pragma once
// Questions to the server at the start of a session: who it is, which slot there is, which way its timelines went.

#include <optional>
#include <stop_token>
#include <string>

#include "core/result.h"
#include "sources/postgres_cdc/connection.h"
#include "sources/postgres_cdc/lsn.h"

namespace sluice::sources::postgres {

struct ServerIdentity {
  std::string system_id;
  std::uint32_t timeline = 0;
  Lsn flushed = 0;  // end of its log
  std::string database;
  std::chrono::milliseconds wal_sender_timeout{0};  // 0: off
};

// `connection` is one for replication.  kFatal wal_level_not_logical, encoding_unsupported with what mends it; kTransient
// server_is_standby.
Result<ServerIdentity> identify_server(Connection& connection, std::stop_token stop);

// The position from which the new slot has every change.  Waits for transactions that are running, up to a minute.
// `failover`: it is synchronised to standbys; only servers from PostgreSQL 17 on know it, older ones are not asked.
enum class SlotFailover : std::uint8_t { kOff, kOn };
// Whether the state of the database at that position is kept for others to read, until the connection's next command.
enum class SlotSnapshot : std::uint8_t { kNone, kExported };
struct CreatedSlot {
  Lsn lsn = 0;
  std::string snapshot;  // its name, if exported
};
Result<CreatedSlot> create_slot(Connection& connection, const std::string& name, SlotFailover failover, SlotSnapshot snapshot,
                                std::stop_token stop);
inline constexpr int kFailoverVersion = 170000;
// Turns it on for a slot that nobody reads; version 17 or newer.
Status enable_failover(Connection& connection, const std::string& name, std::stop_token stop);

// Where the timeline `ours` was left by the history of `current`, or nullopt when `ours` is not in it.
Result<std::optional<Lsn>> timeline_switch(Connection& connection, std::uint32_t current, std::uint32_t ours, std::stop_token stop);
// The same of the content of a timeline history file: lines of "<timeline>\t<lsn>\t<reason>".
std::optional<Lsn> switch_in_history(std::string_view history, std::uint32_t ours);

}  // namespace sluice::sources::postgres
