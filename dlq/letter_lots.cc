#include "dlq/letter_lots.h"

#include "dlq/store_schema.h"
#include "storage/sqlite_database.h"

namespace sluice::dlq {

Status LetterLots::load(storage::SqliteDatabase& database) {
  lots_.clear();
  auto statement = SLUICE_TRY(database.prepare("SELECT id, pipeline, stage, source, partition, settled_major, settled_minor FROM lots"));
  while (true) {
    const bool row = SLUICE_TRY(statement.step());
    if (!row) break;
    Lot lot;
    lot.id = statement.column_int64(0);
    if (!statement.column_is_null(5)) lot.settled = {from_column(statement.column_int64(5)), from_column(statement.column_int64(6))};
    const LotName name{std::string(statement.column_text(1)), std::string(statement.column_text(2)), std::string(statement.column_text(3)),
                       std::string(statement.column_text(4))};
    lots_.emplace(name, lot);
  }
  for (auto& [name, lot] : lots_) SLUICE_TRY(find_next(database, lot));
  return {};
}

Status LetterLots::find_next(storage::SqliteDatabase& database, Lot& lot) {
  lot.next.reset();
  auto statement =
      SLUICE_TRY(database.prepare(lot.settled ? "SELECT major, minor FROM dead_letters WHERE lot = ?1 AND (major, minor) > (?2, ?3)"
                                                " ORDER BY major, minor LIMIT 1"
                                              : "SELECT major, minor FROM dead_letters WHERE lot = ?1"
                                                " ORDER BY major, minor LIMIT 1"));
  statement.bind_int64(1, lot.id);
  if (lot.settled) {
    statement.bind_int64(2, to_column(lot.settled->major));
    statement.bind_int64(3, to_column(lot.settled->minor));
  }
  const bool found = SLUICE_TRY(statement.step());
  if (found) lot.next = {from_column(statement.column_int64(0)), from_column(statement.column_int64(1))};
  return {};
}

Result<Lot*> LetterLots::find_or_make(storage::SqliteDatabase& database, const LotName& name) {
  if (const auto found = lots_.find(name); found != lots_.end()) return &found->second;
  auto insert = SLUICE_TRY(database.prepare("INSERT INTO lots (pipeline, stage, source, partition) VALUES (?1, ?2, ?3, ?4) RETURNING id"));
  insert.bind_text(1, name.pipeline);
  insert.bind_text(2, name.stage);
  insert.bind_text(3, name.source);
  insert.bind_text(4, name.partition);
  SLUICE_TRY(insert.step());
  Lot lot;
  lot.id = insert.column_int64(0);
  const bool more = SLUICE_TRY(insert.step());
  static_cast<void>(more);
  return &lots_.emplace(name, lot).first->second;
}

}  // namespace sluice::dlq
