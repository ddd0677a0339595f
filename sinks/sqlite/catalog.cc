#include "sinks/sqlite/catalog.h"

namespace sluice::sinks {

std::string fold_case(std::string_view name) {
  std::string result(name);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

Result<bool> SqliteCatalog::begin(storage::SqliteDatabase& database) {
  const auto version = SLUICE_TRY(database.query_int64("PRAGMA schema_version"));
  if (version.value_or(0) == schema_version_) return false;
  forget();
  schema_version_ = version.value_or(0);
  return true;
}

Status SqliteCatalog::before_commit(storage::SqliteDatabase& database) {
  if (!changed_) return {};
  changed_ = false;
  schema_version_ = SLUICE_TRY(database.query_int64("PRAGMA schema_version")).value_or(0);
  return {};
}

Result<const std::set<std::string>*> SqliteCatalog::columns(storage::SqliteDatabase& database, const std::string& table) {
  const std::string folded = fold_case(table);
  const auto known = tables_.find(folded);
  if (known != tables_.end()) return &known->second;
  auto statement = SLUICE_TRY(database.prepare("SELECT name FROM pragma_table_info(?1)"));
  statement.bind_text(1, table);
  std::set<std::string> names;
  while (true) {
    const bool row = SLUICE_TRY(statement.step());
    if (!row) break;
    names.insert(fold_case(statement.column_text(0)));
  }
  return &(tables_[folded] = std::move(names));
}

Status SqliteCatalog::create(storage::SqliteDatabase& database, const std::string& table, const std::vector<SqliteColumn>& columns,
                             const std::vector<std::string>& key) {
  std::string sql = "CREATE TABLE " + storage::quote_identifier(table) + " (";
  std::set<std::string> names;
  for (const SqliteColumn& column : columns) {
    if (!names.empty()) sql += ", ";
    sql += storage::quote_identifier(column.name);
    sql += ' ';
    sql += column.type;
    names.insert(fold_case(column.name));
  }
  for (std::size_t i = 0; i < key.size(); ++i) sql += (i == 0 ? ", PRIMARY KEY (" : ", ") + storage::quote_identifier(key[i]);
  sql += key.empty() ? ")" : "))";
  changed_ = true;
  SLUICE_TRY(database.execute(sql));
  tables_[fold_case(table)] = std::move(names);
  return {};
}

Status SqliteCatalog::add_column(storage::SqliteDatabase& database, const std::string& table, const SqliteColumn& column) {
  changed_ = true;
  SLUICE_TRY(database.execute("ALTER TABLE " + storage::quote_identifier(table) + " ADD COLUMN " + storage::quote_identifier(column.name) +
                              " " + std::string(column.type)));
  tables_[fold_case(table)].insert(fold_case(column.name));
  return {};
}

}  // namespace sluice::sinks
