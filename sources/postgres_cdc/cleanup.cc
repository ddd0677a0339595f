#include "sources/postgres_cdc/cleanup.h"

#include "sources/postgres_cdc/made_note.h"
#include "sources/postgres_cdc/publication_watch.h"
#include "sources/postgres_cdc/slot_health.h"

namespace sluice::sources::postgres {

namespace {

struct Cleaning {
  Connection& connection;
  const SessionSettings& settings;
  const std::string& system_id;
  const MadeNote& made;
  std::stop_token stop;

  Status run(const std::string& sql, std::string_view doing) {
    SLUICE_TRY(connection.query(sql, doing, stop));
    return {};
  }

  // Our own last session may be there still, of a process that was killed.
  Status end_reader(const SlotHealth& slot) {
    if (slot.active_pid == 0) return {};
    const std::string pid = std::to_string(slot.active_pid);
    if (!settings.unique_application || slot.reader_application != settings.connect.application_name)
      return Error(ErrorKind::kTransient, "slot_in_use",
                   "drop the replication slot \"" + settings.slot + "\": process " + pid + " of the server reads from it" +
                       (slot.reader.empty() ? "" : " for " + slot.reader) + " (mend: stop the pipeline first)");
    return run("SELECT pg_terminate_backend(" + pid + (connection.server_version() >= 140000 ? ", 5000)" : ")"), "end the last session");
  }

  Status slot(std::vector<std::string>& lines) {
    const std::optional<SlotHealth> found = SLUICE_TRY(slot_health(connection, settings.slot, stop));
    if (!found) return {};
    const std::string sql = "SELECT pg_drop_replication_slot(" + connection.literal(settings.slot) + ")";
    const std::string name = "the replication slot \"" + settings.slot + "\"";
    if (!SLUICE_TRY(made.holds(MadeNote::Kind::kSlot, system_id, settings.slot)) || found->plugin != "pgoutput") {
      lines.push_back("left " + name + ": this pipeline did not make it (to drop it: " + sql + ";)");
      return {};
    }
    SLUICE_TRY(end_reader(*found));
    SLUICE_TRY(run(sql, "drop " + name));
    lines.push_back("dropped " + name);
    return {};
  }

  Status publication(std::vector<std::string>& lines) {
    if (!SLUICE_TRY(published_state(connection, settings.publication, stop))) return {};
    const std::string sql = "DROP PUBLICATION IF EXISTS " + connection.identifier(settings.publication);
    const std::string name = "the publication \"" + settings.publication + "\"";
    if (!SLUICE_TRY(made.holds(MadeNote::Kind::kPublication, system_id, settings.publication))) {
      lines.push_back("left " + name + ": this pipeline did not make it (to drop it: " + sql + ";)");
      return {};
    }
    SLUICE_TRY(run(sql, "drop " + name));
    lines.push_back("dropped " + name);
    return {};
  }
};

}  // namespace

Result<std::vector<std::string>> clean_up(const SessionSettings& settings, FaultPoints& faults, std::stop_token stop) {
  std::vector<std::string> lines;
  if (settings.snapshot == SnapshotMode::kOnly) return lines;
  const ConnectOptions options{settings.connect.url, settings.connect.application_name + " cleanup"};
  const ServerName server = SLUICE_TRY(server_name(options, stop));
  Connection connection = SLUICE_TRY(Connection::connect(options, Connection::Mode::kSql, stop));
  const MadeNote made(settings.state_directory, settings.component);
  Cleaning cleaning{connection, settings, server.system_id, made, stop};
  faults.reach("postgres_cdc.before_cleanup_slot");
  SLUICE_TRY(cleaning.slot(lines));
  faults.reach("postgres_cdc.after_cleanup_slot");
  SLUICE_TRY(cleaning.publication(lines));
  faults.reach("postgres_cdc.after_cleanup_publication");
  SlotIntent(settings.state_directory, settings.component).remove();
  publication_note(settings, server.system_id).remove();
  made.remove();
  return lines;
}

}  // namespace sluice::sources::postgres
