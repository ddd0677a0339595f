// The commit protocol under crashes at every durable step: G1, G5, G6, G7, G8, G9, G10, G12, G13, G18 by seeds.
// SLUICE_TEST_SEEDS sets how many (300 by default).

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "../support/temporary_directory.h"
#include "pipeline/pipeline.h"
#include "tests/pipeline/simulation.h"

namespace sluice {
namespace {

using namespace simulation;
namespace fs = std::filesystem;

std::uint64_t seed_count() {
  const char* text = std::getenv("SLUICE_TEST_SEEDS");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : 300;
}

// To run one seed again: SLUICE_TEST_FIRST_SEED=20 SLUICE_TEST_SEEDS=1.
std::uint64_t first_seed() {
  const char* text = std::getenv("SLUICE_TEST_FIRST_SEED");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : 1;
}

// The plan of one seed: which sinks there are from the start, which come later.
struct Plan {
  std::uint64_t seed;
  Weather weather;
  std::uint64_t crash_at;  // 0: the run ends by itself
  bool with_late_sink;
};

struct Outcome {
  bool crashed = false;
  Status status;
  std::vector<pipeline::LaneBooks> books;
};

Outcome run(World& world, const std::string& directory, const Plan& plan) {
  CrashingFaults faults(plan.crash_at);
  PlainMetrics metrics;
  QuietLogger log;
  SystemClock clock;
  pipeline::Definition definition;
  definition.name = "sim";
  definition.sources = {source(world, "s", plan.seed * 31 + plan.crash_at, plan.weather)};
  definition.steps = {step("clean", {"s"})};
  definition.sinks = {sink(world, "kept", {"clean"}, plan.seed * 7 + plan.crash_at, plan.weather),
                      sink(world, "slow", {"clean"}, plan.seed * 11 + plan.crash_at, plan.weather),
                      sink(world, "raw", {"s"}, plan.seed * 13 + plan.crash_at, plan.weather),
                      sink(world, "forgetful", {"clean"}, plan.seed * 5 + plan.crash_at, plan.weather)};
  definition.sinks[1].commit = {std::chrono::milliseconds(50), 1000, 1 << 20};
  if (plan.with_late_sink) definition.sinks.push_back(sink(world, "late", {"clean"}, plan.seed * 3 + plan.crash_at, plan.weather));
  pipeline::Environment environment{
      directory,
      "instance-1",
      metrics,
      log,
      clock,
      faults,
      [&](const pipeline::Definition&, const pipeline::Environment&) -> Result<std::unique_ptr<DeadLetterQueue>> {
        return dead_letters(world, faults);
      }};
  pipeline::Pipeline pipeline(definition, environment);
  Outcome outcome;
  try {
    outcome.status = pipeline.run({});
  } catch (const SimulatedCrash&) {
    outcome.crashed = true;
  }
  outcome.books = pipeline.books();
  return outcome;
}

void check_books(const std::vector<pipeline::LaneBooks>& books, bool at_end) {
  for (const auto& lane : books) {
    INFO("sink " << lane.sink);
    CHECK(lane.in + lane.created == lane.filtered + lane.deduplicated + lane.dead_lettered + lane.skipped + lane.out + lane.in_flight);
    if (at_end) CHECK(lane.in_flight == 0);
  }
}

// No duplicate except of what the replay of an at-least-once sink brings: every expected row is there, in order when first seen.
std::vector<Row> first_occurrences(const std::vector<Row>& rows) {
  std::set<Row> seen;
  std::vector<Row> result;
  for (const Row& row : rows) {
    if (seen.insert(row).second) result.push_back(row);
  }
  return result;
}

void check_letters(const World& world) {
  std::set<std::string> expected;
  for (const std::string& partition : world.partitions) {
    for (std::uint64_t o = 1; o <= world.length; ++o) {
      if (is_invisible(o)) continue;
      const std::string where = "|" + partition + "|" + std::to_string(o);
      if (is_bad_input(o)) {
        expected.insert("s" + where);
        continue;
      }
      if (is_sink_reject(o)) expected.insert("raw" + where);
      if (is_filtered(o)) continue;
      if (is_step_reject(o)) {
        expected.insert("clean" + where);
      } else if (is_sink_reject(o)) {
        for (const char* sink_name : {"kept", "slow", "forgetful"}) expected.insert(sink_name + where);
      }
    }
  }
  for (const std::string& id : expected) {
    INFO("dead letter " << id);
    CHECK(world.letters.contains(id));
  }
  for (const auto& [id, times] : world.letters) {
    INFO("dead letter " << id);
    const bool known = expected.contains(id) || id.starts_with("late|");
    CHECK(known);
  }
}

void check_world(const World& world) {
  for (const std::string& breach : world.breaches) FAIL_CHECK(breach);
  for (const std::string& partition : world.partitions) {
    INFO(partition);
    CHECK(rows_of(world.sinks.at("kept"), partition) == expected_rows(world, partition, true));
    CHECK(rows_of(world.sinks.at("slow"), partition) == expected_rows(world, partition, true));
    CHECK(rows_of(world.sinks.at("raw"), partition) == expected_rows(world, partition, false));
    CHECK(first_occurrences(rows_of(world.sinks.at("forgetful"), partition)) == expected_rows(world, partition, true));
    // G8: filtered and invisible records move the position all the same.
    for (const char* name : {"kept", "slow", "raw"}) CHECK(world.sinks.at(name).positions.at("s/" + partition).done.major == world.length);
  }
  check_letters(world);
}

TEST_CASE("every seed delivers everything, exactly once where promised, whatever crashes (G1 G5 G6 G8 G9 G12 G13 G18)") {
  for (std::uint64_t seed = first_seed(); seed < first_seed() + seed_count(); ++seed) {
    INFO("seed " << seed);
    testing::TemporaryDirectory directory(testing::TemporaryDirectory::Place::kMemory);
    World world;
    world.sinks["forgetful"].keeps_positions = false;
    std::mt19937_64 random(seed);
    const Weather weather{static_cast<unsigned>(random() % 3 * 4), static_cast<unsigned>(random() % 3 * 10)};
    std::uint64_t crashes = random() % 6;
    while (true) {
      const std::uint64_t crash_at = crashes > 0 ? 1 + random() % 120 : 0;
      if (crashes > 0) --crashes;
      const Outcome outcome = run(world, directory.path(), {seed, weather, crash_at, false});
      if (outcome.crashed) continue;
      REQUIRE(outcome.status);
      check_books(outcome.books, true);
      break;
    }
    check_world(world);
  }
}

TEST_CASE("a new sink is born with the current minimum and misses nothing after it (G10)") {
  for (std::uint64_t seed = 1; seed <= std::max<std::uint64_t>(1, seed_count() / 10); ++seed) {
    INFO("seed " << seed);
    testing::TemporaryDirectory directory(testing::TemporaryDirectory::Place::kMemory);
    World world;
    world.sinks["forgetful"].keeps_positions = false;
    static_cast<void>(run(world, directory.path(), {seed, {}, 60 + seed % 100, false}));
    // The minimum that the late sink is born with is at most this.
    std::map<std::string, std::uint64_t> reached;
    for (const std::string& partition : world.partitions) {
      std::uint64_t lowest = world.length;
      for (const char* name : {"kept", "slow", "raw"}) lowest = std::min(lowest, world.sinks[name].positions["s/" + partition].done.major);
      reached[partition] = lowest;
    }
    Outcome outcome = run(world, directory.path(), {seed, {}, seed % 2 == 0 ? 5 + seed : 0, true});
    while (outcome.crashed) outcome = run(world, directory.path(), {seed, {}, 0, true});
    REQUIRE(outcome.status);
    for (const std::string& breach : world.breaches) FAIL_CHECK(breach);
    for (const std::string& partition : world.partitions) {
      INFO(partition);
      const auto rows = rows_of(world.sinks.at("late"), partition);
      const auto all = expected_rows(world, partition, true);
      const auto after = std::count_if(all.begin(), all.end(), [&](const Row& row) { return row.ordinal > reached[partition]; });
      REQUIRE(rows.size() <= all.size());
      CHECK(static_cast<std::ptrdiff_t>(rows.size()) >= after);
      CHECK(rows == std::vector<Row>(all.end() - static_cast<std::ptrdiff_t>(rows.size()), all.end()));
    }
  }
}

}  // namespace
}  // namespace sluice
