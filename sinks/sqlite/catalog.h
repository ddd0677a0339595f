#pragma once
// The tables of the database as this sink knows them: what columns they have, making them and adding to them.
// Valid inside one transaction; between transactions only as long as the database's schema version stays (begin()).
// Owned by the sink; its thread only.

#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/result.h"
#include "core/schema.h"
#include "storage/sqlite_database.h"

namespace sluice::sinks {

// Names of columns and tables are compared as SQLite does: ASCII letters without case.
std::string fold_case(std::string_view name);

struct SqliteColumn {
  std::string name;
  std::string_view type;  // static text; empty: none
};

class SqliteCatalog {
 public:
  static constexpr std::size_t kMaxColumns = 2000;  // SQLITE_MAX_COLUMN

  // Looks whether somebody changed the schema since the last transaction; true: everything known before, plans included, is void.
  Result<bool> begin(storage::SqliteDatabase& database);
  // After a rollback.
  void forget() { *this = {}; }
  // Just before COMMIT: our own changes do not void what we know.
  Status before_commit(storage::SqliteDatabase& database);

  // Folded names of the table's columns; empty: there is no such table.
  Result<const std::set<std::string>*> columns(storage::SqliteDatabase& database, const std::string& table);
  Status create(storage::SqliteDatabase& database, const std::string& table, const std::vector<SqliteColumn>& columns,
                const std::vector<std::string>& key);
  Status add_column(storage::SqliteDatabase& database, const std::string& table, const SqliteColumn& column);

 private:
  std::int64_t schema_version_ = -1;
  bool changed_ = false;
  std::unordered_map<std::string, std::set<std::string>> tables_;  // by folded name
};

}  // namespace sluice::sinks
