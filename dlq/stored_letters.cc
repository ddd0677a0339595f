#include "dlq/stored_letters.h"

#include <sys/stat.h>

#include <cerrno>
#include <charconv>

#include "core/civil_time.h"
#include "formats/json_writer.h"
#include "storage/sqlite_database.h"

namespace sluice::dlq {

namespace {

constexpr std::string_view kSelect =
    "SELECT id, pipeline, stage, phase, component, code, message, source, partition, major, minor, sub, key, first_seen, last_seen, "
    "attempts, "
    "state, config_hash, raw, input, record FROM dead_letters ";

// Ordinals are stored with leading zeroes, so that text order is number order.
std::uint64_t parse_ordinal(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::optional<std::string> optional_text(const storage::SqliteStatement& row, int column) {
  if (row.column_is_null(column)) return std::nullopt;
  return std::string(row.column_text(column));
}

StoredLetter read_letter(const storage::SqliteStatement& row, bool content) {
  StoredLetter letter;
  letter.id = row.column_int64(0);
  std::string* const texts[] = {&letter.pipeline, &letter.stage,   &letter.phase,  &letter.component,
                                &letter.code,     &letter.message, &letter.source, &letter.partition};
  int column = 1;
  for (std::string* text : texts) *text = row.column_text(column++);
  letter.ordinal.major = parse_ordinal(row.column_text(9));
  letter.ordinal.minor = parse_ordinal(row.column_text(10));
  letter.sub = static_cast<std::uint32_t>(row.column_int64(11));
  letter.key = row.column_text(12);
  letter.first_seen = row.column_int64(13);
  letter.last_seen = row.column_int64(14);
  letter.attempts = row.column_int64(15);
  letter.state = row.column_text(16);
  letter.config_hash = row.column_text(17);
  if (!content) return letter;
  letter.raw = optional_text(row, 18);
  letter.input = optional_text(row, 19);
  letter.record = optional_text(row, 20);
  return letter;
}

void bind_text(storage::SqliteStatement& statement, int parameter, const std::optional<std::string>& text) {
  text ? statement.bind_text(parameter, *text) : statement.bind_null(parameter);
}

void bind_number(storage::SqliteStatement& statement, int parameter, std::optional<std::int64_t> number) {
  number ? statement.bind_int64(parameter, *number) : statement.bind_null(parameter);
}

Status check_version(storage::SqliteDatabase& database, const std::string& path) {
  const auto version = SLUICE_TRY(database.query_int64("PRAGMA user_version"));
  if (version.value_or(0) <= kStoreVersion) return {};
  return Error(ErrorKind::kFatal, "newer_state", "\"" + path + "\" was written by a newer sluice; use that one");
}

void append_member(std::string_view name, std::string_view text, std::string& out) {
  out += ",\"";
  out += name;
  out += "\":";
  append_json_string(text, out);
}

void append_time(std::string_view name, std::int64_t microseconds, std::string& out) {
  char text[kTimeTextBytes];
  append_member(name, {text, static_cast<std::size_t>(write_timestamp(text, microseconds) - text)}, out);
}

// `json` as it is.
void append_raw_member(std::string_view name, std::string_view json, std::string& out) {
  out += ",\"";
  out += name;
  out += "\":";
  out += json;
}

}  // namespace

Result<std::vector<StoredLetter>> list_letters(const std::string& path, const LetterFilter& filter) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0 && errno == ENOENT) return std::vector<StoredLetter>();
  auto database = SLUICE_TRY(storage::SqliteDatabase::open(path, {storage::SqliteDatabase::Access::kReadOnly}));
  SLUICE_TRY(check_version(database, path));
  const auto made = SLUICE_TRY(database.query_int64("SELECT 1 FROM sqlite_master WHERE name = 'dead_letters'"));
  if (!made) return std::vector<StoredLetter>();
  auto statement =
      SLUICE_TRY(database.prepare(std::string(kSelect) +
                                  "WHERE (?1 IS NULL OR stage = ?1) AND (?2 IS NULL OR code = ?2) AND (?3 IS NULL OR state = ?3) "
                                  "AND (?4 IS NULL OR id = ?4) AND (?5 IS NULL OR last_seen >= ?5) AND (?6 IS NULL OR last_seen < ?6) "
                                  "ORDER BY id LIMIT ?7"));
  bind_text(statement, 1, filter.stage);
  bind_text(statement, 2, filter.code);
  bind_text(statement, 3, filter.state);
  bind_number(statement, 4, filter.id);
  bind_number(statement, 5, filter.since);
  bind_number(statement, 6, filter.until);
  statement.bind_int64(7, static_cast<std::int64_t>(filter.limit));
  std::vector<StoredLetter> letters;
  while (true) {
    const bool row = SLUICE_TRY(statement.step());
    if (!row) return letters;
    letters.push_back(read_letter(statement, filter.content));
  }
}

void append_letter_json(const StoredLetter& letter, std::string& out) {
  out += "{\"id\":" + std::to_string(letter.id);
  append_member("pipeline", letter.pipeline, out);
  append_member("stage", letter.stage, out);
  append_member("phase", letter.phase, out);
  append_member("component", letter.component, out);
  append_member("code", letter.code, out);
  append_member("message", letter.message, out);
  append_member("source", letter.source, out);
  append_member("partition", letter.partition, out);
  append_raw_member("ordinal", "[\"" + std::to_string(letter.ordinal.major) + "\",\"" + std::to_string(letter.ordinal.minor) + "\"]", out);
  append_raw_member("sub", std::to_string(letter.sub), out);
  append_raw_member("key", letter.key.empty() ? "null" : letter.key, out);
  append_time("first_seen", letter.first_seen, out);
  append_time("last_seen", letter.last_seen, out);
  append_raw_member("attempts", std::to_string(letter.attempts), out);
  append_member("state", letter.state, out);
  append_member("config_hash", letter.config_hash, out);
  if (letter.raw) {
    out += ",\"raw_base64\":\"";
    append_base64(*letter.raw, out);
    out += '"';
  }
  if (letter.input) append_raw_member("input", *letter.input, out);
  if (letter.record) append_raw_member("record", *letter.record, out);
  out += '}';
}

Result<LetterCounts> count_letters(storage::SqliteDatabase& database) {
  auto statement = SLUICE_TRY(database.prepare("SELECT count(*), min(first_seen) FROM dead_letters WHERE state IN ('pending', 'open')"));
  SLUICE_TRY(statement.step());
  LetterCounts counts;
  counts.stored = static_cast<std::uint64_t>(statement.column_int64(0));
  if (!statement.column_is_null(1)) counts.oldest = statement.column_int64(1);
  return counts;
}

}  // namespace sluice::dlq
