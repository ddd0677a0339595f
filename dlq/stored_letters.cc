#include "dlq/stored_letters.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <map>

#include "core/schema.h"
#include "dlq/letter_content.h"
#include "dlq/letter_image.h"
#include "dlq/store_schema.h"
#include "storage/sqlite_database.h"

namespace sluice::dlq {

namespace {

constexpr std::string_view kFrom = " FROM dead_letters d JOIN lots l ON l.id = d.lot ";
// Every filter is answered from this index, without a look at the letters' contents.
constexpr std::string_view kFromIndex = " FROM dead_letters d INDEXED BY letters_by_state CROSS JOIN lots l ON l.id = d.lot ";

std::string_view decided_name(std::int64_t state) {
  switch (static_cast<LetterState>(state)) {
    case LetterState::kReplaying: return "replaying";
    case LetterState::kReplayed: return "replayed";
    case LetterState::kDiscarded: return "discarded";
    case LetterState::kWaiting: break;
  }
  return "open";
}

std::optional<std::string> optional_text(const storage::SqliteStatement& row, int column) {
  if (row.column_is_null(column)) return std::nullopt;
  return std::string(row.column_text(column));
}

// The texts for people, made from the image.
Status show_image(StoredLetter& letter) {
  if (!letter.image) return {};
  ImageHeader header = SLUICE_TRY(read_image_header(*letter.image));
  SchemaPool schemas;
  SchemaSpec meta;
  for (std::string& name : header.meta) meta.fields.push_back({std::move(name)});
  Batch batch(std::make_shared<BatchOrigin>(BatchOrigin{letter.source, schemas.intern(std::move(meta))}), header.ingest_time);
  Record record = SLUICE_TRY(read_image(*letter.image, schemas, batch));
  if (letter.raw) record.raw = *letter.raw;
  letter.record = letter_record(batch, record);
  std::string input = letter_input(record);
  if (!input.empty()) letter.input = std::move(input);
  return {};
}

Result<StoredLetter> read_letter(const storage::SqliteStatement& row, bool content) {
  StoredLetter letter;
  letter.id = row.column_int64(0);
  std::string* const texts[] = {&letter.pipeline, &letter.stage,   &letter.phase,  &letter.component,
                                &letter.code,     &letter.message, &letter.source, &letter.partition};
  int column = 1;
  for (std::string* text : texts) *text = row.column_text(column++);
  letter.ordinal = {from_column(row.column_int64(9)), from_column(row.column_int64(10))};
  letter.sub = static_cast<std::uint32_t>(row.column_int64(11));
  letter.key = row.column_text(12);
  letter.first_seen = row.column_int64(13);
  letter.last_seen = row.column_int64(14);
  letter.attempts = row.column_int64(15);
  const bool pending = static_cast<LetterState>(row.column_int64(16)) == LetterState::kWaiting && row.column_int64(17) != 0;
  letter.state = pending ? "pending" : decided_name(row.column_int64(16));
  letter.config_hash = row.column_text(18);
  letter.sinks = optional_text(row, 19);
  letter.note = optional_text(row, 20);
  if (letter.sinks == "[]") letter.sinks.reset();  // none lacks it yet: pending
  if (!content) return letter;
  letter.raw = optional_text(row, 21);
  letter.image = optional_text(row, 22);
  letter.input = optional_text(row, 23);
  letter.record = optional_text(row, 24);
  SLUICE_TRY(show_image(letter));
  return letter;
}

}  // namespace

LetterCondition::LetterCondition(const LetterFilter& filter) {
  const auto number = [](std::int64_t value) { return Value{std::nullopt, value}; };
  if (filter.id) sql_ += " AND d.id = " + place(number(*filter.id));
  if (filter.after) sql_ += " AND d.id > " + place(number(*filter.after));
  if (filter.stage) sql_ += " AND d.lot IN (SELECT id FROM lots WHERE stage = " + place({filter.stage, 0}) + ")";
  if (filter.code) sql_ += " AND d.code = " + place({filter.code, 0});
  if (filter.since) sql_ += " AND d.last_seen >= " + place(number(*filter.since));
  if (filter.until) sql_ += " AND d.last_seen < " + place(number(*filter.until));
  if (!filter.state) return;
  const std::string& state = *filter.state;
  if (state == "pending" || state == "open") {
    sql_ += fmt::format(" AND d.state = 0 AND {} = {}", kIsPending, state == "pending" ? 1 : 0);
  } else if (state == "replaying" || state == "replayed" || state == "discarded") {
    sql_ += fmt::format(" AND d.state = {}", state == "replaying" ? 1 : state == "replayed" ? 2 : 3);
  } else {
    sql_ += " AND 0";
  }
}

std::string LetterCondition::place(Value value) {
  values_.push_back(std::move(value));
  return "?" + std::to_string(values_.size());
}

void LetterCondition::bind(storage::SqliteStatement& statement) const {
  int parameter = 0;
  for (const Value& value : values_) {
    ++parameter;
    value.text ? statement.bind_text(parameter, *value.text) : statement.bind_int64(parameter, value.number);
  }
}

bool store_exists(const std::string& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0 || errno != ENOENT;
}

Result<std::vector<std::int64_t>> find_letters(storage::SqliteDatabase& database, const LetterFilter& filter) {
  const LetterCondition condition(filter);
  // By id when nothing is looked for: the first rows are the answer.
  const bool by_id = filter.id || (!filter.stage && !filter.code && !filter.state && !filter.since && !filter.until);
  auto statement = SLUICE_TRY(database.prepare(fmt::format("SELECT d.id{}WHERE {} ORDER BY d.id LIMIT ?{}", by_id ? kFrom : kFromIndex,
                                                           condition.sql(), condition.parameters() + 1)));
  condition.bind(statement);
  constexpr std::size_t kMost = std::numeric_limits<std::int64_t>::max();
  statement.bind_int64(condition.parameters() + 1, static_cast<std::int64_t>(std::min(filter.limit, kMost)));
  std::vector<std::int64_t> ids;
  while (true) {
    const bool row = SLUICE_TRY(statement.step());
    if (!row) return ids;
    ids.push_back(statement.column_int64(0));
  }
}

Result<std::vector<StoredLetter>> read_letters(storage::SqliteDatabase& database, const std::vector<std::int64_t>& ids, bool content) {
  auto statement = SLUICE_TRY(database.prepare(fmt::format(
      "SELECT d.id, l.pipeline, l.stage, d.phase, d.component, d.code, d.message, l.source, l.partition, d.major, d.minor, d.sub, d.key,"
      " d.first_seen, d.last_seen, d.attempts, d.state, {}, d.config_hash, d.sinks, d.note{}{}WHERE d.id = ?1",
      kIsPending, content ? ", d.raw, d.image, d.input, d.record" : "", kFrom)));
  std::vector<StoredLetter> letters;
  for (const std::int64_t id : ids) {
    statement.bind_int64(1, id);
    const bool found = SLUICE_TRY(statement.step());
    if (found) letters.push_back(SLUICE_TRY(read_letter(statement, content)));
    statement.reset();
  }
  return letters;
}

Result<std::vector<StoredLetter>> list_letters(const std::string& path, const LetterFilter& filter) {
  if (!store_exists(path)) return std::vector<StoredLetter>();
  FaultPoints none;
  const auto database = SLUICE_TRY(open_store(path, none));
  const auto ids = SLUICE_TRY(find_letters(*database, filter));
  return read_letters(*database, ids, filter.content);
}

Result<std::vector<LetterTotal>> total_letters(storage::SqliteDatabase& database, const LetterFilter& filter, LetterGroup by) {
  const LetterCondition condition(filter);
  auto statement = SLUICE_TRY(
      database.prepare(fmt::format("SELECT l.stage, d.code, d.state, count(*), sum({}), min(d.first_seen), max(d.last_seen){}WHERE {}"
                                   " GROUP BY d.state, d.lot, d.code",
                                   kIsPending, kFromIndex, condition.sql())));
  condition.bind(statement);
  std::map<std::pair<std::string, std::string>, LetterTotal> groups;
  while (true) {
    const bool row = SLUICE_TRY(statement.step());
    if (!row) break;
    const std::string stage(by == LetterGroup::kCode ? std::string_view() : statement.column_text(0));
    const std::string code(by == LetterGroup::kStage ? std::string_view() : statement.column_text(1));
    LetterTotal& total = groups[{stage, code}];
    const std::int64_t first = statement.column_int64(5);
    total.first_seen = total.count == 0 ? first : std::min(total.first_seen, first);
    total.last_seen = std::max(total.last_seen, statement.column_int64(6));
    const auto count = static_cast<std::uint64_t>(statement.column_int64(3));
    const auto pending = static_cast<std::uint64_t>(statement.column_int64(4));
    total.count += count;
    switch (static_cast<LetterState>(statement.column_int64(2))) {
      case LetterState::kWaiting: total.pending += pending, total.open += count - pending; break;
      case LetterState::kReplaying: total.replaying += count; break;
      case LetterState::kReplayed: total.replayed += count; break;
      case LetterState::kDiscarded: total.discarded += count; break;
    }
  }
  std::vector<LetterTotal> totals;
  for (auto& [name, total] : groups) {
    std::tie(total.stage, total.code) = name;
    totals.push_back(std::move(total));
  }
  std::stable_sort(totals.begin(), totals.end(), [](const LetterTotal& a, const LetterTotal& b) { return a.count > b.count; });
  return totals;
}

Result<LetterCounts> count_letters(storage::SqliteDatabase& database) {
  auto statement =
      SLUICE_TRY(database.prepare("SELECT count(*), min(first_seen) FROM dead_letters INDEXED BY letters_by_state WHERE state = 0"));
  SLUICE_TRY(statement.step());
  LetterCounts counts;
  counts.stored = static_cast<std::uint64_t>(statement.column_int64(0));
  if (!statement.column_is_null(1)) counts.oldest = statement.column_int64(1);
  return counts;
}

}  // namespace sluice::dlq
