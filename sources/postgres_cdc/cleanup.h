#pragma once
// Removes what a pipeline has made at its server: the slot, which else keeps the server's log until its disk is full, and the publication.

#include <stop_token>
#include <string>
#include <vector>

#include "core/fault_points.h"
#include "core/result.h"
#include "sources/postgres_cdc/session.h"

namespace sluice::sources::postgres {

// What the pipeline's folder says it made (made_note.h) and nothing else.  A line for each thing removed, and for each that is there under
// the name in use and was left, with the SQL that removes it.  Again after a failure or a crash: what is gone is no error.
// kTransient slot_in_use while somebody reads from the slot; else of the connection.  kFatal missing_privilege.
Result<std::vector<std::string>> clean_up(const SessionSettings& settings, FaultPoints& faults, std::stop_token stop);

}  // namespace sluice::sources::postgres
