#pragma once
// The publication that says which tables, columns and rows the server sends.

#include <stop_token>
#include <string>

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

}  // namespace sluice::sources::postgres
