#include "dlq/dead_letter_store.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <thread>

#include "dlq/letter_json.h"
#include "dlq/store_schema.h"
#include "storage/sqlite_database.h"
#include "tests/sinks/harness.h"
#include "tests/sinks/sqlite_query.h"

using namespace sluice;
using namespace sluice::dlq;
using namespace sluice::testing;

namespace {

const RejectingStage kStep = {"clean", "transform", "validate", "transform"};

struct Store {
  explicit Store(World& of) : world(of), path(of.directory / "dead_letters.db") { reopen(); }

  void reopen() {
    store.reset();
    auto opened = SqliteDeadLetterStore::open(path, {"shop", "hash1"}, world.clock, world.faults);
    if (!opened) FAIL(opened.error().message());
    store = std::move(opened).value();
  }

  std::vector<StoredLetter> letters(LetterFilter filter = {}) const {
    auto listed = list_letters(path, filter);
    if (!listed) FAIL(listed.error().message());
    return std::move(listed).value();
  }

  World& world;
  const std::string path;
  std::unique_ptr<SqliteDeadLetterStore> store;
};

Error refusal(std::string message = "total is negative") { return Error(ErrorKind::kBadRecord, "rule_violated", std::move(message)); }

Rejects reject_all(const Batch& batch, const std::string& message = "total is negative") {
  Rejects rejects;
  for (std::uint32_t i = 0; i < batch.size(); ++i) rejects.add(i, refusal(message));
  return rejects;
}

BatchMaker orders(World& world) {
  return BatchMaker(world, {{"id", Value::Type::kInt64}, {"total", Value::Type::kDecimal}, {"note", Value::Type::kString}}, {0}, "orders");
}

}  // namespace

namespace {

// As the older versions made it.
void make_old_store(const std::string& path, int version) {
  execute(
      path,
      "CREATE TABLE dead_letters ("
      " id INTEGER PRIMARY KEY AUTOINCREMENT, pipeline TEXT NOT NULL, stage TEXT NOT NULL, source TEXT NOT NULL, partition TEXT NOT NULL,"
      " major TEXT NOT NULL, minor TEXT NOT NULL, sub INTEGER NOT NULL, phase TEXT NOT NULL, component TEXT NOT NULL, code TEXT NOT NULL,"
      " message TEXT NOT NULL, key TEXT, first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL, attempts INTEGER NOT NULL,"
      " state TEXT NOT NULL, config_hash TEXT NOT NULL, raw BLOB, input TEXT, record TEXT,"
      " UNIQUE (pipeline, stage, source, partition, major, minor, sub));"
      "CREATE INDEX waiting_letters ON dead_letters (source, partition, major, minor) WHERE state = 'pending';"
      "PRAGMA user_version = " +
          std::to_string(version));
  if (version == 2) execute(path, "CREATE INDEX undecided_letters ON dead_letters (first_seen) WHERE state IN ('pending', 'open')");
  const auto insert = [&](int id, const std::string& stage, const std::string& ordinal, const std::string& state, const std::string& raw) {
    execute(path, "INSERT INTO dead_letters VALUES (" + std::to_string(id) + ", 'shop', '" + stage + "', 'files', 'log', " + ordinal +
                      ", 0, 'transform', 'set', 'bad', 'm', NULL, 5, 6, 3, '" + state + "', 'h', " + raw +
                      ", NULL, '{\"op\":\"insert\"}')");
  };
  insert(3, "clean", "'00000000000000000000', '00000000000000000007'", "open", "NULL");
  insert(5, "clean", "'09223372036854775808', '18446744073709551615'", "open", "NULL");
  insert(7, "clean", "'18446744073709551615', '00000000000000000000'", "pending", "CAST('raw bytes' AS BLOB)");
  insert(12, "out", "'00000000000000000009', '00000000000000000000'", "pending", "NULL");
}

}  // namespace

