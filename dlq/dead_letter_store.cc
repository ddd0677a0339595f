#include "dlq/dead_letter_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "dlq/letter_content.h"
#include "dlq/letter_image.h"
#include "dlq/store_schema.h"
#include "storage/sqlite_database.h"

namespace sluice::dlq {

namespace {

// How often letters that have been kept long enough are looked for.
constexpr std::chrono::seconds kRetainEvery{5};

constexpr std::string_view kInsert =
    "INSERT INTO dead_letters (lot, major, minor, sub, state, code, first_seen, last_seen, attempts, run, refused_in, sinks, phase, "
    "component,"
    " message, config_hash, key, raw, image)"
    " VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18) ON CONFLICT DO NOTHING";

// ?8: 1 when this is the same attempt as the one stored: the record met its stage again because of a restart.  Then what was decided
// meanwhile stands.  Otherwise the letter was decided upon and is refused again.
constexpr std::string_view kUpdate =
    "UPDATE dead_letters SET state = CASE WHEN ?8 THEN state ELSE 0 END, code = ?5, last_seen = ?7,"
    " attempts = attempts + CASE WHEN ?8 THEN 0 ELSE 1 END, run = ?9, refused_in = CASE WHEN ?8 THEN refused_in ELSE ?10 END, sinks = ?11,"
    " decided = CASE WHEN ?8 THEN decided END, phase = ?12, component = ?13, message = ?14, config_hash = ?15, key = ?16, raw = ?17,"
    " image = ?18, input = NULL, record = NULL, note = NULL WHERE lot = ?1 AND major = ?2 AND minor = ?3 AND sub = ?4";

// The caller of a DeadLetterQueue tries again on kTransient; an upsert may be repeated whatever became of the first.
Status as_retryable(Status failed) {
  if (failed || failed.error().kind() != ErrorKind::kCommitUnknown) return failed;
  return Error(ErrorKind::kTransient, "io_error", failed.error().message());
}

void bind_optional(storage::SqliteStatement& statement, int parameter, const std::string& text) {
  text.empty() ? statement.bind_null(parameter) : statement.bind_text(parameter, text);
}

}  // namespace

struct SqliteDeadLetterStore::Letter {
  std::string stage, phase, component, code, message, source, partition, key;
  Ordinal ordinal;
  std::uint32_t sub = 0;
  std::int64_t seen = 0;
  std::string raw, image;                // empty: none
  std::optional<ReplayedLetter> replay;  // refused by a replay

