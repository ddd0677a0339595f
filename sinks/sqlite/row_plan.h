#pragma once
// How the records of one schema become statements on one table.  Made once per (table, schema); its statements stay prepared.
//
//   append   every record is a row: _op, _id, _unchanged (JSON list of names, NULL if none), then the fields.  Deletes and truncates too.
//   upsert   read, insert, update    INSERT .. ON CONFLICT (key) DO UPDATE
//            with unchanged columns  UPDATE of the others (G16); without such a row: rejected as value_unavailable
//            with a changed key      UPDATE where the old key is (G17); without such a row: as an insert
//            delete                  DELETE, or UPDATE SET <column> = time of the delete (soft), or nothing (ignore)
//            truncate                the same for every row
// Owned by the sink; its thread only.  Errors: kBadRecord for the record (the statement was undone), anything else is the sink's.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/batch.h"
#include "sinks/sqlite/catalog.h"
#include "sinks/sqlite/value_binding.h"
#include "storage/sqlite_database.h"

namespace sluice::sinks {

enum class SqliteMode : std::uint8_t { kAppend, kUpsert };
enum class SqliteColumns : std::uint8_t { kAdd, kFixed };

struct DeletePolicy {
  enum class Kind : std::uint8_t { kApply, kIgnore, kSoft } kind = Kind::kApply;
  std::string column;  // kSoft
};

struct TableRules {
  SqliteMode mode = SqliteMode::kAppend;
  SqliteColumns columns = SqliteColumns::kAdd;
  std::vector<std::string> key;  // empty: the source's
  DeletePolicy deletes;
};

class RowPlan {
 public:
  RowPlan(std::string table, const Schema& schema, const TableRules& rules);

  // Checks the names, makes the table or adds columns.  Its kBadRecord holds for every record of the schema.
  Status prepare(storage::SqliteDatabase& database, SqliteCatalog& catalog);
  Status apply(storage::SqliteDatabase& database, ValueBinder& binder, const Batch& batch, const Record& record);

  std::uint64_t schema_id() const { return schema_id_; }
  const std::string& table() const { return table_; }

 private:
  struct Column {
    std::string name;
    std::string quoted;
    std::string_view type;
    bool is_key = false;
  };
  using Row = std::span<const Value>;

  Status check_names() const;
  Status find_key();
  std::vector<SqliteColumn> wanted_columns() const;

  Status append(storage::SqliteDatabase& database, ValueBinder& binder, const Batch& batch, const Record& record);
  Status upsert(storage::SqliteDatabase& database, ValueBinder& binder, const Record& record);
  Status insert_or_replace(storage::SqliteDatabase& database, ValueBinder& binder, Row row);
  Status update(storage::SqliteDatabase& database, ValueBinder& binder, const Record& record, bool key_moved, bool unchanged);
  Status remove(storage::SqliteDatabase& database, ValueBinder& binder, const Batch& batch, const Record& record);
  Status truncate(storage::SqliteDatabase& database, ValueBinder& binder, const Batch& batch, const Record& record);

  const Value* new_key_value(const Record& record, std::size_t i) const;
  const Value* old_key_value(const Record& record, std::size_t i) const;
  Status check_key(const Record& record) const;
  bool key_moved(const Record& record) const;

  std::string insert_sql() const;
  std::string upsert_sql() const;
  std::string update_sql(const std::string& mask) const;
  std::string remove_sql() const;
  std::string where_key() const;
  bool resets_soft_column() const { return soft_ && !soft_is_field_; }

  const std::string table_;
  const std::string quoted_table_;
  const std::uint64_t schema_id_;
  const TableRules& rules_;
  std::vector<std::string> source_key_;  // names of the schema's key
  std::vector<Column> columns_;          // by slot
  std::vector<std::uint32_t> key_;       // slots
  bool own_key_ = false;                 // key_ is the source's, so Record::key holds its values
  const bool soft_;
  bool soft_is_field_ = false;

  std::optional<storage::SqliteStatement> insert_, upsert_, remove_, truncate_;
  std::map<std::string, storage::SqliteStatement> updates_;  // by what is set
  std::string identity_, unchanged_, mask_, time_;           // buffers
};

}  // namespace sluice::sinks
