#pragma once
// What the server makes of the row filters in `tables`, without leaving anything behind.

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "core/result.h"
#include "sources/postgres_cdc/captured_tables.h"
#include "sources/postgres_cdc/connection.h"

namespace sluice::sources::postgres {

struct ProbedFilter {
  std::uint32_t table = 0;                    // oid
  std::string expression;                     // as the server spells it, to compare with that of a publication
  std::vector<std::string> outside_identity;  // columns that it uses and the replica identity has not
};

// Of those tables whose rule has a `where`.  Creates a publication in a transaction that is rolled back: PostgreSQL 15 or later, and
// the rights that the creation of a publication needs (kFatal missing_privilege).  kFatal where_invalid with the server's reason.
Result<std::vector<ProbedFilter>> probe_row_filters(Connection& connection, const std::vector<CapturedTable>& tables, std::stop_token stop);

}  // namespace sluice::sources::postgres
