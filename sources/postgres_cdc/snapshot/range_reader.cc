#include "sources/postgres_cdc/snapshot/range_reader.h"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>

#include "sources/postgres_cdc/position_words.h"
#include "sources/postgres_cdc/postgres_errors.h"
#include "sources/postgres_cdc/snapshot/copy_text.h"

namespace sluice::sources::postgres {

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

// What a range may hold that the consumer has not taken: enough that neither side waits for the other's turn.
constexpr std::size_t kRangeBytes = 8 * 1024 * 1024;
// 16 MiB of a table, as a chunk may have: the next worker begins behind it.
constexpr std::uint64_t kRangeBlocks = 2048;
constexpr int kPollMilliseconds = 50;

constexpr std::string_view kUndefinedTable = "42P01";
constexpr std::string_view kUndefinedColumn = "42703";

Error stopped() { return {ErrorKind::kCancelled, "cancelled", "stop was requested"}; }

Error no_privilege(const std::string& message) {
  return {ErrorKind::kFatal, "missing_privilege",
          message + " (mend: GRANT SELECT on the table to the role of `url`; with row-level security also ALTER ROLE ... BYPASSRLS)"};
}

std::string doing(const TableShape& shape) { return "read the rows of " + shape.relation.schema + '.' + shape.relation.table; }

// COPY ... TO STDOUT, a row at a time.
class CopyOut {
 public:
  CopyOut(Connection& connection, std::string what) : connection_(connection), what_(std::move(what)) {}

  Status start(const std::string& command, std::stop_token stop) {
    if (PQsendQuery(get(), command.c_str()) == 0) return lost();
    while (PQisBusy(get()) != 0) SLUICE_TRY(wait(stop));
    const Rows answer(PQgetResult(get()));
    if (PQresultStatus(answer.get()) != PGRES_COPY_OUT) return refused(answer.get());
    return {};
  }

  // Empty at the end.  The text lives until the next call; it is without its line end.
  Result<std::optional<std::string_view>> next(std::stop_token stop) {
    PQfreemem(std::exchange(row_, nullptr));
    while (true) {
      const int size = PQgetCopyData(get(), &row_, 1);
      if (size > 0) return std::optional(std::string_view(row_, static_cast<std::size_t>(size) - 1));
      if (size == -2) return lost();
      if (size == -1) break;
      SLUICE_TRY(wait(stop));
    }
    while (PQisBusy(get()) != 0) SLUICE_TRY(wait(stop));
    const Rows answer(PQgetResult(get()));
    if (PQresultStatus(answer.get()) != PGRES_COMMAND_OK) return refused(answer.get());
    while (pg_result* more = PQgetResult(get())) PQclear(more);
    return std::optional<std::string_view>();
  }

  std::string_view state() const { return state_; }  // SQLSTATE of the error
  ~CopyOut() { PQfreemem(row_); }
  CopyOut(const CopyOut&) = delete;
  CopyOut& operator=(const CopyOut&) = delete;

 private:
  PGconn* get() const { return connection_.get(); }

  Status wait(const std::stop_token& stop) {
    if (stop.stop_requested()) return Error(ErrorKind::kCancelled, "cancelled", what_ + ": stop was requested");
    if (PQflush(get()) < 0) return lost();
    pollfd waiting{PQsocket(get()), POLLIN, 0};
    if (::poll(&waiting, 1, kPollMilliseconds) > 0 && PQconsumeInput(get()) == 0) return lost();
    return {};
  }
  Error lost() const { return postgres_error({}, PQerrorMessage(get()), what_); }
  Error refused(const pg_result* answer) {
    const char* state = PQresultErrorField(answer, PG_DIAG_SQLSTATE);
    state_ = state == nullptr ? "" : state;
    if (state_ != "42501") return postgres_error(state_, PQresultErrorMessage(answer), what_);
    return no_privilege(what_ + ": " + PQresultErrorField(answer, PG_DIAG_MESSAGE_PRIMARY));
  }

  Connection& connection_;
  const std::string what_;
  std::string state_;
  char* row_ = nullptr;
};

}  // namespace

bool RangeRows::push(MessageBlock block, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  if (!changed_.wait(lock, stop, [&] { return unlimited() || bytes_ < limit_bytes_; })) return false;
  bytes_ += block.size();
  blocks_.push_back(std::move(block));
  changed_.notify_all();
  return true;
}

void RangeRows::end(RangeEnd how, std::optional<Error> reason) {
  const std::lock_guard lock(mutex_);
  end_ = how;
  error_ = std::move(reason);
  changed_.notify_all();
}

MessageBlock RangeRows::take(Clock::time_point deadline, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, stop, deadline, [&] { return !blocks_.empty() || end_ != RangeEnd::kOpen; });
  if (blocks_.empty()) return {};
  MessageBlock block = std::move(blocks_.front());
  blocks_.pop_front();
  bytes_ -= block.size();
  changed_.notify_all();
  return block;
}

