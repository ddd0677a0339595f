#pragma once
// Notices that a publication sends less than it did: a table taken out of it is not sent any more and nothing in the stream says so;
// from PostgreSQL 18 on not even a publication that is gone ends the stream.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <stop_token>
#include <string>

#include "core/result.h"
#include "sources/postgres_cdc/connection.h"
#include "sources/postgres_cdc/table_filter.h"

namespace sluice::sources::postgres {

// What a publication sends, as the catalogue says at one moment.
struct PublishedState {
  std::string oid;
  bool all_tables = false;
  bool all_operations = false;
  std::set<std::string> schemas;                                      // FOR TABLES IN SCHEMA (PostgreSQL 15)
  std::map<std::string, std::pair<std::string, std::string>> tables;  // oid of those that stand in it by name -> schema, table
};

// nullopt: there is no such publication.
Result<std::optional<PublishedState>> published_state(Connection& connection, const std::string& publication, std::stop_token stop);

// Nothing when all that `before` sent of the tables that `filter` wants is sent still (a table that was dropped is no loss).  Else
// kFatal publication_missing or publication_changed with the SQL that mends it, as a value; a failed result means that the server could
// not be asked.
Result<std::optional<Error>> publication_loss(Connection& connection, const std::string& publication, const PublishedState& before,
                                              const std::optional<PublishedState>& now, const TableFilter& filter, std::stop_token stop);

}  // namespace sluice::sources::postgres
