#pragma once
// What an error of PostgreSQL or libpq means to the pipeline.

#include <string>
#include <string_view>

#include "core/result.h"

namespace sluice::sources::postgres {

// `state`: the SQLSTATE (documentation, appendix A) or empty when the connection itself failed; `message`: the server's or libpq's,
// for the operator.  `doing`: what was tried.
//   kTransient  auth_failed (a password may be rotated), slot_in_use, no_free_slot, no_free_sender, too_many_connections,
//               server_read_only, connection_lost, and everything unknown as server_error
//   kFatal      missing_privilege, position_lost (log removed), publication_missing, database_missing, output_plugin_refused,
//               wal_level_not_logical
Error postgres_error(std::string_view state, std::string_view message, std::string_view doing);

// The SQLSTATE in a connection error of libpq with verbose messages: "FATAL:  28P01: password ..."; empty if there is none.
std::string_view state_in_message(std::string_view message);

}  // namespace sluice::sources::postgres
