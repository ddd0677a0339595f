#include "dlq/dead_letter_store.h"

#include <fmt/format.h>

#include <array>
#include <tuple>

#include "dlq/letter_content.h"
#include "storage/sqlite_database.h"

namespace sluice::dlq {

namespace {

// kMigrations[i] makes version i + 1 of a store of version i, in one transaction with the new version number (G29).
constexpr std::array<const char*, kStoreVersion> kMigrations = {
    // AUTOINCREMENT: ids are a durable sequence that is never reused (G20 replays in its order).
    // major, minor: 20 digits with leading zeroes, so that text order is number order.
    "CREATE TABLE dead_letters ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, pipeline TEXT NOT NULL, stage TEXT NOT NULL, source TEXT NOT NULL, partition TEXT NOT NULL,"
    " major TEXT NOT NULL, minor TEXT NOT NULL, sub INTEGER NOT NULL, phase TEXT NOT NULL, component TEXT NOT NULL, code TEXT NOT NULL,"
    " message TEXT NOT NULL, key TEXT, first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL, attempts INTEGER NOT NULL,"
    " state TEXT NOT NULL, config_hash TEXT NOT NULL, raw BLOB, input TEXT, record TEXT,"
    " UNIQUE (pipeline, stage, source, partition, major, minor, sub));"
    "CREATE INDEX waiting_letters ON dead_letters (source, partition, major, minor) WHERE state = 'pending';",
    // For the count and the oldest of what waits for a decision.
    "CREATE INDEX undecided_letters ON dead_letters (first_seen) WHERE state IN ('pending', 'open');",
};

// A letter that is still pending met its record again because of a replay after a crash: the same attempt.  One in any other state was
// decided upon and refused again.
constexpr std::string_view kUpsert =
    "INSERT INTO dead_letters (pipeline, stage, source, partition, major, minor, sub, phase, component, code, message, key, first_seen, "
    "last_seen,"
    " attempts, state, config_hash, raw, input, record)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?13, 1, 'pending', ?14, ?15, ?16, ?17)"
    " ON CONFLICT DO UPDATE SET phase = ?8, component = ?9, code = ?10, message = ?11, key = ?12, last_seen = ?13,"
    " attempts = attempts + (state <> 'pending'), state = 'pending', config_hash = ?14, raw = ?15, input = ?16, record = ?17";

std::string ordinal_text(std::uint64_t number) { return fmt::format("{:020}", number); }

Status migrate(storage::SqliteDatabase& database, const std::string& path, FaultPoints& faults) {
  std::int64_t version = SLUICE_TRY(database.query_int64("PRAGMA user_version")).value_or(0);
  if (version > kStoreVersion) {
    return Error(ErrorKind::kFatal, "newer_state",
                 fmt::format("\"{}\" has version {}, this sluice reads up to {}: use the newer sluice", path, version, kStoreVersion));
  }
  for (; version < kStoreVersion; ++version) {
    faults.reach("dead_letter_store.before_migration");
    SLUICE_TRY(database.begin({}));
    SLUICE_TRY(database.execute(kMigrations[static_cast<std::size_t>(version)]));
    SLUICE_TRY(database.execute(fmt::format("PRAGMA user_version = {}", version + 1)));
    SLUICE_TRY(database.commit());
    faults.reach("dead_letter_store.after_migration");
  }
  return {};
}

// The caller of a DeadLetterQueue tries again on kTransient; an upsert may be repeated whatever became of the first.
Status as_retryable(Status failed) {
  if (failed || failed.error().kind() != ErrorKind::kCommitUnknown) return failed;
  return Error(ErrorKind::kTransient, "io_error", failed.error().message());
}

}  // namespace

// A source's partition with pending letters, and an ordinal as text.
struct SqliteDeadLetterStore::WaitingPartition {
  std::string source, partition, major, minor;
};

struct SqliteDeadLetterStore::Letter {
  std::string stage, phase, component, code, message, source, partition, key;
  Ordinal ordinal;
  std::uint32_t sub = 0;
  std::int64_t seen = 0;
  std::string raw, input, record;  // empty: none