RangeEnd RangeRows::state() const {
  const std::lock_guard lock(mutex_);
  return blocks_.empty() ? end_ : RangeEnd::kOpen;
}

bool RangeRows::wait_ended(Clock::time_point deadline, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  return changed_.wait_until(lock, stop, deadline, [&] { return end_ != RangeEnd::kOpen; });
}

std::optional<Error> RangeRows::error() const {
  const std::lock_guard lock(mutex_);
  return error_;
}

// The threads count workers by what_.workers: threads_ is still being filled when the first one runs.
TableReader::TableReader(TableRead what) : what_(std::move(what)), fixed_(what_.fixed.begin(), what_.fixed.end()), after_(what_.after) {
  for (unsigned i = 0; i < std::max(1U, what_.workers); ++i) threads_.emplace_back([this](std::stop_token stop) { run(std::move(stop)); });
}

TableReader::~TableReader() {
  for (std::jthread& thread : threads_) thread.request_stop();
}

std::shared_ptr<RangeRows> TableReader::next(Clock::time_point deadline, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, stop, deadline, [&] { return !ranges_.empty() || all_claimed_; });
  if (ranges_.empty()) return nullptr;
  auto range = std::move(ranges_.front());
  ranges_.pop_front();
  changed_.notify_all();
  return range;
}

bool TableReader::finished() const {
  const std::lock_guard lock(mutex_);
  return ranges_.empty() && all_claimed_;
}

void TableReader::run(std::stop_token stop) {
  const Status worked = work(stop);
  if (worked || worked.error().kind() == ErrorKind::kCancelled) return;
  const auto failed = std::make_shared<RangeRows>(KeyRange(), kRangeBytes);
  failed->end(RangeEnd::kFailed, worked.error());
  const std::lock_guard lock(mutex_);
  ranges_.push_back(failed);
  all_claimed_ = true;
  changed_.notify_all();
}

Status TableReader::work(std::stop_token stop) {
  auto connection = SLUICE_TRY(what_.sessions->take(stop));
  while (true) {
    SLUICE_TRY(begin(*connection, stop));
    const auto range = SLUICE_TRY(claim(*connection, stop));
    if (!range) {
      SLUICE_TRY(connection->query("COMMIT", doing(what_.shape), stop));
      what_.sessions->give_back(std::move(connection));
      return {};
    }
    if (range->state() != RangeEnd::kOpen) return {};
    Status done = read(*connection, *range, stop);
    if (!done) {
      range->end(RangeEnd::kFailed, done.error());
      const std::lock_guard lock(mutex_);
      all_claimed_ = true;
      changed_.notify_all();
      return {};
    }
    SLUICE_TRY(connection->query("COMMIT", doing(what_.shape), stop));
  }
}

Status TableReader::begin(Connection& connection, std::stop_token stop) const {
  SLUICE_TRY(begin_under(connection, *what_.anchor, stop));
  if (what_.method != SnapshotMethod::kKeys) return {};
  SLUICE_TRY(connection.query("SET LOCAL search_path = " + what_.shape.search_path, doing(what_.shape), stop));
  return {};
}

Result<std::shared_ptr<RangeRows>> TableReader::claim(Connection& connection, std::stop_token stop) {
  const std::lock_guard cutting(cutting_);
  {
    std::unique_lock lock(mutex_);
    const auto room = [&] { return all_claimed_ || ranges_.size() < std::max(1U, what_.workers) + 1; };
    if (!changed_.wait(lock, stop, room)) return stopped();
    if (all_claimed_) return std::shared_ptr<RangeRows>();
  }
  bool last = false;
  auto range = SLUICE_TRY(cut(connection, last, stop));
  // Together: who sees that all are claimed must see the last of them.
  const std::lock_guard lock(mutex_);
  all_claimed_ = all_claimed_ || last;
  ranges_.push_back(range);
  changed_.notify_all();
  return range;
}

// Only one thread is here at a time; with one worker that is the one that has read the range before.
Result<std::shared_ptr<RangeRows>> TableReader::cut(Connection& connection, bool& last, std::stop_token stop) {
  if (what_.method == SnapshotMethod::kBlocks) return cut_blocks(connection, last, stop);
  KeyRange bounds{after_, {}, 0};
  if (!fixed_.empty()) {
    bounds.up_to = fixed_.front();
    fixed_.pop_front();
    after_ = bounds.up_to;
    return std::make_shared<RangeRows>(bounds, 0);
  }
  bounds.limit = what_.range_rows;
  if (what_.workers > 1) {
    if (const RangeEnd standing = SLUICE_TRY(check_table(connection, stop)); standing != RangeEnd::kOpen) {
      auto range = std::make_shared<RangeRows>(bounds, kRangeBytes);
      range->end(standing);
      last = true;
      return range;
    }
    const Rows rows = SLUICE_TRY(connection.query(probe_range(connection, what_.shape, bounds), doing(what_.shape), stop, 10min));
    last = rows.count() == 0;
    bounds.limit = 0;
    if (!last) {
      bounds.up_to.emplace();
      for (std::size_t i = 0; i < what_.shape.key.size(); ++i) bounds.up_to->emplace_back(rows.text(0, static_cast<int>(i)));
      after_ = bounds.up_to;
    }
  }
  return std::make_shared<RangeRows>(bounds, kRangeBytes);
}