TEST_CASE("Dead letters: everything of a record is kept (G19)") {
  World world;
  Store at(world);
  BatchMaker maker = orders(world);
  maker.add(Op::kInsert, {Value::int64(9007199254740993), Value::decimal("-12.30"), maker.text("x \"y\"")}).source_time =
      1'700'000'000'000'000;
  Record& second = maker.add(Op::kUpdate, {Value::int64(2), Value::decimal("1"), Value::unchanged()},
                             {Value::int64(1), Value::unchanged(), Value::unchanged()});
  const Value key = Value::int64(2);
  second.key = {&key, 1};
  second.raw = "{\"id\": 2, original}";
  second.sub = 3;
  const auto batch = maker.take();
  const Rejects rejects = reject_all(*batch);
  REQUIRE(at.store->put(*batch, rejects.entries(), kStep));
  CHECK(at.letters().empty());  // not before flush()
  REQUIRE(at.store->flush({}));
  const auto letters = at.letters({.content = true});
  REQUIRE(letters.size() == 2);
  CHECK(letters[0].pipeline == "shop");
  CHECK(letters[0].stage == "clean");
  CHECK(letters[0].phase == "transform");
  CHECK(letters[0].component == "validate");
  CHECK(letters[0].code == "rule_violated");
  CHECK(letters[0].message == "total is negative");
  CHECK(letters[0].source == "files");
  CHECK(letters[0].partition == "log");
  CHECK(letters[0].ordinal == Ordinal{1, 0});
  CHECK(letters[0].attempts == 1);
  CHECK(letters[0].state == "pending");
  CHECK(letters[0].config_hash == "hash1");
  CHECK(letters[0].first_seen == world.clock.utc_microseconds());
  CHECK(!letters[0].raw);
  CHECK(letters[0].input == "{\"id\":9007199254740993,\"total\":\"-12.30\",\"note\":\"x \\\"y\\\"\"}");
  CHECK(letters[0].record ==
        "{\"op\":\"insert\",\"table\":\"orders\",\"source_time\":\"2023-11-14T22:13:20.000000Z\",\"after\":{\"id\":9007199254740993,"
        "\"total\":\"-12.30\","
        "\"note\":\"x \\\"y\\\"\"}}");
  CHECK(letters[1].raw == "{\"id\": 2, original}");
  CHECK(letters[1].key == "{\"id\":2}");
  CHECK(letters[1].sub == 3);
  CHECK(letters[1].record ==
        "{\"op\":\"update\",\"table\":\"orders\",\"before\":{\"id\":1},\"after\":{\"id\":2,\"total\":\"1\"},\"key\":{\"id\":2},"
        "\"unchanged\":[\"note\"]}");
  std::string json;
  append_letter_json(letters[1], json);
  CHECK(
      json ==
      "{\"id\":2,\"pipeline\":\"shop\",\"stage\":\"clean\",\"phase\":\"transform\",\"component\":\"validate\",\"code\":\"rule_violated\","
      "\"message\":\"total is negative\",\"source\":\"files\",\"partition\":\"log\",\"ordinal\":[\"2\",\"0\"],\"sub\":3,\"key\":{\"id\":2},"
      "\"first_seen\":\"2025-10-09T09:53:20.000000Z\",\"last_seen\":\"2025-10-09T09:53:20.000000Z\",\"attempts\":1,\"state\":\"pending\","
      "\"config_hash\":\"hash1\",\"raw_base64\":\"eyJpZCI6IDIsIG9yaWdpbmFsfQ==\",\"record\":" +
          *letters[1].record + "}");
}

TEST_CASE("Dead letters: a replay after a crash makes no second letter (G18)") {
  World world;
  Store at(world);
  BatchMaker maker = orders(world);
  maker.add(Op::kInsert, {Value::int64(1), Value::decimal("1"), Value::null()});
  const auto batch = maker.take();
  for (int round = 0; round < 3; ++round) {
    world.clock.elapsed += std::chrono::seconds(1);
    const Rejects rejects = reject_all(*batch, "round " + std::to_string(round));
    REQUIRE(at.store->put(*batch, rejects.entries(), kStep));
    REQUIRE(at.store->flush({}));
    at.reopen();
  }
  const auto letters = at.letters();
  REQUIRE(letters.size() == 1);
  CHECK(letters[0].message == "round 2");
  CHECK(letters[0].attempts == 1);
  CHECK(letters[0].last_seen - letters[0].first_seen == 2'000'000);
  // Another stage is another letter.
  const Rejects rejects = reject_all(*batch);
  REQUIRE(at.store->put(*batch, rejects.entries(), {"out", "write", "sqlite", "sink"}));
  REQUIRE(at.store->flush({}));
  CHECK(at.letters().size() == 2);
}

