#pragma once
// The publication that says which tables, columns and rows the server sends.

#include <stop_token>
#include <string>
#include <vector>

#include "core/fault_points.h"
#include "core/logger.h"
#include "core/result.h"
#include "sources/postgres_cdc/connection.h"
#include "sources/postgres_cdc/table_filter.h"

namespace sluice::sources::postgres {

// kOurs: the pipeline's own, created and changed as needed.  kTheUsers: named in the configuration; only looked at once it exists.
enum class PublicationOwner : std::uint8_t { kOurs, kTheUsers };

// A publication made now is not seen by a slot that stands before it, so it may be created only while there is no slot.
enum class PublicationCreation : std::uint8_t { kAllowed, kTooLate };

struct PublicationWish {
  std::string name;
  PublicationOwner owner = PublicationOwner::kOurs;
  PublicationCreation creation = PublicationCreation::kAllowed;
};

// Makes sure that every table of `filter` is published, from PostgreSQL 15 on with its columns and rows; partitioned tables through
// their root; from 18 on with stored generated columns.  Tables of our own publication that are no longer wanted are taken out.  A table
// that cannot be published without harm (captured_tables.h) is never added: one that only matches a pattern stops the first start;
// later it is left out with a warning.
// A change of columns or rows holds for what is written to the log after it: the server reads the publication as of each change.
// kFatal table_missing, publication_missing, publication_lacks_table, publication_without_root, publication_differs,
// filter_outside_identity, where_unsupported, and those of table_problems(), each with what mends it.
Status ensure_publication(Connection& connection, const PublicationWish& wish, const TableFilter& filter, Logger& log,
                          std::stop_token stop);

// What came of tables that match by now and were not published.
struct NewTables {
  struct Refusal {
    std::string table, cause, mend;
  };
  std::vector<std::string> published;
  std::vector<Refusal> refused;  // why others are not read
  bool again = false;            // somebody was in the way, for the moment: ask again
};

// While the stream runs: publishes what ensure_publication() would publish at the next start, table by table, so that one which cannot
// be read does not hinder the others.  Takes nothing out.  A publication that is the user's is left as it is: what it lacks is refused,
// with the SQL for it.  Errors only of the connection.
// A table that is written to just then is published beside its writers (earlier_writers.h); but on servers that would go on passing over
// it (passes_over_new_tables()) only once a moment without writers is found, for which it waits a fifth of a second.
Result<NewTables> publish_new_tables(Connection& connection, const PublicationWish& wish, const TableFilter& filter, FaultPoints& faults,
                                     Logger& log, std::stop_token stop);

// Minor releases before May 2025 (13.21, 14.18, 15.13, 16.9, 17.5: "data loss in logical replication" of their release notes): a table
// that is published while a transaction writes to it is passed over by walsenders, also after that transaction.
bool passes_over_new_tables(int server_version);

}  // namespace sluice::sources::postgres