  std::size_t bytes() const { return sizeof(Letter) + message.size() + key.size() + raw.size() + input.size() + record.size(); }
};

SqliteDeadLetterStore::SqliteDeadLetterStore(std::string path, Options options, Clock& clock, FaultPoints& faults, Gauges gauges)
    : path_(std::move(path)), options_(std::move(options)), clock_(clock), faults_(faults), gauges_(gauges) {}

SqliteDeadLetterStore::~SqliteDeadLetterStore() = default;

Result<std::unique_ptr<SqliteDeadLetterStore>> SqliteDeadLetterStore::open(const std::string& path, Options options, Clock& clock,
                                                                           FaultPoints& faults, Gauges gauges) {
  auto store = std::unique_ptr<SqliteDeadLetterStore>(new SqliteDeadLetterStore(path, std::move(options), clock, faults, gauges));
  const std::lock_guard lock(store->mutex_);
  SLUICE_TRY(as_retryable(store->ensure_open({})));
  SLUICE_TRY(as_retryable(store->show_counts()));
  return store;
}

Status SqliteDeadLetterStore::ensure_open(std::stop_token) {
  if (database_ && database_->has_moved()) database_.reset();
  if (database_) return {};
  storage::SqliteDatabase::Options options;
  options.permissions = 0600;
  auto database = std::make_unique<storage::SqliteDatabase>(SLUICE_TRY(storage::SqliteDatabase::open(path_, options)));
  SLUICE_TRY(migrate(*database, path_, faults_));
  database_ = std::move(database);
  return {};
}

SqliteDeadLetterStore::Letter SqliteDeadLetterStore::make_letter(const Batch& owner, const RejectingStage& stage,
                                                                 const Error& reason) const {
  Letter letter;
  letter.stage = stage.name;
  letter.phase = stage.phase;
  letter.component = stage.component;
  letter.code = reason.code();
  letter.message = reason.message();
  letter.source = owner.source();
  letter.seen = clock_.utc_microseconds();
  return letter;
}

Status SqliteDeadLetterStore::put(const Batch& owner, std::span<const Rejected> rejected, const RejectingStage& stage) {
  std::vector<Letter> letters;
  letters.reserve(rejected.size());
  for (const Rejected& entry : rejected) {
    const Batch& batch = entry.batch ? *entry.batch : owner;
    const Record& record = batch.records()[entry.index];
    Letter letter = make_letter(batch, stage, entry.reason);
    letter.partition = batch.partitions()[record.partition];
    letter.ordinal = record.ordinal;
    letter.sub = record.sub;
    letter.key = letter_key(record);
    letter.raw = record.raw;
    letter.input = letter_input(record);
    letter.record = letter_record(batch, record);
    letters.push_back(std::move(letter));
  }
  return stage_all(std::move(letters));
}

Status SqliteDeadLetterStore::put_inputs(const Batch& owner, std::span<const RejectedInput> inputs, const RejectingStage& stage) {
  std::vector<Letter> letters;
  letters.reserve(inputs.size());
  for (const RejectedInput& input : inputs) {
    Letter letter = make_letter(owner, stage, input.reason);
    letter.partition = owner.partitions()[input.partition];
    letter.ordinal = input.ordinal;
    letter.raw = input.raw;
    letters.push_back(std::move(letter));
  }
  return stage_all(std::move(letters));
}

Status SqliteDeadLetterStore::stage_all(std::vector<Letter> letters) {
  const std::lock_guard lock(mutex_);
  // Room first: after an error none of `letters` was taken, and the caller comes again with all of them.
  if (staged_bytes_ >= kMaxStagedBytes) SLUICE_TRY(write_staged({}));
  for (Letter& letter : letters) {
    staged_bytes_ += letter.bytes();
    staged_.push_back(std::move(letter));
  }
  return {};
}

Status SqliteDeadLetterStore::flush(std::stop_token stop) {
  const std::lock_guard lock(mutex_);
  return write_staged(std::move(stop));
}

Status SqliteDeadLetterStore::write_staged(std::stop_token stop) {
  if (staged_.empty()) return {};
  Status written = write_transaction(std::move(stop));
  if (!written) {
    database_.reset();  // what the connection believes may be wrong now; the next call reads it anew
    return as_retryable(std::move(written));
  }
  staged_.clear();
  staged_bytes_ = 0;
  pending_ = true;
  counted_ = false;
  return {};
}

Status SqliteDeadLetterStore::write_transaction(std::stop_token stop) {
  SLUICE_TRY(ensure_open(stop));
  faults_.reach("dead_letter_store.before_write");
  SLUICE_TRY(database_->begin(std::move(stop)));
  auto upsert = SLUICE_TRY(database_->prepare(kUpsert));
  const auto bind_optional = [&](int parameter, const std::string& text) {
    text.empty() ? upsert.bind_null(parameter) : upsert.bind_text(parameter, text);
  };
  for (const Letter& letter : staged_) {
    const std::string major = ordinal_text(letter.ordinal.major);
    const std::string minor = ordinal_text(letter.ordinal.minor);
    const std::string_view texts[] = {options_.pipeline, letter.stage, letter.source, letter.partition, major, minor};
    int parameter = 0;
    for (const std::string_view text : texts) upsert.bind_text(++parameter, text);
    upsert.bind_int64(7, letter.sub);
    upsert.bind_text(8, letter.phase);
    upsert.bind_text(9, letter.component);
    upsert.bind_text(10, letter.code);
    upsert.bind_text(11, letter.message);
    bind_optional(12, letter.key);
    upsert.bind_int64(13, letter.seen);
    upsert.bind_text(14, options_.config_hash);
    letter.raw.empty() ? upsert.bind_null(15) : upsert.bind_blob(15, letter.raw);
    bind_optional(16, letter.input);
    bind_optional(17, letter.record);
    SLUICE_TRY(upsert.run());
  }
  faults_.reach("dead_letter_store.before_commit");
  SLUICE_TRY(database_->commit());
  faults_.reach("dead_letter_store.after_commit");
  return {};
}

Status SqliteDeadLetterStore::settle(const Checkpoint& minimum) {
  const std::lock_guard lock(mutex_);
  if (!pending_ && counted_) return {};
  SLUICE_TRY(as_retryable(ensure_open({})));
  Status done;
  if (pending_) done = open_passed(minimum);
  if (done) done = show_counts();
  if (!done) database_.reset();  // as write_staged()
  return as_retryable(std::move(done));
}

Status SqliteDeadLetterStore::open_passed(const Checkpoint& minimum) {
  const std::vector<WaitingPartition> passed = SLUICE_TRY(find_passed(minimum));
  faults_.reach("dead_letter_store.before_settle");
  if (!passed.empty()) {
    auto update = SLUICE_TRY(
        database_->prepare("UPDATE dead_letters SET state = 'open' WHERE state = 'pending' AND source = ?1 AND partition = ?2"
                           " AND (major, minor) <= (?3, ?4)"));
    SLUICE_TRY(database_->begin({}));
    for (const WaitingPartition& waiting : passed) {
      update.bind_text(1, waiting.source);
      update.bind_text(2, waiting.partition);
      update.bind_text(3, waiting.major);
      update.bind_text(4, waiting.minor);
      SLUICE_TRY(update.run());
    }
    SLUICE_TRY(database_->commit());
  }
  faults_.reach("dead_letter_store.after_settle");
  const auto left = SLUICE_TRY(database_->query_int64("SELECT EXISTS (SELECT 1 FROM dead_letters WHERE state = 'pending')"));
  pending_ = left.value_or(0) != 0;
  return {};
}

// This runs with every commit as long as any letter is pending, and those of a source that was removed are so for good.  So it takes one
// look into the index waiting_letters per partition that has pending letters, at the first of them.
Result<std::vector<SqliteDeadLetterStore::WaitingPartition>> SqliteDeadLetterStore::find_passed(const Checkpoint& minimum) {
  auto next = SLUICE_TRY(
      database_->prepare("SELECT source, partition, major, minor FROM dead_letters WHERE state = 'pending' AND (source, partition) > (?1, ?2)"
                         " ORDER BY source, partition, major, minor LIMIT 1"));
  std::vector<WaitingPartition> passed;
  WaitingPartition at;
  while (true) {
    next.bind_text(1, at.source);
    next.bind_text(2, at.partition);
    const bool found = SLUICE_TRY(next.step());
    if (!found) return passed;
    at = {std::string(next.column_text(0)), std::string(next.column_text(1)), std::string(next.column_text(2)),
          std::string(next.column_text(3))};
    next.reset();
    const auto position = minimum.find(checkpoint_key(at.source, at.partition));
    if (position == minimum.end()) continue;
    const std::string major = ordinal_text(position->second.done.major);
    const std::string minor = ordinal_text(position->second.done.minor);
    if (std::tie(at.major, at.minor) <= std::tie(major, minor)) passed.push_back({at.source, at.partition, major, minor});
  }
}

Status SqliteDeadLetterStore::show_counts() {
  const LetterCounts counts = SLUICE_TRY(count_letters(*database_));
  if (gauges_.stored != nullptr) gauges_.stored->set(static_cast<double>(counts.stored));
  if (gauges_.oldest != nullptr) gauges_.oldest->set(static_cast<double>(counts.oldest.value_or(0)) * 1e-6);
  counted_ = true;
  return {};
}

Result<LetterCounts> SqliteDeadLetterStore::counts() {
  const std::lock_guard lock(mutex_);
  SLUICE_TRY(as_retryable(ensure_open({})));
  return count_letters(*database_);
}

}  // namespace sluice::dlq