TEST_CASE("Dead letters: inputs that never became records keep their bytes") {
  World world;
  Store at(world);
  BatchMaker maker = orders(world);
  const auto batch = maker.take();
  const std::string raw("not \0 json \xff", 12);
  const std::vector<RejectedInput> inputs = {{0, {18446744073709551615ULL, 7}, raw, Error(ErrorKind::kBadRecord, "bad_json", "no JSON")}};
  REQUIRE(at.store->put_inputs(*batch, inputs, {"files", "parse", "file", "source"}));
  REQUIRE(at.store->flush({}));
  const auto letters = at.letters({.content = true});
  REQUIRE(letters.size() == 1);
  CHECK(letters[0].raw == raw);
  CHECK(!letters[0].record);
  CHECK(letters[0].ordinal == Ordinal{18446744073709551615ULL, 7});
}

TEST_CASE("Dead letters: pending until every lane has passed them (G20), counted for metrics") {
  World world;
  Store at(world);
  BatchMaker maker = orders(world);
  for (const std::uint64_t major : {9ULL, 10ULL, 11ULL})
    maker.add_at(major, Op::kInsert, {Value::int64(1), Value::decimal("1"), Value::null()});
  const auto batch = maker.take();
  const Rejects rejects = reject_all(*batch);
  REQUIRE(at.store->put(*batch, rejects.entries(), kStep));
  REQUIRE(at.store->flush({}));
  REQUIRE(at.store->settle({{"files/log", {{10, 0}, "", false}}, {"other/log", {{99, 0}, "", false}}}));
  CHECK(at.letters({.state = "open"}).size() == 2);
  const auto pending = at.letters({.state = "pending"});
  REQUIRE(pending.size() == 1);
  CHECK(pending[0].ordinal.major == 11);
  const auto counts = at.store->counts();
  REQUIRE(counts);
  CHECK(counts->stored == 3);
  CHECK(counts->oldest == world.clock.utc_microseconds());
  // Decided upon and refused again: the same letter, one more attempt.
  REQUIRE(at.store->put(*batch, rejects.entries(), kStep));
  REQUIRE(at.store->flush({}));
  const auto again = at.letters();
  REQUIRE(again.size() == 3);
  CHECK(again[0].attempts == 2);
  CHECK(again[2].attempts == 1);
}

TEST_CASE("Dead letters: those of a source that was removed stay pending, and the others open all the same (G20)") {
  World world;
  Store at(world);
  BatchMaker maker = orders(world);
  maker.add_at(9, Op::kInsert, {Value::int64(1), Value::decimal("1"), Value::null()});
  const auto batch = maker.take();
  REQUIRE(at.store->put(*batch, reject_all(*batch).entries(), kStep));
  REQUIRE(at.store->flush({}));
  // "files/log" is the only partition; what has passed its letters elsewhere is none of its business.
  REQUIRE(at.store->settle({{"files/lo", {{99, 0}, "", false}}, {"files/log2", {{99, 0}, "", false}}, {"gone", {{99, 0}, "", false}}}));
  CHECK(at.letters({.state = "pending"}).size() == 1);
  storage::SqliteDatabase database = std::move(storage::SqliteDatabase::open(at.path, {}).value());
  REQUIRE(database.execute(
      "INSERT INTO lots (pipeline, stage, source, partition) SELECT pipeline, stage, 'removed', partition FROM lots;"
      "INSERT INTO dead_letters (lot, major, minor, sub, state, code, first_seen, last_seen, attempts, run, phase, component, message,"
      " config_hash) SELECT 2, major, minor, sub, state, code, first_seen, last_seen, attempts, run, phase, component, message, config_hash"
      " FROM dead_letters"));
  at.reopen();
  REQUIRE(at.store->settle({{"files/log", {{9, 0}, "", false}}}));
  const auto pending = at.letters({.state = "pending"});
  REQUIRE(pending.size() == 1);
  CHECK(pending[0].source == "removed");
  CHECK(at.letters({.state = "open"}).size() == 1);
}

