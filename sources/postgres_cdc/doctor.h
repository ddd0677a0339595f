#pragma once
// `sluice doctor` for a PostgreSQL source: what in the server, the slot, the publication and the tables would stop the pipeline, lose
// something or do harm, each with the SQL that mends it.  It changes nothing on the server.  Codes are those of the errors that a run
// would report where there is one; docs/operations/doctor.md lists all.

#include <vector>

#include "core/doctor.h"
#include "sources/postgres_cdc/config.h"

namespace sluice::sources::postgres {

// Connects twice (SQL and replication); up to a few times 15 s.  A server that cannot be reached is a finding.
std::vector<DoctorFinding> examine(const PostgresCdcConfig& config, const DoctorContext& context);

}  // namespace sluice::sources::postgres
