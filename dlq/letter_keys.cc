#include "dlq/letter_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "dlq/letter_settling.h"
#include "dlq/store_schema.h"
#include "storage/sqlite_database.h"

namespace sluice::dlq {

namespace {

constexpr std::string_view kThisLetter =
    " WHERE lot IN (SELECT id FROM lots WHERE source = ?1 AND partition = ?2) AND major = ?3 AND minor = ?4 AND sub = ?5";

// Names and hashes in turn, as sink_list() writes names.
std::string key_list(const std::vector<LetterKey>& keys) {
  std::vector<std::string> parts;
  for (const LetterKey& key : keys) {
    parts.push_back(key.sink);
    parts.push_back(fmt::format("{:016x}", key.hash));
  }
  return sink_list(parts);
}

std::vector<LetterKey> read_key_list(std::string_view text) {
  const auto parts = read_sink_list(text);
  std::vector<LetterKey> keys;
  for (std::size_t i = 0; i + 1 < parts.size(); i += 2) {
    LetterKey key{parts[i], 0};
    std::from_chars(parts[i + 1].data(), parts[i + 1].data() + parts[i + 1].size(), key.hash, 16);
    keys.push_back(std::move(key));
  }
  return keys;
}

}  // namespace

void LetterKeys::note(LetterName name, std::vector<LetterKey> keys) {
  const std::lock_guard lock(mutex_);
  changes_.push_back({std::move(name), std::move(keys), {}});
}

void LetterKeys::mark_stale(LetterName name, std::string sink) {
  const std::lock_guard lock(mutex_);
  changes_.push_back({std::move(name), {}, std::move(sink)});
}

std::size_t LetterKeys::size() const {
  const std::lock_guard lock(mutex_);
  return changes_.size();
}

Status LetterKeys::write(storage::SqliteDatabase& database, std::size_t count) {
  const std::lock_guard lock(mutex_);
  in_transaction_ = 0;
  if (count == 0) return {};
  auto keys = SLUICE_TRY(database.prepare("UPDATE dead_letters SET row_keys = ?6" + std::string(kThisLetter)));
  auto stale = SLUICE_TRY(database.prepare("UPDATE dead_letters SET stale_for = coalesce(stale_for, '') || ?6" + std::string(kThisLetter)));
  for (std::size_t i = 0; i < count; ++i) {
    const Change& change = changes_[i];
    auto& statement = change.stale_for.empty() ? keys : stale;
    const std::string text = change.stale_for.empty() ? key_list(change.keys) : "\"" + change.stale_for + "\"";
    statement.bind_text(1, change.name.source);
    statement.bind_text(2, change.name.partition);
    statement.bind_int64(3, to_column(change.name.ordinal.major));
    statement.bind_int64(4, to_column(change.name.ordinal.minor));
    statement.bind_int64(5, change.name.sub);
    statement.bind_text(6, text);
    SLUICE_TRY(statement.run());
  }
  in_transaction_ = count;
  return {};
}

void LetterKeys::written() {
  const std::lock_guard lock(mutex_);
  changes_.erase(changes_.begin(), changes_.begin() + static_cast<std::ptrdiff_t>(in_transaction_));
  in_transaction_ = 0;
}

Result<std::vector<LetterKeys::Known>> LetterKeys::load(storage::SqliteDatabase& database, std::size_t limit) {
  auto statement =
      SLUICE_TRY(database.prepare("SELECT l.source, l.partition, d.major, d.minor, d.sub, d.row_keys, d.stale_for FROM dead_letters d "
                                  "INDEXED BY keyed_letters JOIN lots l"
                                  " ON l.id = d.lot WHERE d.state <= 1 AND d.row_keys IS NOT NULL ORDER BY d.id DESC LIMIT ?1"));
  statement.bind_int64(1, static_cast<std::int64_t>(limit));
  std::vector<Known> known;
  while (true) {
    const bool row = SLUICE_TRY(statement.step());
    if (!row) return known;
    known.push_back({{std::string(statement.column_text(0)),
                      std::string(statement.column_text(1)),
                      {from_column(statement.column_int64(2)), from_column(statement.column_int64(3))},
                      static_cast<std::uint32_t>(statement.column_int64(4))},
                     read_key_list(statement.column_text(5)),
                     read_sink_list(statement.column_text(6))});
  }
}

}  // namespace sluice::dlq
