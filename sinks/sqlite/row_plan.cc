#include "sinks/sqlite/row_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/civil_time.h"
#include "formats/json_writer.h"

namespace sluice::sinks {

namespace {

// Statements for different sets of unchanged columns that one plan keeps; beyond it they are prepared anew.
constexpr std::size_t kMaxUpdates = 64;

constexpr std::string_view kOp = "_op";
constexpr std::string_view kId = "_id";
constexpr std::string_view kUnchanged = "_unchanged";

Error bad_record(std::string_view code, std::string message) { return Error(ErrorKind::kBadRecord, code, std::move(message)); }

bool has_unchanged(std::span<const Value> row) {
  return std::any_of(row.begin(), row.end(), [](const Value& value) { return value.is_unchanged(); });
}

// "?, ?, ?"
std::string placeholders(std::size_t count) {
  std::string result;
  for (std::size_t i = 0; i < count; ++i) result += i == 0 ? "?" : ", ?";
  return result;
}

Result<storage::SqliteStatement*> prepared(std::optional<storage::SqliteStatement>& statement, storage::SqliteDatabase& database,
                                           const std::string& sql) {
  if (!statement) statement = SLUICE_TRY(database.prepare(sql));
  return &*statement;
}

}  // namespace

RowPlan::RowPlan(std::string table, const Schema& schema, const TableRules& rules)
    : table_(std::move(table)),
      quoted_table_(storage::quote_identifier(table_)),
      schema_id_(schema.id()),
      rules_(rules),
      soft_(rules.deletes.kind == DeletePolicy::Kind::kSoft) {
  for (const Field& field : schema.fields()) {
    columns_.push_back({field.name, storage::quote_identifier(field.name), declared_sqlite_type(field.type)});
    soft_is_field_ = soft_is_field_ || (soft_ && fold_case(field.name) == fold_case(rules.deletes.column));
  }
  for (const std::uint32_t slot : schema.key()) source_key_.push_back(schema.fields()[slot].name);
}

Status RowPlan::prepare(storage::SqliteDatabase& database, SqliteCatalog& catalog) {
  SLUICE_TRY(check_names());
  SLUICE_TRY(find_key());
  const std::vector<SqliteColumn> wanted = wanted_columns();
  const std::set<std::string>* existing = SLUICE_TRY(catalog.columns(database, table_));
  const bool missing = existing->empty();
  if (missing && rules_.columns == SqliteColumns::kFixed) {
    return bad_record("unknown_table", fmt::format("there is no table \"{}\", and columns: fixed does not make one", table_));
  }
  if (missing) {
    std::vector<std::string> key;
    for (const std::uint32_t slot : key_) key.push_back(columns_[slot].name);
    return catalog.create(database, table_, wanted, key);
  }
  for (const SqliteColumn& column : wanted) {
    if (existing->contains(fold_case(column.name))) continue;
    if (rules_.columns == SqliteColumns::kFixed) {
      return bad_record("unknown_column",
                        fmt::format("the table \"{}\" has no column \"{}\", and columns: fixed does not add one", table_, column.name));
    }
    if (existing->size() >= SqliteCatalog::kMaxColumns)
      return bad_record("too_many_columns", fmt::format("the table \"{}\" is full", table_));
    SLUICE_TRY(catalog.add_column(database, table_, column));
  }
  return {};
}

Status RowPlan::check_names() const {
  const std::string folded = fold_case(table_);
  if (table_.empty() || table_.find('\0') != std::string::npos || folded.starts_with("sqlite_") || folded == "_sluice_progress") {
    return bad_record("bad_table_name", fmt::format("\"{}\" cannot be a table's name", table_));
  }
  std::set<std::string> seen;
  if (rules_.mode == SqliteMode::kAppend) seen = {std::string(kOp), std::string(kId), std::string(kUnchanged)};
  for (const Column& column : columns_) {
    if (column.name.find('\0') != std::string::npos) return bad_record("bad_column_name", "a field's name holds a NUL");
    if (!seen.insert(fold_case(column.name)).second) {
      return bad_record(
          "duplicate_column",
          fmt::format("the field \"{}\" would be the second column of that name (SQLite does not tell a from A)", column.name));
    }
  }
  if (seen.size() > SqliteCatalog::kMaxColumns) return bad_record("too_many_columns", fmt::format("a row with {} columns", seen.size()));
  if (columns_.empty() && rules_.mode == SqliteMode::kUpsert) return bad_record("no_row", "the record has no fields");
  return {};
}

Status RowPlan::find_key() {
  if (rules_.mode == SqliteMode::kAppend) return {};
  own_key_ = rules_.key.empty() || rules_.key == source_key_;
  const std::vector<std::string>& names = rules_.key.empty() ? source_key_ : rules_.key;
  if (names.empty()) return bad_record("no_key", "mode: upsert needs a key, and the source has none for this record: name it with key:");
  for (const std::string& name : names) {
    const auto found = std::find_if(columns_.begin(), columns_.end(), [&](const Column& column) { return column.name == name; });
    if (found == columns_.end()) return bad_record("no_key", fmt::format("the record has no field \"{}\", which is part of the key", name));
    found->is_key = true;
    key_.push_back(static_cast<std::uint32_t>(found - columns_.begin()));
  }
  return {};
}

std::vector<SqliteColumn> RowPlan::wanted_columns() const {
  std::vector<SqliteColumn> result;
  if (rules_.mode == SqliteMode::kAppend) {
    for (const std::string_view name : {kOp, kId, kUnchanged}) result.push_back({std::string(name), "TEXT"});
  }
  for (const Column& column : columns_) result.push_back({column.name, column.type});
  if (resets_soft_column()) result.push_back({rules_.deletes.column, "TEXT"});
  return result;
}

Status RowPlan::apply(storage::SqliteDatabase& database, ValueBinder& binder, const Batch& batch, const Record& record) {
  const bool takes_away = record.op == Op::kDelete || record.op == Op::kTruncate;
  if (takes_away && rules_.deletes.kind == DeletePolicy::Kind::kIgnore) return {};
  if (rules_.mode == SqliteMode::kAppend) return append(database, binder, batch, record);
  if (record.op == Op::kDelete) return remove(database, binder, batch, record);
  if (record.op == Op::kTruncate) return truncate(database, binder, batch, record);
  return upsert(database, binder, record);
}

Status RowPlan::append(storage::SqliteDatabase& database, ValueBinder& binder, const Batch& batch, const Record& record) {
  storage::SqliteStatement& statement = *SLUICE_TRY(prepared(insert_, database, insert_sql()));
  const Row row = record.row();
  const Ordinal ordinal = batch.log_ordinal(record);
  identity_ = fmt::format("{}/{}/{}", batch.checkpoint_keys()[record.partition], ordinal.major, ordinal.minor);
  if (record.sub != 0) identity_ += fmt::format("/{}", record.sub);
  binder.begin(statement);
  binder.bind_text(op_name(record.op));
  binder.bind_text(identity_);
  if (has_unchanged(row)) {
    unchanged_ = "[";
    for (std::size_t slot = 0; slot < row.size(); ++slot) {
      if (!row[slot].is_unchanged()) continue;
      if (unchanged_.size() > 1) unchanged_ += ',';
      append_json_string(columns_[slot].name, unchanged_);
    }
    unchanged_ += ']';
    binder.bind_text(unchanged_);
  } else {
    binder.bind_null();
  }
  for (std::size_t slot = 0; slot < columns_.size(); ++slot) row.empty() ? binder.bind_null() : binder.bind(row[slot]);
  return statement.run();
}

const Value* RowPlan::new_key_value(const Record& record, std::size_t i) const {
  const Value& value = record.after[key_[i]];
  if (!value.is_unchanged()) return &value;
  return own_key_ && i < record.key.size() ? &record.key[i] : nullptr;
}

// Null where the record does not say.
const Value* RowPlan::old_key_value(const Record& record, std::size_t i) const {
  if (!record.before.empty()) {
    const Value& value = record.before[key_[i]];
    if (!value.is_unchanged()) return &value;
  }
  const bool is_delete = record.op == Op::kDelete;
  return is_delete && own_key_ && i < record.key.size() ? &record.key[i] : nullptr;
}

Status RowPlan::check_key(const Record& record) const {
  for (std::size_t i = 0; i < key_.size(); ++i) {
    const Value* value = new_key_value(record, i);
    const std::string& name = columns_[key_[i]].name;
    if (value == nullptr) return bad_record("value_unavailable", fmt::format("the log left out \"{}\", which is part of the key", name));
    if (value->is_null()) return bad_record("null_key", fmt::format("\"{}\" is part of the key and null", name));
  }
  return {};
}

bool RowPlan::key_moved(const Record& record) const {
  if (record.op != Op::kUpdate || record.before.empty()) return false;
  for (std::size_t i = 0; i < key_.size(); ++i) {
    const Value* old = old_key_value(record, i);
    if (old != nullptr && !identical(*old, *new_key_value(record, i))) return true;
  }
  return false;
}

Status RowPlan::upsert(storage::SqliteDatabase& database, ValueBinder& binder, const Record& record) {
  if (record.after.empty()) return bad_record("no_row", fmt::format("a record of op {} without a row", op_name(record.op)));
  SLUICE_TRY(check_key(record));
  const bool moved = key_moved(record);
  const bool unchanged = has_unchanged(record.after);
  if (!moved && !unchanged) return insert_or_replace(database, binder, record.after);
  SLUICE_TRY(update(database, binder, record, moved, unchanged));
  if (database.changes() > 0) return {};
  if (!unchanged) return insert_or_replace(database, binder, record.after);
  return bad_record("value_unavailable",
                    fmt::format("the log left columns out, and the table \"{}\" has no row of that key to keep them from", table_));
}

Status RowPlan::insert_or_replace(storage::SqliteDatabase& database, ValueBinder& binder, Row row) {
  storage::SqliteStatement& statement = *SLUICE_TRY(prepared(upsert_, database, upsert_sql()));
  binder.begin(statement);
  for (const Value& value : row) binder.bind(value);
  return statement.run();
}

Status RowPlan::update(storage::SqliteDatabase& database, ValueBinder& binder, const Record& record, bool moved, bool unchanged) {
  mask_.assign(columns_.size(), '0');
  for (std::size_t slot = 0; slot < columns_.size(); ++slot) {
    const bool left_out = (unchanged && record.after[slot].is_unchanged()) || (columns_[slot].is_key && !moved);
    if (!left_out) mask_[slot] = '1';
  }
  auto found = updates_.find(mask_);
  if (found == updates_.end()) {
    if (updates_.size() >= kMaxUpdates) updates_.clear();
    auto statement = SLUICE_TRY(database.prepare(update_sql(mask_)));
    found = updates_.emplace(mask_, std::move(statement)).first;
  }
  binder.begin(found->second);
  for (std::size_t slot = 0; slot < columns_.size(); ++slot) {
    if (mask_[slot] == '1') binder.bind(record.after[slot]);
  }
  for (std::size_t i = 0; i < key_.size(); ++i) {
    const Value* old = moved ? old_key_value(record, i) : nullptr;
    binder.bind(old != nullptr ? *old : *new_key_value(record, i));
  }
  return found->second.run();
}

Status RowPlan::remove(storage::SqliteDatabase& database, ValueBinder& binder, const Batch& batch, const Record& record) {
  for (std::size_t i = 0; i < key_.size(); ++i) {
    if (old_key_value(record, i) != nullptr) continue;
    return bad_record("value_unavailable", fmt::format("the delete does not say \"{}\", which is part of the key", columns_[key_[i]].name));
  }
  storage::SqliteStatement& statement = *SLUICE_TRY(prepared(remove_, database, remove_sql()));
  binder.begin(statement);
  const Value time = Value::timestamp(record.source_time != 0 ? record.source_time : batch.ingest_time());
  if (soft_) binder.bind(time);
  for (std::size_t i = 0; i < key_.size(); ++i) binder.bind(*old_key_value(record, i));
  return statement.run();
}

Status RowPlan::truncate(storage::SqliteDatabase& database, ValueBinder& binder, const Batch& batch, const Record& record) {
  const std::string column = storage::quote_identifier(rules_.deletes.column);
  const std::string sql =
      soft_ ? fmt::format("UPDATE {} SET {} = ? WHERE {} IS NULL", quoted_table_, column, column) : "DELETE FROM " + quoted_table_;
  storage::SqliteStatement& statement = *SLUICE_TRY(prepared(truncate_, database, sql));
  binder.begin(statement);
  const Value time = Value::timestamp(record.source_time != 0 ? record.source_time : batch.ingest_time());
  if (soft_) binder.bind(time);
  return statement.run();
}

std::string RowPlan::insert_sql() const {
  std::string sql = fmt::format("INSERT INTO {} ({}, {}, {}", quoted_table_, kOp, kId, kUnchanged);
  for (const Column& column : columns_) sql += ", " + column.quoted;
  return sql + ") VALUES (" + placeholders(columns_.size() + 3) + ")";
}

std::string RowPlan::upsert_sql() const {
  std::string names;
  std::string sets;
  for (const Column& column : columns_) {
    names += (names.empty() ? "" : ", ") + column.quoted;
    if (!column.is_key) sets += (sets.empty() ? "" : ", ") + fmt::format("{} = excluded.{}", column.quoted, column.quoted);
  }
  if (resets_soft_column()) sets += (sets.empty() ? "" : ", ") + storage::quote_identifier(rules_.deletes.column) + " = NULL";
  std::string key;
  for (const std::uint32_t slot : key_) key += (key.empty() ? "" : ", ") + columns_[slot].quoted;
  const std::string action = sets.empty() ? "NOTHING" : "UPDATE SET " + sets;
  return fmt::format("INSERT INTO {} ({}) VALUES ({}) ON CONFLICT ({}) DO {}", quoted_table_, names, placeholders(columns_.size()), key,
                     action);
}

std::string RowPlan::update_sql(const std::string& mask) const {
  std::string sets;
  for (std::size_t slot = 0; slot < columns_.size(); ++slot) {
    if (mask[slot] == '1') sets += (sets.empty() ? "" : ", ") + columns_[slot].quoted + " = ?";
  }
  if (resets_soft_column()) sets += (sets.empty() ? "" : ", ") + storage::quote_identifier(rules_.deletes.column) + " = NULL";
  // An update that changes nothing still has to find its row.
  if (sets.empty()) sets = fmt::format("{0} = {0}", columns_[key_.front()].quoted);
  return fmt::format("UPDATE {} SET {} WHERE {}", quoted_table_, sets, where_key());
}

std::string RowPlan::remove_sql() const {
  if (!soft_) return fmt::format("DELETE FROM {} WHERE {}", quoted_table_, where_key());
  return fmt::format("UPDATE {} SET {} = ? WHERE {}", quoted_table_, storage::quote_identifier(rules_.deletes.column), where_key());
}

std::string RowPlan::where_key() const {
  std::string result;
  for (const std::uint32_t slot : key_) result += (result.empty() ? "" : " AND ") + columns_[slot].quoted + " = ?";
  return result;
}

}  // namespace sluice::sinks
