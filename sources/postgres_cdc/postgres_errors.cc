#include "sources/postgres_cdc/postgres_errors.h"

#include <algorithm>
#include <array>

namespace sluice::sources::postgres {

namespace {

struct Meaning {
  std::string_view state;
  std::string_view part;
  ErrorKind kind;
  std::string_view code;
  std::string_view hint;
};

// `part`: of the message, where one SQLSTATE means several things; the first that fits wins, so the general one stands last.
constexpr std::array kMeanings = {
    // Has the SQLSTATE of a missing privilege.  One quoted name that holds a comma allows no plug-in at all.
    Meaning{"42501", "output plugin", ErrorKind::kFatal, "output_plugin_refused",
            "mend: ALTER SYSTEM SET output_plugin_libraries TO pgoutput, test_decoding; SELECT pg_reload_conf(); without quotes around the "
            "list: in quotes it is one name"},
    Meaning{"28P01", "", ErrorKind::kTransient, "auth_failed", "the user or password in `url` is refused"},
    Meaning{"28000", "", ErrorKind::kTransient, "auth_failed",
            "pg_hba.conf or the role refuses this connection (a replication=database connection is an ordinary one to pg_hba.conf)"},
    Meaning{"3D000", "", ErrorKind::kFatal, "database_missing", "the database in `url` does not exist"},
    Meaning{"42501", "for database", ErrorKind::kFatal, "missing_privilege",
            "mend: GRANT CREATE ON DATABASE <database> TO <role>; or create the publication by hand and name it in `publication`"},
    Meaning{"42501", "must be owner of", ErrorKind::kFatal, "missing_privilege",
            "only the owner of a table may publish it: create the publication by hand as the owner or a superuser and name it in "
            "`publication`"},
    Meaning{"42501", "permission denied for", ErrorKind::kFatal, "missing_privilege",
            "mend: GRANT USAGE ON SCHEMA <schema> TO <role>; GRANT SELECT ON <table> TO <role>;"},
    Meaning{"42501", "", ErrorKind::kFatal, "missing_privilege", "mend: ALTER ROLE <role> REPLICATION;"},
    Meaning{"55006", "", ErrorKind::kTransient, "slot_in_use",
            "another process reads from the slot; end it, or wait until the server notices that it is gone"},
    Meaning{"58P01", "", ErrorKind::kFatal, "position_lost", "the server no longer has the log from here on; mend: sluice resync PIPELINE"},
    Meaning{"55000", "wal_level", ErrorKind::kFatal, "wal_level_not_logical",
            "mend: ALTER SYSTEM SET wal_level = logical; then restart the server"},
    Meaning{"55000", "replication slot", ErrorKind::kFatal, "position_lost",
            "the server has given the slot up and removed its log; mend: sluice resync PIPELINE"},
    Meaning{"55P03", "", ErrorKind::kTransient, "lock_timeout", "another session holds a lock on the table"},
    // The slot went away between two questions: the next session sees that it is gone.
    Meaning{"42704", "replication slot", ErrorKind::kTransient, "server_error", "the slot was just dropped"},
    Meaning{"42704", "", ErrorKind::kFatal, "publication_missing",
            "a publication must exist since before the position it is read from; mend: sluice resync PIPELINE"},
    Meaning{"53400", "", ErrorKind::kTransient, "no_free_slot",
            "mend: drop a slot that nobody needs, SELECT slot_name FROM pg_replication_slots WHERE NOT active; or ALTER SYSTEM SET "
            "max_replication_slots = <more>; then restart the server"},
    Meaning{"53300", "max_wal_senders", ErrorKind::kTransient, "no_free_sender",
            "mend: end a reader that nobody needs, SELECT * FROM pg_stat_replication; or ALTER SYSTEM SET max_wal_senders = <more>; then "
            "restart the server"},
    Meaning{"53300", "", ErrorKind::kTransient, "too_many_connections",
            "mend: end connections that nobody needs, or raise max_connections or the role's CONNECTION LIMIT"},
    Meaning{
        "25006", "", ErrorKind::kTransient, "server_read_only",
        "the server or the role refuses writes (default_transaction_read_only, or it has become a standby); mend: allow them, or create "
        "the publication by hand and name it in `publication`"},
};

bool is_state(std::string_view text) {
  return text.size() == 5 && std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); });
}

std::string one_line(std::string_view message) {
  while (!message.empty() && (message.back() == '\n' || message.back() == ' ')) message.remove_suffix(1);
  std::string result;
  for (const char c : message) result += c == '\n' ? std::string("; ") : std::string(1, c);
  return result;
}

}  // namespace

std::string_view state_in_message(std::string_view message) {
  for (std::size_t at = message.find(":  "); at != std::string_view::npos; at = message.find(":  ", at + 1)) {
    const std::string_view state = message.substr(std::min(at + 3, message.size()), 5);
    if (is_state(state) && message.substr(at + 3 + state.size()).starts_with(':')) return state;
  }
  return {};
}

Error postgres_error(std::string_view state, std::string_view message, std::string_view doing) {
  std::string text = std::string(doing) + ": " + (message.empty() ? "the server closed the connection" : one_line(message));
  for (const Meaning& meaning : kMeanings) {
    if (meaning.state == state && message.find(meaning.part) != std::string_view::npos)
      return {meaning.kind, meaning.code, text + " (" + std::string(meaning.hint) + ")"};
  }
  const bool connection = state.empty() || state.starts_with("08") || state.starts_with("57P");
  return {ErrorKind::kTransient, connection ? "connection_lost" : "server_error",
          text + (state.empty() ? "" : " [" + std::string(state) + "]")};
}

}  // namespace sluice::sources::postgres
