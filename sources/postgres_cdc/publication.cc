#include "sources/postgres_cdc/publication.h"

#include <algorithm>
#include <set>
#include <vector>

namespace sluice::sources::postgres {

namespace {

struct Table {
  std::string schema, name;
  bool has_identity = false;
  bool is_partition = false;
  bool is_named = false;  // not only matched by a pattern
};

using TableName = std::pair<std::string, std::string>;

Result<std::vector<Table>> wanted_tables(Connection& connection, const TableFilter& filter, std::stop_token stop) {
  const Rows rows = SLUICE_TRY(connection.query(
      "SELECT n.nspname, c.relname, c.relispartition, c.relreplident IN ('f', 'i') OR c.relreplident = 'd' AND EXISTS "
      "  (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary) "
      "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p' "
      "  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg_toast%' ORDER BY 1, 2",
      "look up the tables", stop));
  std::vector<Table> tables;
  for (int row = 0; row < rows.count(); ++row) {
    Table table{std::string(rows.text(row, 0)), std::string(rows.text(row, 1)), rows.text(row, 3) == "t", rows.text(row, 2) == "t", false};
    if (!filter.wants(table.schema, table.name)) continue;
    // Partitions come as rows of their parent; one may be named, but `*` does not mean them.
    table.is_named = std::any_of(filter.include.begin(), filter.include.end(), [&](const TableRule& rule) {
      return rule.pattern.is_literal() && rule.pattern.matches(table.schema, table.name);
    });
    if (!table.is_partition || table.is_named) tables.push_back(std::move(table));
  }
  return tables;
}

Status check_all_found(const TableFilter& filter, const std::vector<Table>& tables) {
  for (const auto& [pattern, columns, where, key] : filter.include) {
    const bool found =
        std::any_of(tables.begin(), tables.end(), [&](const Table& table) { return pattern.matches(table.schema, table.name); });
    if (found || (!pattern.is_literal() && !tables.empty())) continue;
    return Error(ErrorKind::kFatal, "table_missing",
                 "find the tables to read: there is no table \"" + pattern.text() + "\" in the database");
  }
  return {};
}

std::string sql_name(const Connection& connection, const Table& table) {
  return connection.identifier(table.schema) + '.' + connection.identifier(table.name);
}

std::string sql_list(const Connection& connection, const std::vector<Table>& tables) {
  std::string list;
  for (const Table& table : tables) list += (list.empty() ? "" : ", ") + sql_name(connection, table);
  return list;
}

Status check_identity(const Connection& connection, const std::vector<Table>& tables) {
  for (const Table& table : tables) {
    if (table.has_identity) continue;
    return Error(ErrorKind::kFatal, "no_replica_identity",
                 "publish " + table.schema + '.' + table.name +
                     ": it has no primary key and no replica identity, so the server would refuse every update and delete of it from then "
                     "on (mend: ALTER TABLE " +
                     sql_name(connection, table) + " REPLICA IDENTITY FULL; or give it a primary key)");
  }
  return {};
}

struct Publication {
  bool exists = false;
  bool all_operations = false;
  std::set<TableName> tables;
};

Result<Publication> find_publication(Connection& connection, const std::string& name, std::stop_token stop) {
  const std::string doing = "look up the publication \"" + name + "\"";
  const Rows found = SLUICE_TRY(connection.query(
      "SELECT pubinsert AND pubupdate AND pubdelete AND pubtruncate FROM pg_publication WHERE pubname = " + connection.literal(name), doing,
      stop));
  Publication publication;
  publication.exists = found.count() == 1;
  if (!publication.exists) return publication;
  publication.all_operations = found.text(0, 0) == "t";
  const Rows tables = SLUICE_TRY(
      connection.query("SELECT schemaname, tablename FROM pg_publication_tables WHERE pubname = " + connection.literal(name), doing, stop));
  for (int row = 0; row < tables.count(); ++row) publication.tables.emplace(tables.text(row, 0), tables.text(row, 1));
  return publication;
}

constexpr std::string_view kOperations = "publish = 'insert, update, delete, truncate'";

Status create_publication(Connection& connection, const std::string& name, const std::vector<Table>& tables, std::stop_token stop) {
  SLUICE_TRY(check_identity(connection, tables));
  // The root of a partitioned table stands for its partitions (PostgreSQL 13).
  const std::string root = connection.server_version() >= 130000 ? ", publish_via_partition_root = true" : "";
  SLUICE_TRY(connection.query("CREATE PUBLICATION " + connection.identifier(name) + " FOR TABLE " + sql_list(connection, tables) +
                                  " WITH (" + std::string(kOperations) + root + ")",
                              "create the publication \"" + name + "\"", stop));
  return {};
}

Status check_operations(Connection& connection, const std::string& name, PublicationOwner owner, Logger& log, std::stop_token stop) {
  const std::string mend = "ALTER PUBLICATION " + connection.identifier(name) + " SET (" + std::string(kOperations) + ")";
  if (owner == PublicationOwner::kTheUsers) {
    log.warning("the publication leaves out some operations: they are not seen", {{"publication", name}, {"mend", mend + ";"}});
    return {};
  }
  SLUICE_TRY(connection.query(mend, "change the publication \"" + name + "\"", stop));
  return {};
}

// A table that came later and cannot be published without harm must not stop those that are read already, unless it is named.
void leave_out_harmful(std::vector<Table>& tables, Logger& log) {
  std::erase_if(tables, [&](const Table& table) {
    const bool harmful = !table.has_identity && !table.is_named;
    if (harmful)
      log.warning("a table that matches `tables` is not read: it has no primary key and no replica identity",
                  {{"table", table.schema + '.' + table.name}});
    return harmful;
  });
}

}  // namespace

Status ensure_publication(Connection& connection, const PublicationWish& wish, const TableFilter& filter, Logger& log,
                          std::stop_token stop) {
  const auto& [name, owner, creation] = wish;
  const std::vector<Table> tables = SLUICE_TRY(wanted_tables(connection, filter, stop));
  SLUICE_TRY(check_all_found(filter, tables));
  const Publication publication = SLUICE_TRY(find_publication(connection, name, stop));
  if (!publication.exists) {
    if (creation == PublicationCreation::kAllowed) return create_publication(connection, name, tables, stop);
    return Error(
        ErrorKind::kFatal, "publication_missing",
        "the publication \"" + name + "\" is gone while its slot is there: changes made without it cannot be read (mend: sluice resync)");
  }
  if (!publication.all_operations) SLUICE_TRY(check_operations(connection, name, owner, log, stop));
  std::vector<Table> missing;
  for (const Table& table : tables) {
    if (!publication.tables.contains({table.schema, table.name})) missing.push_back(table);
  }
  leave_out_harmful(missing, log);
  if (missing.empty()) return {};
  const std::string mend = "ALTER PUBLICATION " + connection.identifier(name) + " ADD TABLE " + sql_list(connection, missing);
  if (owner == PublicationOwner::kTheUsers) {
    return Error(ErrorKind::kFatal, "publication_lacks_table",
                 "the publication \"" + name + "\" does not hold " + sql_list(connection, missing) + " (mend: " + mend + ";)");
  }
  SLUICE_TRY(check_identity(connection, missing));
  SLUICE_TRY(connection.query(mend, "extend the publication \"" + name + "\"", stop));
  return {};
}

}  // namespace sluice::sources::postgres
