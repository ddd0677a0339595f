#include "sources/postgres_cdc/earlier_writers.h"

#include <algorithm>

namespace sluice::sources::postgres {

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto kAskEvery = 500ms;
// Longer than this is said once, because somebody may have forgotten a transaction.
constexpr auto kLongWait = 60s;
constexpr std::string_view kDoing = "look for transactions that write to a new table";

std::string joined(const std::vector<std::string>& items) {
  std::string list;
  for (const std::string& item : items) list += (list.empty() ? "" : ",") + item;
  return list;
}

// One look at the locks for both halves of the question.
std::string writers_query(const std::string& tables) {
  return "WITH RECURSIVE held AS MATERIALIZED (SELECT locktype, relation, mode, transactionid, virtualtransaction, pid FROM "
         "  pg_catalog.pg_locks WHERE granted AND (locktype = 'transactionid' OR database = (SELECT oid FROM pg_catalog.pg_database WHERE "
         "  datname = pg_catalog.current_database()))), "
         "family AS (SELECT oid FROM pg_catalog.unnest(ARRAY[" +
         tables +
         "]::pg_catalog.oid[]) t(oid) UNION SELECT i.inhrelid FROM family f JOIN pg_catalog.pg_inherits i ON i.inhparent = f.oid) "
         "SELECT DISTINCT x.transactionid FROM held w JOIN family f ON f.oid = w.relation JOIN held x ON x.virtualtransaction = "
         "  w.virtualtransaction AND x.pid IS NOT DISTINCT FROM w.pid "
         "WHERE w.locktype = 'relation' AND w.mode IN ('RowExclusiveLock', 'AccessExclusiveLock') "
         "  AND x.locktype = 'transactionid' AND x.mode = 'ExclusiveLock'";
}

Status connect(const ConnectOptions& options, std::unique_ptr<Connection>& connection, std::stop_token stop) {
  if (!connection)
    connection = std::make_unique<Connection>(SLUICE_TRY(Connection::connect(options, Connection::Mode::kSql, std::move(stop))));
  return {};
}

}  // namespace

Status EarlierWriters::note(const ConnectOptions& options, const std::vector<std::uint32_t>& tables, std::stop_token stop) {
  if (tables.empty()) return {};
  SLUICE_TRY(connect(options, connection_, stop));
  std::vector<std::string> oids;
  for (const std::uint32_t table : tables) oids.push_back(std::to_string(table));
  const Result<Rows> rows = connection_->query(writers_query(joined(oids)), kDoing, stop);
  if (!rows) {
    connection_.reset();
    return rows.error();
  }
  if (transactions_.empty()) since_ = Clock::now();
  for (int row = 0; row < rows->count(); ++row) {
    const std::string id(rows->text(row, 0));
    if (std::find(transactions_.begin(), transactions_.end(), id) == transactions_.end()) transactions_.push_back(id);
  }
  said_ = false;
  if (transactions_.empty()) connection_.reset();
  return {};
}

Result<bool> EarlierWriters::gone(const ConnectOptions& options, Logger& log, std::stop_token stop) {
  if (transactions_.empty()) return true;
  const auto now = Clock::now();
  if (now - asked_ < kAskEvery) return false;
  asked_ = now;
  SLUICE_TRY(connect(options, connection_, stop));
  const Result<Rows> rows = connection_->query(
      "SELECT DISTINCT transactionid FROM pg_catalog.pg_locks WHERE locktype = 'transactionid' AND granted AND mode = "
      "'ExclusiveLock' AND transactionid::pg_catalog.text = ANY ('{" +
          joined(transactions_) + "}'::pg_catalog.text[])",
      kDoing, stop);
  if (!rows) {
    connection_.reset();
    return rows.error();
  }
  transactions_.clear();
  for (int row = 0; row < rows->count(); ++row) transactions_.emplace_back(rows->text(row, 0));
  if (transactions_.empty()) {
    connection_.reset();
    return true;
  }
  if (!said_ && now - since_ > kLongWait) {
    said_ = true;
    log.warning(
        "a table's snapshot waits for transactions that have been writing to it since before it was published",
        {{"transactions", joined(transactions_)}, {"mend", "SELECT pid, query FROM pg_stat_activity WHERE backend_xid IS NOT NULL"}});
  }
  return false;
}

}  // namespace sluice::sources::postgres
