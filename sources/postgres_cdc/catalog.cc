#include "sources/postgres_cdc/catalog.h"

#include <charconv>

namespace sluice::sources::postgres {

namespace {

using namespace std::chrono_literals;

template <typename T>
T to_number(std::string_view text) {
  T number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

Error unexpected(std::string_view what) {
  return {ErrorKind::kTransient, "server_error", std::string(what) + ": unexpected answer of the server"};
}

}  // namespace

Result<ServerIdentity> identify_server(Connection& connection, std::stop_token stop) {
  constexpr std::string_view kDoing = "identify the PostgreSQL server";
  const Rows system = SLUICE_TRY(connection.query("IDENTIFY_SYSTEM", kDoing, stop));
  if (system.count() != 1) return unexpected(kDoing);
  ServerIdentity server;
  server.system_id = system.text(0, 0);
  server.timeline = to_number<std::uint32_t>(system.text(0, 1));
  server.flushed = parse_lsn(system.text(0, 2)).value_or(0);
  server.database = system.text(0, 3);
  const Rows settings =
      SLUICE_TRY(connection.query("SELECT current_setting('wal_level'), pg_is_in_recovery(), (SELECT setting FROM pg_settings WHERE name = "
                                  "'wal_sender_timeout'), current_setting('server_encoding')",
                                  kDoing, stop));
  if (settings.count() != 1) return unexpected(kDoing);
  if (settings.text(0, 1) == "t") {
    return Error(ErrorKind::kTransient, "server_is_standby", std::string(kDoing) + ": it is a standby; `url` must lead to the primary");
  }
  if (settings.text(0, 0) != "logical") {
    return Error(ErrorKind::kFatal, "wal_level_not_logical",
                 "the server's wal_level is \"" + std::string(settings.text(0, 0)) +
                     "\", changes can be read with \"logical\" (mend: ALTER SYSTEM SET wal_level = logical; then restart the server)");
  }
  if (settings.text(0, 3) == "SQL_ASCII") {
    return Error(ErrorKind::kFatal, "encoding_unsupported",
                 "the database \"" + server.database + "\" has the encoding SQL_ASCII, which does not say what its text means");
  }
  server.wal_sender_timeout = std::chrono::milliseconds(to_number<std::int64_t>(settings.text(0, 2)));
  return server;
}

Result<CreatedSlot> create_slot(Connection& connection, const std::string& name, SlotFailover failover, SlotSnapshot snapshot,
                                std::stop_token stop) {
  const std::string doing = "create the replication slot \"" + name + "\"";
  const bool follows = failover == SlotFailover::kOn && connection.server_version() >= kFailoverVersion;
  const bool exported = snapshot == SlotSnapshot::kExported;
  const std::string word = exported ? "export" : "nothing";
  const std::string options = follows ? "(SNAPSHOT '" + word + "', FAILOVER true)" : exported ? "EXPORT_SNAPSHOT" : "NOEXPORT_SNAPSHOT";
  const Rows rows = SLUICE_TRY(
      connection.query("CREATE_REPLICATION_SLOT " + connection.identifier(name) + " LOGICAL pgoutput " + options, doing, stop, 60s));
  const std::optional<Lsn> lsn = rows.count() == 1 ? parse_lsn(rows.text(0, 1)) : std::nullopt;
  if (!lsn) return unexpected(doing);
  return CreatedSlot{*lsn, std::string(rows.text(0, 2))};
}

Status enable_failover(Connection& connection, const std::string& name, std::stop_token stop) {
  SLUICE_TRY(connection.query("ALTER_REPLICATION_SLOT " + connection.identifier(name) + " (FAILOVER true)",
                              "let the replication slot \"" + name + "\" follow to standbys", stop));
  return {};
}

std::optional<Lsn> switch_in_history(std::string_view history, std::uint32_t ours) {
  while (!history.empty()) {
    const std::size_t end = history.find('\n');
    const std::string_view line = history.substr(0, end);
    history = end == std::string_view::npos ? std::string_view() : history.substr(end + 1);
    const std::size_t tab = line.find('\t');
    if (tab == std::string_view::npos || to_number<std::uint32_t>(line.substr(0, tab)) != ours) continue;
    const std::string_view rest = line.substr(tab + 1);
    return parse_lsn(rest.substr(0, rest.find('\t')));
  }
  return std::nullopt;
}

Result<std::optional<Lsn>> timeline_switch(Connection& connection, std::uint32_t current, std::uint32_t ours, std::stop_token stop) {
  const Rows rows = SLUICE_TRY(connection.query("TIMELINE_HISTORY " + std::to_string(current), "read the server's timeline history", stop));
  if (rows.count() != 1) return unexpected("read the server's timeline history");
  return switch_in_history(rows.text(0, 1), ours);
}

}  // namespace sluice::sources::postgres
