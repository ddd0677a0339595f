#pragma once
// Notices that a publication sends less than it did: a table taken out of it is not sent any more and nothing in the stream says so;
// from PostgreSQL 18 on not even a publication that is gone ends the stream.

#include <optional>
#include <set>
#include <stop_token>
#include <string>

#include "core/fault_points.h"
#include "core/result.h"
#include "sources/postgres_cdc/connection.h"
#include "sources/postgres_cdc/table_filter.h"

namespace sluice::sources::postgres {

// What a publication sends, as the catalogue says at one moment.  Objects by oid, as text: names can change without any loss.
struct PublishedState {
  std::string oid;
  bool all_tables = false;
  bool all_operations = false;
  std::set<std::string> schemas;  // FOR TABLES IN SCHEMA (PostgreSQL 15)
  std::set<std::string> tables;   // those that stand in it one by one

  bool operator==(const PublishedState&) const = default;
};

// nullopt: there is no such publication.
Result<std::optional<PublishedState>> published_state(Connection& connection, const std::string& publication, std::stop_token stop);

// Nothing when all that `before` sent of the tables that `filter` wants is sent still (a table that was dropped is no loss).  Else
// kFatal publication_missing or publication_changed with the SQL that mends it, as a value; a failed result means that the server could
// not be asked.
Result<std::optional<Error>> publication_loss(Connection& connection, const std::string& publication, const PublishedState& before,
                                              const std::optional<PublishedState>& now, const TableFilter& filter, std::stop_token stop);

// The state as of the last session, kept in the pipeline's folder, so that a table that somebody took out while the pipeline was stopped
// is not put back without a word.  A note that is missing is no error: there is nothing to compare with then.
class PublicationNote {
 public:
  // `folder` empty: nothing is kept.  `owner`: system id and publication; a note of another is as good as none.
  PublicationNote(const std::string& folder, const std::string& component, std::string owner)
      : path_(folder.empty() ? "" : folder + '/' + component + ".published"), owner_(std::move(owner)) {}

  Result<std::optional<PublishedState>> read() const;
  // Durable when it returns.  Errors of storage/durable_file.h.
  Status write(const PublishedState& state, FaultPoints& faults) const;
  // Best effort.
  void remove() const;

 private:
  const std::string path_, owner_;
};

// Writes what the publication sends now into the note, if that is another than there; nothing without a publication.
Status remember_published(Connection& connection, const PublicationNote& note, const std::string& publication, FaultPoints& faults,
                          std::stop_token stop);

// A text that changes when a table came, went, was renamed, got a replica identity, or was published or taken out.  `publication` need
// not exist.
Result<std::string> tables_digest(Connection& connection, const std::string& publication, std::stop_token stop);

}  // namespace sluice::sources::postgres
