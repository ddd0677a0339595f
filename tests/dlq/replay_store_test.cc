// What becomes of letters: replay, refusal again, discard, restarts, retention (G18, G20).
#include <catch2/catch.hpp>

#include "dlq/dead_letter_service.h"
#include "dlq/dead_letter_store.h"
#include "dlq/replay_log.h"
#include "storage/sqlite_database.h"
#include "tests/sinks/harness.h"
#include "tests/sinks/sqlite_query.h"

using namespace sluice;
using namespace sluice::dlq;
using namespace sluice::testing;

namespace {

const RejectingStage kStep = {"clean", "transform", "validate", "transform"};
const RejectingStage kSink = {"out", "write", "sqlite", "sink"};

struct Store {
  explicit Store(World& of, RetentionPolicy policy = {})
      : world(of), retention(policy), path(of.directory / "dead_letters.db"), service(path) {
    reopen();
  }

  void reopen() {
    store.reset();
    auto opened = SqliteDeadLetterStore::open(path, {"shop", "hash1", retention}, world.clock, world.faults);
    if (!opened) FAIL(opened.error().message());
    store = std::move(opened).value();
  }

  std::shared_ptr<const Batch> refuse(std::uint64_t first, std::uint64_t last, const RejectingStage& stage = kStep) {
    BatchMaker maker(world, {{"id", Value::Type::kInt64}}, {0}, "orders");
    for (std::uint64_t major = first; major <= last; ++major)
      maker.add_at(major, Op::kInsert, {Value::int64(static_cast<std::int64_t>(major))});
    const auto batch = maker.take();
    refuse(*batch, stage);
    return batch;
  }
  void refuse(const Batch& batch, const RejectingStage& stage) {
    Rejects rejects;
    for (std::uint32_t i = 0; i < batch.size(); ++i) rejects.add(i, Error(ErrorKind::kBadRecord, "bad", "m"));
    REQUIRE(store->put(batch, rejects.entries(), stage));
    REQUIRE(store->flush({}));
  }
  // The batch in which the newest replay of a letter comes.
  std::shared_ptr<const Batch> replayed(const ReplayEntry& entry) {
    auto batch = std::make_shared<Batch>(std::make_shared<BatchOrigin>(BatchOrigin{entry.letter.source, nullptr}), 0);
    auto replay = std::make_shared<BatchReplay>();
    replay->checkpoint_key = store->replays()->checkpoint_key();
    replay->letters.push_back({entry.sequence, entry.letter.id, entry.letter.ordinal, entry.letter.attempts, entry.letter.first_seen, {}});
    batch->set_replay(replay);
    Record record;
    record.partition = batch->partition(entry.letter.partition);
    record.ordinal = {entry.sequence, 0};
    record.sub = entry.letter.sub;
    batch->records().push_back(record);
    return batch;
  }

  Status settle(std::uint64_t source, std::uint64_t replays = 0) {
    Checkpoint minimum = {{"files/log", {{source, 0}, "", false}}};
    if (replays != 0) minimum[store->replays()->checkpoint_key()] = {{replays, 0}, "", false};
    return store->settle(minimum);
  }
  std::vector<std::string> states() const {
    std::vector<std::string> result;
    const auto letters = service.list({}).value();
    for (const StoredLetter& letter : letters) result.push_back(letter.state);
    return result;
  }

  World& world;
  const RetentionPolicy retention;
  const std::string path;
  DeadLetterService service;
  std::unique_ptr<SqliteDeadLetterStore> store;
};

using States = std::vector<std::string>;

}  // namespace