TEST_CASE("Dead letters: a commit's look at what is pending uses the index and writes nothing where nothing has passed") {
  World world;
  Store at(world);
  BatchMaker maker = orders(world);
  maker.add_at(9, Op::kInsert, {Value::int64(1), Value::decimal("1"), Value::null()});
  const auto batch = maker.take();
  REQUIRE(at.store->put(*batch, reject_all(*batch).entries(), kStep));
  REQUIRE(at.store->flush({}));
  storage::SqliteDatabase writer = std::move(storage::SqliteDatabase::open(at.path, {}).value());
  REQUIRE(writer.begin({}));  // another process writes: a settle() that had something to write would wait and fail
  CHECK(at.store->settle({{"files/log", {{8, 0}, "", false}}, {"other/log", {{99, 0}, "", false}}}));
  writer.rollback();
}

TEST_CASE("Dead letters: filters and limit") {
  World world;
  Store at(world);
  BatchMaker maker = orders(world);
  for (int i = 0; i < 5; ++i) maker.add(Op::kInsert, {Value::int64(i), Value::decimal("1"), Value::null()});
  const auto batch = maker.take();
  Rejects rejects = reject_all(*batch);
  REQUIRE(at.store->put(*batch, rejects.entries(), kStep));
  world.clock.elapsed += std::chrono::seconds(10);
  rejects.clear();
  rejects.add(0, Error(ErrorKind::kBadRecord, "too_big", "x"));
  REQUIRE(at.store->put(*batch, rejects.entries(), {"out", "write", "sqlite", "sink"}));
  REQUIRE(at.store->flush({}));
  CHECK(at.letters({.stage = "out"}).size() == 1);
  CHECK(at.letters({.code = "rule_violated"}).size() == 5);
  CHECK(at.letters({.limit = 2}).size() == 2);
  CHECK(at.letters({.id = 3}).at(0).id == 3);
  CHECK(at.letters({.since = world.clock.utc_microseconds()}).size() == 1);
  CHECK(at.letters({.until = world.clock.utc_microseconds()}).size() == 5);
  CHECK(list_letters(world.directory / "none.db", {})->empty());
}

TEST_CASE("Dead letters: a full disk is transient, and every letter is there afterwards") {
  World world;
  Store at(world);
  BatchMaker maker = orders(world);
  for (int i = 0; i < 300; ++i) maker.add(Op::kInsert, {Value::int64(i), Value::decimal("1"), maker.text(std::string(300, 'n'))});
  const auto batch = maker.take();
  const Rejects rejects = reject_all(*batch);
  {
    const FullDisk full;
    REQUIRE(at.store->put(*batch, rejects.entries(), kStep));
    for (int i = 0; i < 2; ++i) {
      const Status failed = at.store->flush({});
      REQUIRE(!failed);
      CHECK(failed.error().kind() == ErrorKind::kTransient);
    }
  }
  REQUIRE(at.store->flush({}));
  CHECK(at.letters({.limit = 1000}).size() == 300);
}

TEST_CASE("Dead letters: memory is bounded; a put that cannot be taken takes nothing") {
  World world;
  Store at(world);
  BatchMaker maker = orders(world);
  maker.add(Op::kInsert, {Value::int64(1), Value::decimal("1"), maker.text(std::string(SqliteDeadLetterStore::kMaxStagedBytes, 'n'))});
  const auto big = maker.take();
  maker.add(Op::kInsert, {Value::int64(2), Value::decimal("1"), Value::null()});
  const auto small = maker.take();
  {
    const FullDisk full;
    REQUIRE(at.store->put(*big, reject_all(*big).entries(), kStep));
    const Status refused = at.store->put(*small, reject_all(*small).entries(), kStep);
    REQUIRE(!refused);
    CHECK(refused.error().kind() == ErrorKind::kTransient);
  }
  REQUIRE(at.store->put(*small, reject_all(*small).entries(), kStep));
  CHECK(at.letters().size() == 1);  // the big one made room
  REQUIRE(at.store->flush({}));
  CHECK(at.letters().size() == 2);
}

