#pragma once
// The publication that says which tables the server sends.

#include <stop_token>
#include <string>

#include "core/logger.h"
#include "core/result.h"
#include "sources/postgres_cdc/connection.h"
#include "sources/postgres_cdc/table_filter.h"

namespace sluice::sources::postgres {

// kOurs: the pipeline's own, created and extended as needed.  kTheUsers: named in the configuration; only looked at once it exists.
enum class PublicationOwner : std::uint8_t { kOurs, kTheUsers };

// A publication made now is not seen by a slot that stands before it, so it may be created only while there is no slot.
enum class PublicationCreation : std::uint8_t { kAllowed, kTooLate };

struct PublicationWish {
  std::string name;
  PublicationOwner owner = PublicationOwner::kOurs;
  PublicationCreation creation = PublicationCreation::kAllowed;
};

// Makes sure that every table of `filter` is published.  Tables without a replica identity are never added: the server would refuse
// their updates and deletes to everybody from then on.  One that only matches a pattern stops the first start; later it is left out
// with a warning.
// kFatal table_missing, publication_missing, no_replica_identity, publication_lacks_table, publication_lacks_operations, each with the SQL
// that mends it.
Status ensure_publication(Connection& connection, const PublicationWish& wish, const TableFilter& filter, Logger& log,
                          std::stop_token stop);

}  // namespace sluice::sources::postgres
