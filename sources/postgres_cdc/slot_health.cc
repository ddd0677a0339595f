#include "sources/postgres_cdc/slot_health.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

namespace sluice::sources::postgres {

namespace {

template <typename T>
std::optional<T> number(const Rows& rows, int column) {
  const std::string_view text = rows.text(0, column);
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (rows.is_null(0, column) || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// wal_status and safe_wal_size came with PostgreSQL 13, `conflicting` with 16, invalidation_reason and failover with 17.  A walsender's
// sent_lsn is shown only to its own role and to pg_monitor.
std::string health_query(const Connection& connection, const std::string& slot) {
  const int version = connection.server_version();
  std::string reason = "NULL";
  if (version >= 170000) {
    reason = "s.invalidation_reason";
  } else if (version >= 160000) {
    reason = "CASE WHEN s.conflicting THEN 'rows_removed' END";
  }
  const std::string status = version >= 130000 ? "s.wal_status, s.safe_wal_size" : "NULL, NULL";
  return "SELECT s.plugin, s.database, w.now, s.confirmed_flush_lsn, s.restart_lsn, " + status + ", " + reason +
         ", (SELECT setting::bigint * 1048576 FROM pg_settings WHERE name = 'max_slot_wal_keep_size'), coalesce(s.active_pid, 0), "
         "greatest(pg_wal_lsn_diff(w.now, r.sent_lsn), 0)::bigint, r.usename || ' (application \"' || r.application_name || '\"' || "
         "coalesce(', from ' || host(r.client_addr), '') || ')', r.application_name, " +
         (version >= 170000 ? "s.failover" : "false") +
         ", (extract(epoch FROM clock_timestamp()) * 1000000)::bigint "
         "FROM pg_replication_slots s LEFT JOIN pg_stat_replication r ON r.pid = s.active_pid, "
         "(SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END) w(now) WHERE s.slot_name = " +
         connection.literal(slot);
}

int percent_used(const SlotHealth& health) {
  if (!health.limit || !health.safe || *health.limit == 0) return 0;
  const std::uint64_t left = std::min(*health.safe, *health.limit);
  return static_cast<int>(100 - left * 100 / *health.limit);
}

}  // namespace

Result<std::optional<SlotHealth>> slot_health(Connection& connection, const std::string& slot, std::stop_token stop) {
  const Rows rows = SLUICE_TRY(connection.query(health_query(connection, slot), "look at the replication slot \"" + slot + "\"", stop));
  if (rows.count() == 0) return std::optional<SlotHealth>();
  SlotHealth health;
  health.plugin = rows.text(0, 0);
  health.database = rows.text(0, 1);
  health.current = parse_lsn(rows.text(0, 2)).value_or(0);
  health.confirmed = parse_lsn(rows.text(0, 3)).value_or(0);
  health.restart = parse_lsn(rows.text(0, 4));
  health.wal_status = rows.text(0, 5);
  const auto safe = number<std::int64_t>(rows, 6);
  if (safe) health.safe = static_cast<std::uint64_t>(std::max<std::int64_t>(0, *safe));
  health.lost_reason = rows.text(0, 7);
  const auto limit = number<std::int64_t>(rows, 8);
  if (limit && *limit >= 0) health.limit = static_cast<std::uint64_t>(*limit);
  health.active_pid = number<int>(rows, 9).value_or(0);
  health.unsent = number<std::uint64_t>(rows, 10);
  health.reader = rows.text(0, 11);
  health.reader_application = rows.text(0, 12);
  health.failover = rows.text(0, 13) == "t";
  health.server_clock = number<std::int64_t>(rows, 14).value_or(0);
  return std::optional<SlotHealth>(std::move(health));
}

std::string lost_because(const SlotHealth& health) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kReasons = {{
      {"wal_removed", "max_slot_wal_keep_size was reached (wal_removed)"},
      {"rows_removed", "rows of the catalogue that it needs were removed on a standby (rows_removed)"},
      {"wal_level_insufficient", "wal_level was lowered (wal_level_insufficient)"},
      {"idle_timeout", "nobody read from it for idle_replication_slot_timeout (idle_timeout)"},
  }};
  for (const auto& [reason, text] : kReasons) {
    if (health.lost_reason == reason) return std::string(text);
  }
  return health.lost_reason.empty() ? "max_slot_wal_keep_size was reached" : health.lost_reason;
}

std::vector<SlotAlarms::Alarm> SlotAlarms::judge(const SlotHealth& health) {
  std::vector<Alarm> alarms;
  if (health.lost()) {
    if (!lost_) {
      alarms.push_back({Alarm::Level::kError, "slot_lost",
                        "the server has given up the replication slot \"" + slot_ + "\" and removed its log: " + lost_because(health)});
    }
    lost_ = true;
    return alarms;
  }
  lost_ = false;
  judge_budget(health, alarms);
  judge_limit(health, alarms);
  return alarms;
}

void SlotAlarms::judge_budget(const SlotHealth& health, std::vector<Alarm>& alarms) {
  if (budget_ == 0) return;
  const std::uint64_t retained = health.retained();
  const std::string state = "the server holds " + size_text(retained) + " of log for the replication slot \"" + slot_ + "\", ";
  if (!over_budget_ && retained > budget_) {
    over_budget_ = true;
    alarms.push_back({Alarm::Level::kError, "wal_budget",
                      state + "more than wal_budget " + size_text(budget_) +
                          ": its disk may fill up. Find out why the pipeline is behind (sinks that fail, a long transaction or a "
                          "snapshot), or drop the slot to give the log up"});
  } else if (over_budget_ && retained < budget_ / 10 * 9) {
    over_budget_ = false;
    alarms.push_back({Alarm::Level::kOver, "wal_budget", state + "below wal_budget " + size_text(budget_) + " again"});
  }
}

void SlotAlarms::judge_limit(const SlotHealth& health, std::vector<Alarm>& alarms) {
  if (!health.limit || !health.safe) return;
  const int used = percent_used(health);
  const int line = used >= 80 ? 80 : used >= 50 ? 50 : 0;
  if (line > raised_share_) {
    raised_share_ = line;
    alarms.push_back({line == 80 ? Alarm::Level::kError : Alarm::Level::kWarning, line == 80 ? "wal_limit_80" : "wal_limit_50",
                      std::to_string(used) + " % of max_slot_wal_keep_size (" + size_text(*health.limit) +
                          ") is used by the replication slot \"" + slot_ + "\": after another " + size_text(*health.safe) +
                          " the server gives it up and the pipeline has lost its position (mend: ALTER SYSTEM SET max_slot_wal_keep_size "
                          "= <more>; SELECT pg_reload_conf();)"});
  } else if (raised_share_ != 0 && used < raised_share_ * 9 / 10) {
    raised_share_ = used >= 50 ? 50 : 0;
    alarms.push_back({Alarm::Level::kOver, "wal_limit", std::to_string(used) + " % of max_slot_wal_keep_size is used now"});
  }
}

std::string size_text(std::uint64_t bytes) {
  constexpr std::array kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), unit == 0 ? "%.0f %s" : "%.1f %s", value, kUnits[unit]);
  return text.data();
}

}  // namespace sluice::sources::postgres
