// The doctor's questions about the server's settings and the role, and about the slot.

#include <charconv>

#include "sources/postgres_cdc/examination.h"
#include "sources/postgres_cdc/slot_health.h"

namespace sluice::sources::postgres {

namespace {

using Severity = DoctorFinding::Severity;

std::int64_t to_integer(std::string_view text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// The settings that matter, as the session sees them.
struct Settings {
  std::string wal_level, encoding, version;
  std::string plugins;  // output_plugin_libraries
  bool knows_plugins = false, standby = false, read_only = false;
  std::int64_t sender_timeout_ms = 0, keep_mib = -1, max_senders = 0, senders = 0, idle_timeout_s = 0;
};

Result<Settings> ask_settings(Examination& examination) {
  const Rows rows = SLUICE_TRY(
      examination.ask("WITH s(name, setting) AS (SELECT name, setting FROM pg_settings) SELECT current_setting('wal_level'), "
                      "current_setting('server_encoding'), current_setting('server_version'), (SELECT setting FROM s WHERE name = "
                      "'output_plugin_libraries'), pg_is_in_recovery(), current_setting('default_transaction_read_only'), "
                      "(SELECT setting FROM s WHERE name = 'wal_sender_timeout'), (SELECT setting "
                      "FROM s WHERE name = 'max_slot_wal_keep_size'), current_setting('max_wal_senders'), (SELECT count(*) FROM "
                      "pg_stat_replication), (SELECT setting FROM s WHERE "
                      "name = 'idle_replication_slot_timeout'), current_database(), current_user",
                      "look at the server's settings"));
  const auto number = [&](int column) { return to_integer(rows.text(0, column)); };
  Settings settings;
  settings.wal_level = rows.text(0, 0);
  settings.encoding = rows.text(0, 1);
  settings.version = rows.text(0, 2);
  settings.knows_plugins = !rows.is_null(0, 3);
  settings.plugins = rows.text(0, 3);
  settings.standby = rows.text(0, 4) == "t";
  settings.read_only = rows.text(0, 5) == "on";
  settings.sender_timeout_ms = number(6);
  settings.keep_mib = rows.is_null(0, 7) ? -1 : number(7);
  settings.max_senders = number(8);
  settings.senders = number(9);
  settings.idle_timeout_s = number(10);
  examination.database = rows.text(0, 11);
  examination.role = rows.text(0, 12);
  return settings;
}

// The list is of names with commas; "a,b" in quotes is one name.
bool allows_pgoutput(std::string_view list) {
  while (!list.empty()) {
    const bool quoted = list[0] == '"';
    const std::size_t end = quoted ? list.find('"', 1) : list.find(',');
    std::string_view name = list.substr(quoted ? 1 : 0, end == std::string_view::npos ? end : end - (quoted ? 1 : 0));
    while (!name.empty() && name.back() == ' ') name.remove_suffix(1);
    if (name == "pgoutput") return true;
    const std::size_t next = end == std::string_view::npos ? end : list.find_first_not_of(", ", end + (quoted ? 1 : 0));
    list = next == std::string_view::npos ? std::string_view() : list.substr(next);
  }
  return false;
}

void judge_decoding(const Examination& examination, const Settings& settings) {
  if (examination.connection.server_version() < 130000)
    examination.add(Severity::kError, "server_too_old", "server", "PostgreSQL " + settings.version + " is older than 13");
  if (settings.wal_level != "logical")
    examination.add(Severity::kError, "wal_level_not_logical", "server", "wal_level is \"" + settings.wal_level + "\"",
                    "ALTER SYSTEM SET wal_level = logical; -- then restart the server");
  if (settings.standby)
    examination.add(Severity::kError, "server_is_standby", "server", "the server is a standby: `url` must lead to the primary");
  if (settings.encoding == "SQL_ASCII")
    examination.add(Severity::kError, "encoding_unsupported", "database " + examination.database,
                    "the encoding SQL_ASCII does not say what the text means");
  if (settings.knows_plugins && !allows_pgoutput(settings.plugins))
    examination.add(Severity::kError, "output_plugin_refused", "server",
                    "output_plugin_libraries is " + settings.plugins + ", which does not allow pgoutput",
                    "ALTER SYSTEM SET output_plugin_libraries TO pgoutput, test_decoding; SELECT pg_reload_conf();");
}

void judge_keeping(const Examination& examination, const Settings& settings) {
  const std::uint64_t budget = examination.settings.monitor.wal_budget;
  if (settings.keep_mib < 0) {
    examination.add(
        Severity::kNote, "wal_unlimited", "server",
        "max_slot_wal_keep_size is -1: a pipeline that stands still makes the server keep its log until the disk is full; with a "
        "limit the slot is given up instead and the pipeline must start anew",
        "ALTER SYSTEM SET max_slot_wal_keep_size = '100GB'; SELECT pg_reload_conf();");
  } else if (const auto limit = static_cast<std::uint64_t>(settings.keep_mib) << 20U; budget >= limit && budget != 0) {
    examination.add(Severity::kWarning, "wal_budget_beyond_limit", "server",
                    "max_slot_wal_keep_size is " + size_text(limit) + " and `wal_budget` " + size_text(budget) +
                        ": the slot is given up before the alarm is raised (other alarms come at 50 and 80 % of the limit)",
                    "wal_budget: " + std::to_string((limit >> 20U) / 2) + "MiB");
  }
  if (settings.idle_timeout_s > 0)
    examination.add(Severity::kWarning, "slot_idle_timeout", "server",
                    "idle_replication_slot_timeout is " + std::to_string(settings.idle_timeout_s) +
                        " s: a pipeline that is stopped for longer has lost its position",
                    "ALTER SYSTEM SET idle_replication_slot_timeout = 0; SELECT pg_reload_conf();");
}

void judge_sender(const Examination& examination, const Settings& settings) {
  if (settings.sender_timeout_ms == 0) {
    examination.add(Severity::kWarning, "wal_sender_timeout_off", "server",
                    "wal_sender_timeout is 0: after a lost connection the server may hold the slot for the old one for hours",
                    "ALTER SYSTEM SET wal_sender_timeout = '60s'; SELECT pg_reload_conf();");
  } else if (settings.sender_timeout_ms < 5000) {
    examination.add(
        Severity::kWarning, "wal_sender_timeout_short", "server",
        "wal_sender_timeout is " + std::to_string(settings.sender_timeout_ms) + " ms: a short stall of the network ends the stream",
        "ALTER SYSTEM SET wal_sender_timeout = '60s'; SELECT pg_reload_conf();");
  }
  if (settings.senders + 1 >= settings.max_senders)
    examination.add(Severity::kWarning, "few_free_senders", "server",
                    std::to_string(settings.senders) + " of max_wal_senders = " + std::to_string(settings.max_senders) + " are in use",
                    "ALTER SYSTEM SET max_wal_senders = " + std::to_string(settings.max_senders + 10) + "; -- then restart the server");
}

void judge_new_slot(const Examination& examination, std::int64_t used, std::int64_t most) {
  if (used < most) {
    examination.add(Severity::kNote, "slot_will_be_created", "slot " + examination.settings.slot,
                    "the first start creates it (" + std::to_string(most - used) + " of " + std::to_string(most) + " slots are free)");
    return;
  }
  examination.add(Severity::kError, "no_free_slot", "slot " + examination.settings.slot,
                  "all of max_replication_slots = " + std::to_string(most) + " are in use",
                  "ALTER SYSTEM SET max_replication_slots = " + std::to_string(most + 10) + "; -- then restart the server");
}

void judge_log(const Examination& examination, const SlotHealth& slot) {
  const std::string subject = "slot " + examination.settings.slot;
  SlotAlarms alarms(examination.settings.slot, examination.settings.monitor.wal_budget);
  for (const SlotAlarms::Alarm& alarm : alarms.judge(slot)) examination.add(Severity::kWarning, alarm.code, subject, alarm.message);
  examination.add(
      Severity::kNote, "slot_state", subject,
      "wal_status " + (slot.wal_status.empty() ? "unknown" : slot.wal_status) + ", " + size_text(slot.retained()) +
          " of log kept, confirmed up to " + lsn_text(slot.confirmed) + " (" + size_text(slot.lag()) + " behind), " +
          (slot.active_pid == 0 ? "nobody reads it" : "read by process " + std::to_string(slot.active_pid) + " " + slot.reader));
}

}  // namespace

Status examine_server(Examination& examination) {
  const Settings settings = SLUICE_TRY(ask_settings(examination));
  examination.add(Severity::kNote, "server", "server",
                  "PostgreSQL " + settings.version + ", database " + examination.database + ", role " + examination.role);
  judge_decoding(examination, settings);
  judge_keeping(examination, settings);
  judge_sender(examination, settings);
  if (settings.read_only)
    examination.add(Severity::kWarning, "server_read_only", "role " + examination.role,
                    "default_transaction_read_only is on: the publication can neither be created nor extended",
                    "ALTER ROLE " + examination.quoted_role() + " SET default_transaction_read_only = off;");
  return {};
}

Status examine_slot(Examination& examination) {
  const std::string& name = examination.settings.slot;
  const std::string subject = "slot " + name;
  const std::optional<SlotHealth> slot = SLUICE_TRY(slot_health(examination.connection, name, examination.stop));
  examination.slot_exists = slot.has_value();
  if (!slot) {
    const Rows rows = SLUICE_TRY(
        examination.ask("SELECT count(*), current_setting('max_replication_slots') FROM pg_replication_slots", "count the slots"));
    judge_new_slot(examination, to_integer(rows.text(0, 0)), to_integer(rows.text(0, 1)));
    return {};
  }
  const std::string drop = "SELECT pg_drop_replication_slot(" + examination.connection.literal(name) + ");";
  if (slot->plugin != "pgoutput" || slot->database != examination.database) {
    examination.add(Severity::kError, "slot_mismatch", subject,
                    "it is of plug-in \"" + slot->plugin + "\" and database \"" + slot->database + "\": give the pipeline another `slot`");
    return {};
  }
  if (slot->lost()) {
    examination.add(Severity::kError, "position_lost", subject, "the server has removed its log: " + lost_because(*slot),
                    drop + " -- then sluice resync PIPELINE");
    return {};
  }
  judge_log(examination, *slot);
  if (examination.connection.server_version() >= 170000 && examination.settings.failover && !slot->failover)
    examination.add(Severity::kNote, "slot_not_failover", subject, "it is not synchronised to standbys yet; the next start turns that on");
  return {};
}

}  // namespace sluice::sources::postgres