// One worker reads the whole table: nothing is gained by parts.
Result<std::shared_ptr<RangeRows>> TableReader::cut_blocks(Connection& connection, bool& last, std::stop_token stop) {
  BlockRange range{next_block_, {}};
  const bool in_parts = what_.workers > 1 && has_block_ranges(connection, what_.shape);
  if (in_parts && next_block_ == 0) {
    const Rows rows = SLUICE_TRY(
        connection.query("SELECT pg_relation_size(" + std::to_string(what_.shape.relation.id) + ") / current_setting('block_size')::int8",
                         doing(what_.shape), stop));
    if (!parse_number(rows.text(0, 0), all_blocks_)) all_blocks_ = 0;
  }
  next_block_ += kRangeBlocks;
  last = !in_parts || next_block_ >= all_blocks_;  // the rows that the snapshot sees are in these blocks
  if (!last) range.end = next_block_;
  return std::make_shared<RangeRows>(KeyRange(), kRangeBytes, range);
}

Status TableReader::read(Connection& connection, RangeRows& range, std::stop_token stop) {
  const RangeEnd standing = SLUICE_TRY(check_table(connection, stop));
  if (standing == RangeEnd::kOpen) return copy(connection, range, stop);
  end_at(range, standing);
  return {};
}

// The last range, because of what became of the table.
void TableReader::end_at(RangeRows& range, RangeEnd how) {
  range.end(how);
  const std::lock_guard lock(mutex_);
  all_claimed_ = true;
  changed_.notify_all();
}

// kOpen: it can be read.  The lock comes first: what is true under it stays true.
Result<RangeEnd> TableReader::check_table(Connection& connection, std::stop_token stop) const {
  const std::string oid = std::to_string(what_.shape.relation.id);
  // The row is the snapshot's, the function looks at the present.
  const std::string query = "SELECT count(*) FILTER (WHERE c.oid = " + oid +
                            "), bool_or(c.relfilenode <> coalesce(pg_relation_filenode(c.oid), 0)) "
                            "FROM pg_class c WHERE c.oid = " +
                            oid + " OR c.oid IN (SELECT relid FROM pg_partition_tree(" + oid + "))";
  const Result<Rows> locked = connection.query("LOCK TABLE " + what_.shape.from + " IN ACCESS SHARE MODE", doing(what_.shape), stop, 60s);
  if (!locked) {
    const std::string& message = locked.error().message();
    if (message.find(kUndefinedTable) != std::string::npos) return RangeEnd::kTableGone;
    if (locked.error().code() == "missing_privilege") return no_privilege(message.substr(0, message.find(" (")));
    return locked.error();
  }
  const Rows rows = SLUICE_TRY(connection.query(query, doing(what_.shape), stop));
  return rows.text(0, 1) == "f" ? RangeEnd::kOpen : RangeEnd::kRewritten;
}

Status TableReader::copy(Connection& connection, RangeRows& range, std::stop_token stop) {
  const bool by_key = what_.method == SnapshotMethod::kKeys;
  const std::string command = by_key ? copy_range(connection, what_.shape, range.bounds()) : copy_blocks(what_.shape, range.blocks());
  CopyOut rows(connection, doing(what_.shape));
  MessageBlock block;
  std::uint64_t count = 0;
  std::string last_row;
  const auto fill = [&]() -> Status {
    SLUICE_TRY(rows.start(command, stop));
    while (const std::optional<std::string_view> row = SLUICE_TRY(rows.next(stop))) {
      ++count;
      if (count == range.bounds().limit) last_row = *row;
      block.append(*row);
      if (block.size() >= MessageBlock::kBytes && !range.push(std::exchange(block, {}), stop)) return stopped();
    }
    return block.empty() || range.push(std::move(block), stop) ? Status() : stopped();
  };
  const Status filled = fill();
  if (!filled && rows.state() == kUndefinedColumn) {
    end_at(range, RangeEnd::kRewritten);
    return {};
  }
  if (!filled) return filled;
  note_end(range, count, last_row);
  range.end(RangeEnd::kComplete);
  return {};
}

// By LIMIT: where the next range begins is known now.
void TableReader::note_end(const RangeRows& range, std::uint64_t rows, std::string_view last_row) {
  if (range.bounds().limit == 0) return;
  const std::lock_guard lock(mutex_);
  if (rows < range.bounds().limit) {
    all_claimed_ = true;
    changed_.notify_all();
    return;
  }
  std::vector<std::uint32_t> slots;
  for (const KeyColumn& column : what_.shape.key) slots.push_back(column.slot);
  after_ = copy_fields(last_row, slots);
}

}  // namespace sluice::sources::postgres