TEST_CASE("Replay: only what is open, in the order of the ids, until every lane has it (G20)") {
  World world;
  Store at(world);
  at.refuse(1, 3);
  REQUIRE(at.settle(2));
  int woken = 0;
  DeadLetterService service(at.path, [&] { ++woken; });
  const auto ticket = service.replay({});
  REQUIRE(ticket);
  CHECK(ticket->accepted == 2);
  CHECK(ticket->not_yet == 1);
  CHECK(ticket->first == 1);
  CHECK(ticket->last == 2);
  CHECK(woken == 1);
  CHECK(at.states() == States{"replaying", "replaying", "pending"});
  const auto entries = at.store->replays()->next(0, 10, 1000);
  REQUIRE(entries);
  REQUIRE(entries->size() == 2);
  CHECK((*entries)[1].letter.ordinal == Ordinal{2, 0});
  CHECK((*entries)[1].letter.image.has_value());
  CHECK(at.store->replays()->next(1, 10, 1000)->size() == 1);
  REQUIRE(at.settle(2, 1));
  CHECK(at.states() == States{"replayed", "replaying", "pending"});
  CHECK(service.progress(*ticket)->replayed == 1);
  CHECK(service.progress(*ticket)->waiting == 1);
  at.reopen();
  REQUIRE(at.settle(3, 2));
  CHECK(at.states() == States{"replayed", "replayed", "open"});
  CHECK(service.progress(*ticket)->replayed == 2);
  const auto nothing = service.replay({.filter = {.state = "replayed"}});
  CHECK(nothing->accepted == 0);
}

TEST_CASE("Replay: refused again is the same letter with one more attempt, also after a crash in between (G18, G20)") {
  World world;
  Store at(world);
  at.refuse(1, 1);
  REQUIRE(at.settle(1));
  REQUIRE(at.service.replay({})->accepted == 1);
  for (int round = 0; round < 2; ++round) {  // the second time because of a crash before the commit
    const auto entry = at.store->replays()->next(0, 1, 1).value().at(0);
    at.refuse(*at.replayed(entry), kStep);
    CHECK(at.states() == States{"pending"});
    CHECK(at.service.list({}).value().at(0).attempts == 2);
    at.reopen();
  }
  REQUIRE(at.settle(1, 1));
  CHECK(at.states() == States{"open"});
  CHECK(at.service.progress({1, 0, 0, 1, 1})->refused_again == 1);
  // And once more.
  REQUIRE(at.service.replay({})->accepted == 1);
  at.refuse(*at.replayed(at.store->replays()->next(1, 1, 1).value().at(0)), kStep);
  REQUIRE(at.settle(1, 2));
  CHECK(at.service.list({}).value().at(0).attempts == 3);
}

TEST_CASE("Replay: refused by another stage is that stage's letter") {
  World world;
  Store at(world);
  at.refuse(1, 1);
  REQUIRE(at.settle(1));
  REQUIRE(at.service.replay({})->accepted == 1);
  for (int round = 0; round < 2; ++round) at.refuse(*at.replayed(at.store->replays()->next(0, 1, 1).value().at(0)), kSink);
  CHECK(at.states() == States{"replaying", "pending"});
  REQUIRE(at.settle(1, 1));
  CHECK(at.states() == States{"replayed", "open"});
  const auto letters = at.service.list({}).value();
  CHECK(letters[1].stage == "out");
  CHECK(letters[1].attempts == 2);
  CHECK(letters[1].ordinal == Ordinal{1, 0});
  CHECK(letters[1].first_seen == letters[0].first_seen);
}

TEST_CASE("Replay: what cannot be replayed is open as before, with the reason") {
  World world;
  Store at(world);
  at.refuse(1, 1);
  REQUIRE(at.settle(1));
  const auto ticket = at.service.replay({}).value();
  REQUIRE(at.store->replays()->put_back(at.store->replays()->next(0, 1, 1).value().at(0), "unknown_stage: gone"));
  CHECK(at.states() == States{"open"});
  CHECK(at.service.list({}).value().at(0).note == "unknown_stage: gone");
  CHECK(at.store->replays()->next(0, 1, 1)->empty());
  CHECK(at.service.progress(ticket)->put_back == 1);
  REQUIRE(at.settle(1, 1));
  CHECK(at.states() == States{"open"});
  CHECK(at.service.list({}).value().at(0).attempts == 1);
}

TEST_CASE("Discard: what waits, and it stays so when the record comes again after a crash") {
  World world;
  Store at(world);
  const auto batch = at.refuse(1, 3);
  REQUIRE(at.settle(2));
  REQUIRE(at.service.discard({.id = 3})->discarded == 1);
  REQUIRE(at.service.discard({.id = 1})->discarded == 1);
  CHECK(at.states() == States{"discarded", "open", "discarded"});
  at.reopen();
  const auto again = at.refuse(3, 3);
  CHECK(at.states() == States{"discarded", "open", "discarded"});
  CHECK(at.service.discard({})->not_open == 2);
  CHECK(at.states() == States{"discarded", "discarded", "discarded"});
}

