// Listing and counting 1,000,000 letters in less than a second each.
#include <catch2/catch.hpp>
#include <cstdio>
#include <ctime>
#include <functional>

#include "dlq/dead_letter_service.h"
#include "dlq/store_schema.h"
#include "storage/sqlite_database.h"
#include "tests/sinks/harness.h"

using namespace sluice;
using namespace sluice::dlq;
using namespace sluice::testing;

namespace {

constexpr std::int64_t kLetters = 1'000'000;
constexpr double kSeconds = 1.0;

// Ten stages, fifty codes, contents of about 300 bytes; the last thousand are pending.
void fill(const std::string& path) {
  FaultPoints none;
  const auto database = std::move(open_store(path, none).value());
  REQUIRE(database->execute("PRAGMA synchronous = OFF"));
  REQUIRE(database->begin({}));
  REQUIRE(
      database->execute("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 9)"
                        " INSERT INTO lots (pipeline, stage, source, partition, settled_major, settled_minor) SELECT 'p', 'stage' || i, "
                        "'s', 'q', 999000, 0 FROM n"));
  REQUIRE(database->execute(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)"
      " INSERT INTO dead_letters (lot, major, minor, sub, state, code, first_seen, last_seen, attempts, run, phase, component, message,"
      " config_hash, raw) SELECT i % 10 + 1, i, 0, 0, CASE WHEN i % 100 = 0 THEN 2 ELSE 0 END, 'code' || (i % 50), i, i, 1, 1, 'transform',"
      " 'set', 'the message of a letter, which says what is wrong', 'hash', zeroblob(300) FROM n"));
  REQUIRE(database->commit());
}

// Of the processor: how long a busy machine takes says nothing about us.
double seconds(const std::function<void()>& work) {
  const std::clock_t begin = std::clock();
  work();
  return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

}  // namespace

TEST_CASE("A million dead letters are listed and counted in less than a second") {
  World world;
  const std::string path = world.directory / "dead_letters.db";
  fill(path);
  const DeadLetterService service(path);
  const auto list = [&](const LetterFilter& filter, std::size_t expected) {
    const double took = seconds([&] {
      const auto letters = service.list(filter);
      REQUIRE(letters);
      CHECK(letters->size() == expected);
    });
    CHECK(took < kSeconds);
    return took;
  };
  const double first = list({}, 100);
  const double by_stage = list({.stage = "stage3"}, 100);
  const double by_code = list({.stage = "stage3", .code = "code3", .state = "open"}, 100);
  const double newest = list({.since = kLetters - 50}, 51);
  const double none = list({.code = "no such code"}, 0);
  std::vector<LetterTotal> totals;
  const double counted = seconds([&] { totals = std::move(service.totals({}, LetterGroup::kStageAndCode).value()); });
  CHECK(counted < kSeconds);
  CHECK(totals.size() == 50);
  std::uint64_t pending = 0, replayed = 0, all = 0;
  for (const LetterTotal& total : totals) {
    pending += total.pending;
    replayed += total.replayed;
    all += total.count;
  }
  CHECK(all == kLetters);
  CHECK(replayed == kLetters / 100);
  CHECK(pending >= 900 * 99 / 100);
  std::printf(
      "1,000,000 letters: first 100 %.3f s, of a stage %.3f s, of a stage and code %.3f s, newest %.3f s, none %.3f s, totals %.3f s\n",
      first, by_stage, by_code, newest, none, counted);
}
