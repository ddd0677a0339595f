#include "dlq/dead_letter_service.h"

#include <fmt/format.h>

#include <chrono>

#include "dlq/store_schema.h"
#include "storage/sqlite_database.h"

namespace sluice::dlq {

namespace {

// Letters of one transaction: the pipeline's own writes wait no longer than that.
constexpr std::size_t kStep = 5000;

std::int64_t now_microseconds() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

bool is_waiting(std::string_view state) { return state == "open" || state == "pending"; }

// One statement over ids in bounded transactions; `counted(changed)` hears of each id whether the statement changed a row.
template <typename Prepare, typename Each>
Status in_steps(storage::SqliteDatabase& database, const std::vector<std::int64_t>& ids, Prepare prepare, Each each) {
  for (std::size_t begin = 0; begin < ids.size(); begin += kStep) {
    SLUICE_TRY(database.begin({}));
    auto statements = SLUICE_TRY(prepare());
    for (std::size_t i = begin; i < std::min(ids.size(), begin + kStep); ++i) SLUICE_TRY(each(statements, ids[i]));
    SLUICE_TRY(database.commit());
  }
  return {};
}

}  // namespace

DeadLetterService::DeadLetterService(std::string path, std::function<void()> wake) : path_(std::move(path)), wake_(std::move(wake)) {}

Result<std::unique_ptr<storage::SqliteDatabase>> DeadLetterService::open() const {
  FaultPoints none;
  return open_store(path_, none);
}

Result<std::vector<StoredLetter>> DeadLetterService::list(const LetterFilter& filter) const { return list_letters(path_, filter); }

Result<std::vector<LetterTotal>> DeadLetterService::totals(const LetterFilter& filter, LetterGroup by) const {
  if (!store_exists(path_)) return std::vector<LetterTotal>();
  const auto database = SLUICE_TRY(open());
  return total_letters(*database, filter, by);
}

Result<std::vector<StoredLetter>> DeadLetterService::show(std::int64_t id) const {
  LetterFilter filter;
  filter.id = id;
  filter.content = true;
  return list_letters(path_, filter);
}

Result<ReplayTicket> DeadLetterService::replay(const ReplayRequest& request) {
  ReplayTicket ticket;
  if (!store_exists(path_)) return ticket;
  const auto database = SLUICE_TRY(open());
  LetterFilter filter = request.filter;
  if (!filter.state) {
    for (const LetterTotal& total : SLUICE_TRY(total_letters(*database, filter, LetterGroup::kStage))) {
      ticket.not_yet += total.pending;
      ticket.not_open += total.replaying + total.replayed + total.discarded;
    }
    filter.state = "open";
  }
  const auto ids = SLUICE_TRY(find_letters(*database, filter));
  struct Statements {
    storage::SqliteStatement take, enter;
  };
  const auto prepare = [&]() -> Result<Statements> {
    return Statements{
        SLUICE_TRY(database->prepare(fmt::format("UPDATE dead_letters AS d SET state = 1, decided = NULL, note = NULL FROM lots l"
                                                 " WHERE d.id = ?1 AND l.id = d.lot AND d.state = 0 AND {} = 0",
                                                 kIsPending))),
        SLUICE_TRY(database->prepare("INSERT INTO replays (letter, from_start, allow_stale, outcome, sinks)"
                                     " VALUES (?1, ?2, ?3, 0, (SELECT sinks FROM dead_letters WHERE id = ?1)) RETURNING sequence"))};
  };
  std::vector<std::int64_t> left;
  SLUICE_TRY(in_steps(*database, ids, prepare, [&](Statements& statements, std::int64_t id) -> Status {
    statements.take.bind_int64(1, id);
    SLUICE_TRY(statements.take.run());
    if (database->changes() == 0) return left.push_back(id), Status{};
    statements.enter.bind_int64(1, id);
    statements.enter.bind_int64(2, request.from_start ? 1 : 0);
    statements.enter.bind_int64(3, request.allow_stale ? 1 : 0);
    SLUICE_TRY(statements.enter.step());
    ticket.last = statements.enter.column_int64(0);
    if (ticket.first == 0) ticket.first = ticket.last;
    statements.enter.reset();
    ++ticket.accepted;
    return {};
  }));
  for (const StoredLetter& letter : SLUICE_TRY(read_letters(*database, left, false))) {
    ++(is_waiting(letter.state) ? ticket.not_yet : ticket.not_open);
  }
  if (ticket.accepted != 0 && wake_) wake_();
  return ticket;
}

Result<ReplayProgress> DeadLetterService::progress(const ReplayTicket& ticket) const {
  ReplayProgress progress;
  if (ticket.accepted == 0) return progress;
  const auto database = SLUICE_TRY(open());
  auto statement = SLUICE_TRY(
      database->prepare("SELECT outcome, sequence > (SELECT value FROM store_state WHERE name = 'replays_settled'), count(*) FROM replays"
                        " WHERE sequence BETWEEN ?1 AND ?2 GROUP BY 1, 2"));
  statement.bind_int64(1, ticket.first);
  statement.bind_int64(2, ticket.last);
  while (true) {
    const bool row = SLUICE_TRY(statement.step());
    if (!row) break;
    const auto outcome = static_cast<ReplayOutcome>(statement.column_int64(0));
    const auto count = static_cast<std::uint64_t>(statement.column_int64(2));
    const bool settled = statement.column_int64(1) == 0;
    if (outcome == ReplayOutcome::kPutBack) {
      progress.put_back += count;
    } else if (!settled) {
      progress.waiting += count;
    } else {
      (outcome == ReplayOutcome::kRefusedAgain ? progress.refused_again : progress.replayed) += count;
    }
  }
  return progress;
}

Result<DiscardResult> DeadLetterService::discard(const LetterFilter& filter) {
  DiscardResult result;
  if (!store_exists(path_)) return result;
  const auto database = SLUICE_TRY(open());
  const auto ids = SLUICE_TRY(find_letters(*database, filter));
  const auto prepare = [&] { return database->prepare("UPDATE dead_letters SET state = 3, decided = ?2 WHERE id = ?1 AND state = 0"); };
  const std::int64_t now = now_microseconds();
  SLUICE_TRY(in_steps(*database, ids, prepare, [&](storage::SqliteStatement& statement, std::int64_t id) -> Status {
    statement.bind_int64(1, id);
    statement.bind_int64(2, now);
    SLUICE_TRY(statement.run());
    ++(database->changes() == 0 ? result.not_open : result.discarded);
    return {};
  }));
  return result;
}

}  // namespace sluice::dlq
