#include "sources/postgres_cdc/postgres_errors.h"

#include <algorithm>
#include <array>

namespace sluice::sources::postgres {

namespace {

struct Meaning {
  std::string_view state;
  ErrorKind kind;
  std::string_view code;
  std::string_view hint;
};

constexpr std::array kMeanings = {
    Meaning{"28P01", ErrorKind::kTransient, "auth_failed", "the user or password in `url` is refused"},
    Meaning{"28000", ErrorKind::kTransient, "auth_failed",
            "pg_hba.conf or the role refuses this connection (a replication=database connection is an ordinary one to pg_hba.conf)"},
    Meaning{"3D000", ErrorKind::kFatal, "database_missing", "the database in `url` does not exist"},
    Meaning{"42501", ErrorKind::kFatal, "missing_privilege",
            "the role needs: ALTER ROLE <role> REPLICATION; and to create the publication it must own the tables and have CREATE on the "
            "database"},
    Meaning{"55006", ErrorKind::kTransient, "slot_in_use",
            "another process reads from the slot; end it, or wait until the server notices that it is gone"},
    Meaning{"58P01", ErrorKind::kFatal, "position_lost", "the server no longer has the log from here on"},
    Meaning{"42704", ErrorKind::kFatal, "publication_missing", "a publication must exist since before the position it is read from"},
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
  // Has the SQLSTATE of a missing privilege (42501).  One quoted name that holds a comma allows no plug-in at all.
  if (message.find("output plugin") != std::string_view::npos) {
    return {ErrorKind::kFatal, "output_plugin_refused",
            text + " (mend: ALTER SYSTEM SET output_plugin_libraries TO pgoutput, test_decoding; SELECT pg_reload_conf(); without quotes "
                   "around the list: quoted it is one name)"};
  }
  for (const Meaning& meaning : kMeanings) {
    if (meaning.state == state) return {meaning.kind, meaning.code, text + " (" + std::string(meaning.hint) + ")"};
  }
  const bool connection = state.empty() || state.starts_with("08") || state.starts_with("57P");
  return {ErrorKind::kTransient, connection ? "connection_lost" : "server_error",
          text + (state.empty() ? "" : " [" + std::string(state) + "]")};
}

}  // namespace sluice::sources::postgres