TEST_CASE("A restart: a record that passes is no letter; who has passed it lacks it (G20)") {
  const std::vector<std::string> stages = {"files", "clean"};
  for (const bool refused_again : {false, true}) {
    World world;
    Store at(world);
    at.refuse(1, 3);
    at.refuse(2, 2, kSink);
    REQUIRE(at.settle(1));
    at.reopen();
    // The lane `quick` has committed through 2, `slow` through 1.
    REQUIRE(at.store->begin_run(std::vector<LaneStart>{{"quick", {{"files/log", {{2, 0}, "", false}}}, {"files", "clean", "out"}},
                                                       {"slow", {{"files/log", {{1, 0}, "", false}}}, stages}}));
    if (refused_again) at.refuse(2, 3);
    REQUIRE(at.settle(3));
    const auto letters = at.service.list({}).value();
    REQUIRE(letters.size() == 4);
    CHECK(letters[0].state == "open");
    CHECK(!letters[0].sinks);
    CHECK(letters[1].state == "open");
    CHECK(letters[1].sinks.value_or("all") == (refused_again ? "all" : "[\"quick\"]"));
    CHECK(letters[2].state == (refused_again ? "open" : "replayed"));
    CHECK(letters[3].state == "open");  // the sink `quick` does not meet it again
    CHECK(letters[3].sinks == "[\"quick\"]");
    CHECK(letters[1].attempts == 1);
  }
}

TEST_CASE("Retention: decided letters go when their time is over, the others never; in bounded steps") {
  World world;
  Store at(world, {std::chrono::hours(24), 10ULL << 30U});
  at.refuse(1, kRetentionStep + 10);
  REQUIRE(at.settle(kRetentionStep + 10));
  execute(at.path, "UPDATE dead_letters SET state = 2, decided = " + std::to_string(world.clock.utc_microseconds()) + " WHERE id > 3");
  at.reopen();
  world.clock.elapsed += std::chrono::hours(23);
  REQUIRE(at.settle(kRetentionStep + 10));
  CHECK(query(at.path, "SELECT count(*) FROM dead_letters") == std::to_string(kRetentionStep + 10) + "\n");
  world.clock.elapsed += std::chrono::hours(2);
  REQUIRE(at.settle(kRetentionStep + 10));
  CHECK(query(at.path, "SELECT count(*) FROM dead_letters") == "10\n");
  REQUIRE(at.settle(kRetentionStep + 10));
  CHECK(query(at.path, "SELECT count(*) FROM dead_letters") == "3\n");
}

TEST_CASE("A full store: decided letters make room, then it is dead_letters_full, and every letter is there") {
  World world;
  Store at(world, {std::chrono::hours(24), 1ULL << 20U});
  BatchMaker maker(world, {{"id", Value::Type::kInt64}, {"text", Value::Type::kString}});
  const auto fill = [&](std::uint64_t first) -> Status {
    for (std::uint64_t i = 0; i < 100; ++i) maker.add_at(first + i, Op::kInsert, {Value::int64(1), maker.text(std::string(5000, 'x'))});
    const auto batch = maker.take();
    Rejects rejects;
    for (std::uint32_t i = 0; i < batch->size(); ++i) rejects.add(i, Error(ErrorKind::kBadRecord, "bad", "m"));
    if (const Status put = at.store->put(*batch, rejects.entries(), kStep); !put) return put;
    return at.store->flush({});
  };
  Status status;
  std::uint64_t stored = 0;
  while (status && stored < 2000) {
    status = fill(stored + 1);
    if (status) stored += 100;
  }
  REQUIRE(!status);
  CHECK(status.error().code() == "dead_letters_full");
  CHECK(status.error().kind() == ErrorKind::kFatal);
  REQUIRE(at.settle(stored));
  REQUIRE(at.service.discard({.limit = 150})->discarded == 150);
  at.reopen();
  CHECK(fill(stored + 1));
  CHECK(query(at.path, "SELECT count(*) FROM dead_letters WHERE state = 0") == std::to_string(stored - 50) + "\n");
}
