#include "sources/postgres_cdc/snapshot/anchor.h"

#include <charconv>

namespace sluice::sources::postgres {

namespace {

constexpr std::string_view kBegin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

std::int64_t to_integer(std::string_view text) {
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// At the beginning of a page the place for the next record is behind its header (24 or 40 bytes), while the end of the record before,
// which is how far a walsender says it is, is before it.
Lsn without_page_header(Lsn lsn, Lsn page_bytes) {
  constexpr Lsn kLongestHeader = 40;
  const Lsn offset = page_bytes == 0 ? 0 : lsn % page_bytes;
  return offset <= kLongestHeader ? lsn - offset : lsn;
}

}  // namespace

Result<std::unique_ptr<Connection>> snapshot_session(const ConnectOptions& options, std::stop_token stop) {
  constexpr std::string_view kDoing = "open a session for the snapshot";
  auto connection = std::make_unique<Connection>(SLUICE_TRY(Connection::connect(options, Connection::Mode::kSql, stop)));
  // In the order of a key a chunk is a piece of its index; the planner, which knows nothing of the chunks that follow, may prefer to
  // sort the whole table each time.
  std::string settings =
      "SET row_security = off; SET idle_in_transaction_session_timeout = 0; SET lock_timeout = '30s'; SET jit = off; "
      "SET max_parallel_workers_per_gather = 0; SET enable_sort = off; SET enable_bitmapscan = off; SET search_path = " +
      std::string(kReadingSearchPath);
  if (connection->server_version() >= 170000) settings += "; SET transaction_timeout = 0";
  SLUICE_TRY(connection->query(settings, kDoing, stop));
  return connection;
}

Result<Anchor> adopt_snapshot(const ConnectOptions& options, const std::string& exported, Lsn lsn, std::stop_token stop) {
  constexpr std::string_view kDoing = "take over the snapshot of the replication slot";
  Anchor anchor;
  anchor.lsn = lsn;
  anchor.holder = SLUICE_TRY(snapshot_session(options, stop));
  anchor.snapshot = exported;
  SLUICE_TRY(begin_under(*anchor.holder, anchor, stop));
  const Rows rows = SLUICE_TRY(anchor.holder->query(
      "SELECT pg_export_snapshot(), (extract(epoch FROM transaction_timestamp()) * 1000000)::int8", kDoing, stop));
  anchor.snapshot = rows.text(0, 0);
  anchor.time = to_integer(rows.text(0, 1));
  return anchor;
}

Result<TakenSnapshot> take_snapshot(const ConnectOptions& options, std::stop_token stop) {
  constexpr std::string_view kDoing = "take a snapshot";
  TakenSnapshot taken;
  taken.anchor.holder = SLUICE_TRY(snapshot_session(options, stop));
  Connection& holder = *taken.anchor.holder;
  SLUICE_TRY(holder.query(std::string(kBegin), kDoing, stop));
  // The snapshot is taken before the functions run.
  const Rows rows = SLUICE_TRY(holder.query(
      "SELECT pg_export_snapshot(), pg_current_snapshot(), pg_current_wal_insert_lsn(), current_setting('wal_block_size')::int8, "
      "(extract(epoch FROM transaction_timestamp()) * 1000000)::int8",
      kDoing, stop));
  const std::optional<Lsn> end = parse_lsn(rows.text(0, 2));
  if (!end) return Error(ErrorKind::kTransient, "server_error", std::string(kDoing) + ": unexpected answer of the server");
  taken.anchor.snapshot = rows.text(0, 0);
  taken.anchor.time = to_integer(rows.text(0, 4));
  taken.visible = rows.text(0, 1);
  taken.horizon = without_page_header(*end, static_cast<Lsn>(to_integer(rows.text(0, 3))));
  taken.anchor.lsn = taken.horizon;
  return taken;
}

Result<ServerName> server_name(const ConnectOptions& options, std::stop_token stop) {
  const auto connection = SLUICE_TRY(snapshot_session(options, stop));
  const Rows rows = SLUICE_TRY(
      connection->query("SELECT system_identifier, current_database() FROM pg_control_system()", "identify the PostgreSQL server", stop));
  return ServerName{std::string(rows.text(0, 0)), std::string(rows.text(0, 1))};
}

Status begin_under(Connection& connection, const Anchor& anchor, std::stop_token stop) {
  constexpr std::string_view kDoing = "read under the snapshot";
  SLUICE_TRY(connection.query(std::string(kBegin), kDoing, stop));
  SLUICE_TRY(connection.query("SET TRANSACTION SNAPSHOT " + connection.literal(anchor.snapshot), kDoing, stop));
  return {};
}

}  // namespace sluice::sources::postgres