TEST_CASE("Dead letters: a crash at any point loses no flushed letter and doubles none (G18)") {
  for (std::uint64_t crash_at = 1; crash_at <= 6; ++crash_at) {
    World world;
    Store at(world);
    BatchMaker maker = orders(world);
    bool crashed = false;
    std::size_t flushed = 0;
    for (int i = 0; i < 3 && !crashed; ++i) {
      maker.add(Op::kInsert, {Value::int64(i), Value::decimal("1"), Value::null()});
      const auto batch = maker.take();
      world.faults.crash_at = i == 1 ? crash_at : 0;
      try {
        const Status put = at.store->put(*batch, reject_all(*batch).entries(), kStep);
        const Status done = at.store->flush({});
        REQUIRE((put && done));
        ++flushed;
      } catch (const SimulatedCrash&) {
        crashed = true;
        world.faults.crash_at = 0;
        at.reopen();
        CHECK(at.letters().size() >= flushed);
        REQUIRE(at.store->put(*batch, reject_all(*batch).entries(), kStep));
        REQUIRE(at.store->flush({}));
        CHECK(at.letters().size() == flushed + 1);
      }
    }
    CHECK(crashed == (crash_at <= 3));
  }
}

TEST_CASE("Dead letters: a crash during the migration is made good, a newer version is refused (G29)") {
  for (const std::uint64_t crash_at : {1ULL, 2ULL, 3ULL, 4ULL, 5ULL, 6ULL}) {
    World world;
    world.faults.crash_at = crash_at;
    const std::string path = world.directory / "dead_letters.db";
    CHECK_THROWS_AS(SqliteDeadLetterStore::open(path, {"shop", ""}, world.clock, world.faults), SimulatedCrash);
    world.faults.crash_at = 0;
    Store at(world);
    CHECK(at.letters().empty());
    at.store.reset();
    execute(path, "PRAGMA user_version = 4");
    const auto newer = SqliteDeadLetterStore::open(path, {"shop", ""}, world.clock, world.faults);
    REQUIRE(!newer);
    CHECK(newer.error().kind() == ErrorKind::kFatal);
    CHECK(newer.error().code() == "newer_state");
    CHECK(list_letters(path, {}).error().code() == "newer_state");
  }
}

TEST_CASE("Dead letters: a file of an older version is migrated with its letters (G29)") {
  for (const int version : {1, 2}) {
    for (const std::uint64_t crash_at : {0ULL, 1ULL, 2ULL, 3ULL, 4ULL}) {
      if (crash_at > static_cast<std::uint64_t>(2 * (kStoreVersion - version))) continue;
      World world;
      const std::string path = world.directory / "dead_letters.db";
      make_old_store(path, version);
      world.faults.crash_at = crash_at;
      if (crash_at != 0) {
        CHECK_THROWS_AS(SqliteDeadLetterStore::open(path, {"shop", "hash1"}, world.clock, world.faults), SimulatedCrash);
        world.faults.crash_at = 0;
      }
      Store at(world);
      const auto letters = at.letters({.content = true});
      REQUIRE(letters.size() == 4);
      CHECK(letters[0].ordinal == Ordinal{0, 7});
      CHECK(letters[0].state == "open");
      CHECK(letters[0].record == "{\"op\":\"insert\"}");
      CHECK(letters[0].attempts == 3);
      CHECK(letters[1].ordinal == Ordinal{9223372036854775808ULL, 18446744073709551615ULL});
      CHECK(letters[1].state == "open");
      CHECK(letters[2].ordinal == Ordinal{18446744073709551615ULL, 0});
      CHECK(letters[2].state == "pending");
      CHECK(letters[2].raw == "raw bytes");
      CHECK(letters[3].stage == "out");
      CHECK(letters[3].state == "pending");
      CHECK(at.letters({.id = 12}).size() == 1);  // ids stay
      REQUIRE(at.store->settle({{"files/log", {{18446744073709551615ULL, 0}, "", false}}}));
      CHECK(at.letters({.state = "open"}).size() == 4);
    }
  }
}

