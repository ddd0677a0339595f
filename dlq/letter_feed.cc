#include "dlq/letter_feed.h"

#include <fmt/format.h>

#include "dlq/store_schema.h"
#include "storage/sqlite_database.h"

namespace sluice::dlq {

LetterFeed::LetterFeed(std::unique_ptr<storage::SqliteDatabase> database) : database_(std::move(database)) {}
LetterFeed::~LetterFeed() = default;

Result<std::unique_ptr<LetterFeed>> LetterFeed::open(const std::string& path) {
  FaultPoints none;
  return std::unique_ptr<LetterFeed>(new LetterFeed(SLUICE_TRY(open_store(path, none))));
}

Result<std::vector<StoredLetter>> LetterFeed::next(std::size_t limit) {
  auto statement = SLUICE_TRY(database_->prepare(
      "SELECT id FROM dead_letters WHERE id > (SELECT value FROM store_state WHERE name = 'copied') ORDER BY id LIMIT ?1"));
  statement.bind_int64(1, static_cast<std::int64_t>(limit));
  std::vector<std::int64_t> ids;
  while (true) {
    const bool row = SLUICE_TRY(statement.step());
    if (!row) break;
    ids.push_back(statement.column_int64(0));
  }
  return read_letters(*database_, ids, true);
}

Status LetterFeed::copied(std::int64_t id) {
  return database_->execute(fmt::format("UPDATE store_state SET value = {} WHERE name = 'copied'", id));
}

}  // namespace sluice::dlq
