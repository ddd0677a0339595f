#pragma once
// Values -> SQLite, without loss.
//
//   null, unchanged                NULL
//   bool                           INTEGER 0 | 1
//   int64                          INTEGER
//   uint64                         TEXT (INTEGER is signed)
//   float64                        REAL; NaN as TEXT "NaN" (SQLite would store NULL)
//   decimal                        TEXT with its scale
//   string, uuid, bits, json       TEXT
//   bytes                          BLOB
//   date and time types            TEXT as in core/civil_time.h: RFC 3339, six or nine digits of a second
//   list, struct, map              TEXT: JSON
//
// A column whose origin declares no type (JSON, CSV) is made without one: such a column keeps whatever it is given, while an INTEGER
// column would turn the text "007" into 7.  A column that somebody else made keeps its declared type, and SQLite's affinity applies.

#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "core/value.h"
#include "storage/sqlite_database.h"

namespace sluice::sinks {

// "INTEGER", "TEXT", ...; empty for none.
std::string_view declared_sqlite_type(std::optional<Value::Type> type);

// Binds the values of one statement; keeps the texts it had to make until the next begin().  One thread.
class ValueBinder {
 public:
  void begin(storage::SqliteStatement& statement) {
    statement_ = &statement;
    parameter_ = 0;
    used_ = 0;
  }
  // The next parameter.  `value` must live until the statement has run.
  void bind(const Value& value);
  void bind_text(std::string_view borrowed) { statement_->bind_text(++parameter_, borrowed); }
  void bind_null() { statement_->bind_null(++parameter_); }

 private:
  std::string& scratch();

  storage::SqliteStatement* statement_ = nullptr;
  int parameter_ = 0;
  std::deque<std::string> texts_;  // stable addresses; grows to the number of made texts in one row
  std::size_t used_ = 0;
};

}  // namespace sluice::sinks