TEST_CASE("Dead letters: gauges follow with settle(), a crash inside it settles nothing twice and nothing by half (G20)") {
  for (const std::uint64_t crash_at : {0ULL, 1ULL, 2ULL}) {
    World world;
    Gauge stored, oldest;
    const std::string path = world.directory / "dead_letters.db";
    const auto open = [&] {
      auto opened = SqliteDeadLetterStore::open(path, {"shop", "hash1"}, world.clock, world.faults, {&stored, &oldest});
      REQUIRE(opened);
      return std::move(opened).value();
    };
    auto store = open();
    CHECK(stored.value() == 0);
    CHECK(oldest.value() == 0);
    BatchMaker maker = orders(world);
    for (const std::uint64_t major : {1ULL, 2ULL}) maker.add_at(major, Op::kInsert, {Value::int64(1), Value::decimal("1"), Value::null()});
    const auto batch = maker.take();
    REQUIRE(store->put(*batch, reject_all(*batch).entries(), kStep));
    REQUIRE(store->flush({}));
    const Checkpoint first = {{"files/log", {{1, 0}, "", false}}};
    world.faults.crash_at = crash_at;
    if (crash_at != 0) {
      CHECK_THROWS_AS(store->settle(first), SimulatedCrash);
      world.faults.crash_at = 0;
      store.reset();
      store = open();
    }
    REQUIRE(store->settle(first));
    CHECK(stored.value() == 2);
    CHECK(oldest.value() == Approx(static_cast<double>(world.clock.utc_microseconds()) * 1e-6));
    CHECK(list_letters(path, {.state = "open"})->size() == 1);
    REQUIRE(store->settle({{"files/log", {{2, 0}, "", false}}}));
    CHECK(list_letters(path, {.state = "open"})->size() == 2);
  }
}

TEST_CASE("Dead letters: the file is private") {
  World world;
  Store at(world);
  for (const std::string suffix : {"", "-wal"}) {
    struct stat found {};
    REQUIRE(::stat((at.path + suffix).c_str(), &found) == 0);
    CHECK((found.st_mode & 0777) == 0600);
  }
}

TEST_CASE("Dead letters: shards and lanes put at the same time") {
  World world;
  Store at(world);
  constexpr int kThreads = 4;
  constexpr int kRounds = 25;
  std::vector<std::shared_ptr<const Batch>> batches;
  for (int thread = 0; thread < kThreads; ++thread) {
    BatchMaker maker = orders(world);
    for (int i = 0; i < kRounds; ++i)
      maker.add_at(static_cast<std::uint64_t>(thread * 1000 + i), Op::kInsert, {Value::int64(i), Value::decimal("1"), Value::null()});
    batches.push_back(maker.take());
  }
  std::atomic<int> failures{0};
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        for (std::uint32_t i = 0; i < kRounds; ++i) {
          Rejects rejects;
          rejects.add(i, refusal());
          const Batch& batch = *batches[static_cast<std::size_t>(thread)];
          if (!at.store->put(batch, rejects.entries(), kStep)) ++failures;
          if (i % 5 == 0 && !at.store->flush({})) ++failures;
          if (i % 7 == 0 && !at.store->counts()) ++failures;
        }
      });
    }
  }
  REQUIRE(at.store->flush({}));
  CHECK(failures == 0);
  CHECK(at.letters({.limit = 1000}).size() == kThreads * kRounds);
}

namespace {

// Holds the store's writer where it has taken letters and not begun its transaction.
class HeldWriter final : public FaultPoints {
 public:
  void reach(std::string_view point) override {
    if (point == "dead_letter_store.after_commit") committed = true;
    if (point != "dead_letter_store.before_write" || held.exchange(true)) return;
    while (!go) std::this_thread::yield();
  }
  std::atomic<bool> held{true}, go{false}, committed{false};  // held: nobody is to be held, or somebody is
};

void wait_until(const std::atomic<bool>& flag) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!flag && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  REQUIRE(flag);
}

}  // namespace

TEST_CASE("Dead letters: a key that is noted while the writer has older letters finds its letter (G20)") {
  World world;
  HeldWriter faults;
  const std::string path = world.directory / "dead_letters.db";
  auto store = SqliteDeadLetterStore::open(path, {"shop", "hash1"}, world.clock, faults);
  REQUIRE(store);
  faults.held = false;
  const auto put = [&](std::uint64_t major, const std::string& note) {
    BatchMaker maker = orders(world);
    maker.add_at(major, Op::kInsert, {Value::int64(1), Value::decimal("1"), maker.text(note)});
    const auto batch = maker.take();
    REQUIRE((*store)->put(*batch, reject_all(*batch).entries(), kStep));
  };
  put(1, std::string(4 << 20, 'x'));  // enough for the writer
  wait_until(faults.held);
  put(2, "waits for the writer");
  (*store)->replays()->keys().note({"files", "log", {2, 0}, 0}, {{"table", 7}});
  faults.go = true;
  wait_until(faults.committed);
  REQUIRE((*store)->flush({}));
  CHECK(query(path, "SELECT row_keys FROM dead_letters ORDER BY major") == "NULL\n'[\"table\",\"0000000000000007\"]'\n");
}