  std::size_t bytes() const { return sizeof(Letter) + message.size() + key.size() + raw.size() + image.size(); }
};

struct SqliteDeadLetterStore::Statements {
  storage::SqliteStatement insert, update, refused_in, refuse;
};

SqliteDeadLetterStore::SqliteDeadLetterStore(std::string path, Options options, Clock& clock, FaultPoints& faults, Gauges gauges)
    : path_(std::move(path)), options_(std::move(options)), clock_(clock), faults_(faults), gauges_(gauges) {}

// What was not flushed is lost, as with a crash: its records come again.
SqliteDeadLetterStore::~SqliteDeadLetterStore() {
  if (!writer_.joinable()) return;
  writer_.request_stop();
  writer_.join();
}

Result<std::unique_ptr<SqliteDeadLetterStore>> SqliteDeadLetterStore::open(const std::string& path, Options options, Clock& clock,
                                                                           FaultPoints& faults, Gauges gauges) {
  auto store = std::unique_ptr<SqliteDeadLetterStore>(new SqliteDeadLetterStore(path, std::move(options), clock, faults, gauges));
  const std::lock_guard lock(store->mutex_);
  SLUICE_TRY(as_retryable(store->ensure_open()));
  SLUICE_TRY(as_retryable(store->show_counts()));
  store->replays_ = SLUICE_TRY(ReplayLog::open(path));
  store->writer_ = std::jthread([store = store.get()](std::stop_token stop) { store->write_on(std::move(stop)); });
  return store;
}

Status SqliteDeadLetterStore::ensure_open() {
  if (database_ && database_->has_moved()) database_.reset();
  if (database_) return {};
  settling_.reset();
  counted_ = false;
  auto database = SLUICE_TRY(open_store(path_, faults_));
  SLUICE_TRY(lots_.load(*database));
  auto settling = std::make_unique<LetterSettling>(*database, lots_, faults_);
  SLUICE_TRY(settling->load());
  run_ = SLUICE_TRY(database->query_int64("SELECT value FROM store_state WHERE name = 'run'")).value_or(0);
  settling_ = std::move(settling);
  database_ = std::move(database);
  return {};
}

SqliteDeadLetterStore::Letter SqliteDeadLetterStore::make_letter(const Batch& owner, const RejectingStage& stage, const Error& reason,
                                                                 std::uint16_t partition, const Ordinal& ordinal) const {
  Letter letter;
  letter.stage = stage.name;
  letter.phase = stage.phase;
  letter.component = stage.component;
  letter.code = reason.code();
  letter.message = reason.message();
  letter.source = owner.source();
  letter.seen = clock_.utc_microseconds();
  letter.partition = owner.partitions()[partition];
  letter.ordinal = ordinal;
  if (owner.replay() == nullptr) return letter;
  letter.replay = owner.replay()->of(ordinal);
  letter.ordinal = letter.replay->ordinal;
  return letter;
}

Status SqliteDeadLetterStore::put(const Batch& owner, std::span<const Rejected> rejected, const RejectingStage& stage) {
  std::vector<Letter> letters;
  letters.reserve(rejected.size());
  for (const Rejected& entry : rejected) {
    const Batch& batch = entry.batch ? *entry.batch : owner;
    const Record& record = batch.records()[entry.index];
    Letter letter = make_letter(batch, stage, entry.reason, record.partition, record.ordinal);
    letter.sub = record.sub;
    letter.key = letter_key(record);
    letter.raw = record.raw;
    letter.image = letter_image(batch, record);
    letters.push_back(std::move(letter));
  }
  return stage_all(std::move(letters));
}

Status SqliteDeadLetterStore::put_inputs(const Batch& owner, std::span<const RejectedInput> inputs, const RejectingStage& stage) {
  std::vector<Letter> letters;
  letters.reserve(inputs.size());
  for (const RejectedInput& input : inputs) {
    Letter letter = make_letter(owner, stage, input.reason, input.partition, input.ordinal);
    letter.raw = input.raw;
    letters.push_back(std::move(letter));
  }
  return stage_all(std::move(letters));
}

Status SqliteDeadLetterStore::stage_all(std::vector<Letter> letters) {
  std::unique_lock staging(staging_);
  if (held_bytes() >= kMaxStagedBytes) {
    // Room first: after an error none of `letters` was taken, and the caller comes again with all of them.
    staging.unlock();
    SLUICE_TRY(flush({}));
    staging.lock();
  }
  for (Letter& letter : letters) {
    staged_bytes_ += letter.bytes();
    staged_.push_back(std::move(letter));
  }
  if (staged_bytes_ >= kHandOverBytes && handed_.empty()) {
    handed_.swap(staged_);
    handed_bytes_ = std::exchange(staged_bytes_, 0);
    handed_over_.notify_one();
  }
  return {};
}

// The writer's thread.
void SqliteDeadLetterStore::write_on(std::stop_token stop) {
  while (true) {
    {
      std::unique_lock staging(staging_);
      if (!handed_over_.wait(staging, stop, [&] { return !handed_.empty() && !writer_failed_; })) return;
    }
    const std::lock_guard lock(mutex_);
    try {
      if (!write_handed(0, stop)) {
        const std::lock_guard staging(staging_);
        writer_failed_ = true;
      }
    } catch (...) {
      crash_ = std::current_exception();
      return;
    }
  }
}

// What was handed over, if the writer has not come to it or has failed.
Status SqliteDeadLetterStore::write_handed(std::size_t noted_keys, std::stop_token stop) {
  if (crash_) std::rethrow_exception(crash_);
  {
    const std::lock_guard staging(staging_);
    if (handed_.empty()) return {};
  }
  Status written = write_transaction(handed_, noted_keys, std::move(stop));  // nobody else changes it without mutex_
  if (!written) {
    database_.reset();  // what the connection believes may be wrong now; the next call reads it anew
    return as_retryable(std::move(written));
  }
  const std::lock_guard staging(staging_);
  handed_.clear();
  handed_bytes_ = 0;
  if (std::exchange(writer_failed_, false)) handed_over_.notify_one();
  return {};
}

Status SqliteDeadLetterStore::flush(std::stop_token stop) {
  const std::lock_guard lock(mutex_);
  return write_staged(std::move(stop));
}

Status SqliteDeadLetterStore::write_staged(std::stop_token stop) {
  SLUICE_TRY(write_handed(0, stop));
  // Keys are noted after their letter is put: the letters of those noted by now are written, or are taken over here.  Keys that come before
  // their letter would find no row.
  const std::size_t noted_keys = replays_ ? replays_->keys().size() : 0;
  bool any_letters = false;
  {
    const std::lock_guard staging(staging_);  // somebody may have handed over more meanwhile
    handed_.insert(handed_.end(), std::make_move_iterator(staged_.begin()), std::make_move_iterator(staged_.end()));
    handed_bytes_ += std::exchange(staged_bytes_, 0);
    staged_.clear();
    any_letters = !handed_.empty();
  }
  if (any_letters) return write_handed(noted_keys, std::move(stop));
  if (noted_keys == 0) return {};
  Status written = write_transaction({}, noted_keys, std::move(stop));
  if (!written) database_.reset();
  return as_retryable(std::move(written));
}

Status SqliteDeadLetterStore::write_transaction(const std::vector<Letter>& letters, std::size_t noted_keys, std::stop_token stop) {
  SLUICE_TRY(ensure_open());
  SLUICE_TRY(ensure_room(*database_, options_.retention, clock_.utc_microseconds(), faults_));
  faults_.reach("dead_letter_store.before_write");
  SLUICE_TRY(database_->begin(std::move(stop)));
  Statements statements{
      SLUICE_TRY(database_->prepare(kInsert)), SLUICE_TRY(database_->prepare(kUpdate)),
      SLUICE_TRY(database_->prepare("SELECT refused_in FROM dead_letters WHERE lot = ?1 AND major = ?2 AND minor = ?3 AND sub = ?4")),
      SLUICE_TRY(database_->prepare("UPDATE replays SET outcome = 2 WHERE sequence = ?1 AND outcome = 0"))};
  for (const Letter& letter : letters) SLUICE_TRY(write_letter(statements, letter));
  if (replays_) SLUICE_TRY(replays_->keys().write(*database_, noted_keys));
  faults_.reach("dead_letter_store.before_commit");
  SLUICE_TRY(database_->commit());
  faults_.reach("dead_letter_store.after_commit");
  if (replays_) replays_->keys().written();
  return {};
}

// G18: the first time a row, then that row again.
Status SqliteDeadLetterStore::write_letter(Statements& statements, const Letter& letter) {
  Lot& lot = *SLUICE_TRY(lots_.find_or_make(*database_, {options_.pipeline, letter.stage, letter.source, letter.partition}));
  const std::string sinks = letter.replay && !letter.replay->sinks.empty() ? sink_list(letter.replay->sinks) : std::string();
  const auto bind_name = [&](storage::SqliteStatement& statement) {
    statement.bind_int64(1, lot.id);
    statement.bind_int64(2, to_column(letter.ordinal.major));
    statement.bind_int64(3, to_column(letter.ordinal.minor));
    statement.bind_int64(4, letter.sub);
  };
  const auto bind = [&](storage::SqliteStatement& statement) {
    bind_name(statement);
    statement.bind_text(5, letter.code);
    statement.bind_int64(7, letter.seen);
    statement.bind_int64(9, run_);
    letter.replay ? statement.bind_int64(10, static_cast<std::int64_t>(letter.replay->sequence)) : statement.bind_null(10);
    bind_optional(statement, 11, sinks);
    statement.bind_text(12, letter.phase);
    statement.bind_text(13, letter.component);
    statement.bind_text(14, letter.message);
    statement.bind_text(15, options_.config_hash);
    bind_optional(statement, 16, letter.key);
    letter.raw.empty() ? statement.bind_null(17) : statement.bind_blob(17, letter.raw);
    letter.image.empty() ? statement.bind_null(18) : statement.bind_blob(18, letter.image);
  };
  if (letter.replay) {
    statements.refuse.bind_int64(1, static_cast<std::int64_t>(letter.replay->sequence));
    SLUICE_TRY(statements.refuse.run());
  }
  bind(statements.insert);
  statements.insert.bind_int64(6, letter.replay ? letter.replay->first_seen : letter.seen);
  statements.insert.bind_int64(8, letter.replay ? letter.replay->attempts + 1 : 1);
  SLUICE_TRY(statements.insert.run());
  const bool inserted = database_->changes() != 0;
  const bool passed = !letter.replay && lot.settled && letter.ordinal <= *lot.settled;
  if (passed) {
    SLUICE_TRY(reopen_lot(lot, letter.ordinal));
  } else if (!letter.replay && (!lot.next || letter.ordinal < *lot.next)) {
    lot.next = letter.ordinal;
  }
  if (inserted) {
    ++counts_.stored;
    counts_.oldest = std::min(counts_.oldest.value_or(letter.seen), letter.seen);
    return {};
  }
  counted_ = false;
  bool same = !passed;
  if (letter.replay) {
    bind_name(statements.refused_in);
    SLUICE_TRY(statements.refused_in.step());
    same = !statements.refused_in.column_is_null(0) &&
           statements.refused_in.column_int64(0) == static_cast<std::int64_t>(letter.replay->sequence);
    statements.refused_in.reset();
  }
  bind(statements.update);
  statements.update.bind_int64(8, same ? 1 : 0);
  return statements.update.run();
}

// The source reads again what every lane had passed once (its position was set back): pending begins anew from there.
Status SqliteDeadLetterStore::reopen_lot(Lot& lot, const Ordinal& ordinal) {
  auto update = SLUICE_TRY(database_->prepare("UPDATE lots SET settled_major = ?2, settled_minor = ?3 WHERE id = ?1"));
  update.bind_int64(1, lot.id);
  lot.next = ordinal;
  lot.settled.reset();
  if (ordinal.minor != 0) {
    lot.settled = {ordinal.major, ordinal.minor - 1};
  } else if (ordinal.major != 0) {
    lot.settled = {ordinal.major - 1, Ordinal::kEnd};
  }
  if (lot.settled) {
    update.bind_int64(2, to_column(lot.settled->major));
    update.bind_int64(3, to_column(lot.settled->minor));
  } else {
    update.bind_null(2);
    update.bind_null(3);
  }
  return update.run();
}

Status SqliteDeadLetterStore::settle(const Checkpoint& minimum) {
  const std::lock_guard lock(mutex_);
  SLUICE_TRY(as_retryable(ensure_open()));
  Status done = settle_and_retain(minimum);
  if (!done) database_.reset();  // as write_staged()
  return as_retryable(std::move(done));
}

Status SqliteDeadLetterStore::settle_and_retain(const Checkpoint& minimum) {
  if (SLUICE_TRY(settling_->settle(minimum, clock_.utc_microseconds()))) counted_ = false;
  if (clock_.now() >= next_retention_) {
    const std::int64_t deleted = SLUICE_TRY(retain_letters(*database_, options_.retention, clock_.utc_microseconds(), faults_));
    if (deleted < kRetentionStep) next_retention_ = clock_.now() + kRetainEvery;
  }
  return show_counts();
}

Status SqliteDeadLetterStore::begin_run(std::span<const LaneStart> lanes) {
  const std::lock_guard lock(mutex_);
  SLUICE_TRY(as_retryable(ensure_open()));
  Status done = settling_->begin_run(lanes);
  database_.reset();  // all is read anew
  return as_retryable(std::move(done));
}

Status SqliteDeadLetterStore::show_counts() {
  const auto version = SLUICE_TRY(database_->query_int64("PRAGMA data_version"));
  if (!counted_ || version != data_version_) counts_ = SLUICE_TRY(count_letters(*database_));
  counted_ = true;
  data_version_ = version.value_or(-1);
  if (gauges_.stored != nullptr) gauges_.stored->set(static_cast<double>(counts_.stored));
  if (gauges_.oldest != nullptr) gauges_.oldest->set(static_cast<double>(counts_.oldest.value_or(0)) * 1e-6);
  return {};
}

Result<LetterCounts> SqliteDeadLetterStore::counts() {
  const std::lock_guard lock(mutex_);
  SLUICE_TRY(as_retryable(ensure_open()));
  return count_letters(*database_);
}

}  // namespace sluice::dlq
