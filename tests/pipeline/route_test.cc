// A step with several outputs: who gets what, the books (G12), positions (G8), order, and crashes (G1, G5, G18).

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "pipeline/pipeline.h"
#include "tests/pipeline/simulation.h"

namespace sluice {
namespace {

using namespace simulation;
namespace fs = std::filesystem;

bool is_even(std::uint64_t ordinal) { return ordinal % 2 == 0; }
bool is_third(std::uint64_t ordinal) { return ordinal % 3 == 0; }
bool is_refused(std::uint64_t ordinal) { return ordinal % 29 == 8; }    // by the route
bool is_unmatched(std::uint64_t ordinal) { return ordinal % 31 == 1; }  // else: dead_letter, whatever on_error says
bool is_left_out(std::uint64_t ordinal) { return ordinal % 37 == 2; }   // else: drop

// As `every: {even, third}` with `else: rest`.
class OrdinalRouter final : public Router {
 public:
  Status route(const Batch& batch, Routes& routes, Rejects& rejects, std::stop_token) override {
    for (const std::uint32_t i : batch.active()) {
      const std::uint64_t ordinal = batch.records()[i].ordinal.major;
      if (is_refused(ordinal)) {
        rejects.add(i, Error(ErrorKind::kBadRecord, "refused", "the route cannot judge it"));
      } else if (is_unmatched(ordinal)) {
        routes.dead_letters.push_back(i);
      } else if (!is_left_out(ordinal)) {
        if (is_even(ordinal)) routes.outputs[0].push_back(i);
        if (is_third(ordinal)) routes.outputs[1].push_back(i);
        if (!is_even(ordinal) && !is_third(ordinal)) routes.outputs[2].push_back(i);
      }
    }
    return {};
  }
};

pipeline::StepDefinition route(pipeline::OnError on_error = pipeline::OnError::kDeadLetter) {
  pipeline::StepDefinition definition;
  definition.name = "way";
  definition.type = "route";
  definition.from = {"s"};
  definition.on_error = on_error;
  definition.outputs = {"even", "third", "rest"};
  definition.build_router = [](const BuildContext&) -> Result<std::unique_ptr<Router>> {
    return std::unique_ptr<Router>(new OrdinalRouter);
  };
  return definition;
}

class ThirdPredicate final : public Predicate {
 public:
  void select(const Batch& batch, std::span<const std::uint32_t> candidates, std::vector<std::uint32_t>& holding, Rejects&) override {
    for (const std::uint32_t i : candidates) {
      if (is_third(batch.records()[i].ordinal.major)) holding.push_back(i);
    }
  }
};

pipeline::Definition plan(World& world, std::uint64_t seed = 1, Weather weather = {}) {
  pipeline::Definition result;
  result.name = "fork";
  result.sources = {source(world, "s", seed * 31, weather)};
  result.steps = {route(), step("clean", {"way.third"})};
  result.sinks = {sink(world, "even", {"way.even"}, seed * 7, weather), sink(world, "third", {"clean"}, seed * 11, weather),
                  sink(world, "both", {"way.third", "way.even"}, seed * 13, weather), sink(world, "rest", {"way.rest"}, seed * 17, weather),
                  sink(world, "raw", {"s"}, seed * 19, weather)};
  return result;
}

template <typename Wanted>
std::vector<Row> expected(const World& world, const std::string& partition, Wanted wanted) {
  std::vector<Row> rows;
  for (const Row& row : expected_rows(world, partition, false)) {
    const std::uint64_t o = row.ordinal;
    if (!is_refused(o) && !is_unmatched(o) && !is_left_out(o) && wanted(o)) rows.push_back(row);
  }
  return rows;
}

void check_world(const World& world) {
  for (const std::string& breach : world.breaches) FAIL_CHECK(breach);
  for (const std::string& partition : world.partitions) {
    INFO(partition);
    CHECK(rows_of(world.sinks.at("even"), partition) == expected(world, partition, is_even));
    CHECK(rows_of(world.sinks.at("third"), partition) ==
          expected(world, partition, [](std::uint64_t o) { return is_third(o) && !is_filtered(o) && !is_step_reject(o); }));
    // Each record once, though both outputs have it, and in the order of the source.
    CHECK(rows_of(world.sinks.at("both"), partition) ==
          expected(world, partition, [](std::uint64_t o) { return is_even(o) || is_third(o); }));
    CHECK(rows_of(world.sinks.at("rest"), partition) ==
          expected(world, partition, [](std::uint64_t o) { return !is_even(o) && !is_third(o); }));
    CHECK(rows_of(world.sinks.at("raw"), partition) == expected_rows(world, partition, false));
    // G8: an output that got nothing of a batch has passed it all the same.
    for (const auto& [name, content] : world.sinks) CHECK(content.positions.at("s/" + partition).done.major == world.length);
  }
}

struct Fixture {
  Fixture() {
    std::string pattern = (fs::temp_directory_path() / "sluice-XXXXXX").string();
    directory = mkdtemp(pattern.data());
  }
  ~Fixture() { fs::remove_all(directory); }

  pipeline::Environment environment(FaultPoints& faults) {
    return {directory,
            "instance-1",
            metrics,
            log,
            clock,
            faults,
            [this, &faults](const pipeline::Definition&, const pipeline::Environment&) -> Result<std::unique_ptr<DeadLetterQueue>> {
              return dead_letters(world, faults);
            }};
  }

  World world;
  std::string directory;
  PlainMetrics metrics;
  QuietLogger log;
  SystemClock clock;
};

void check_books(const std::vector<pipeline::LaneBooks>& books) {
  for (const auto& lane : books) {
    INFO("sink " << lane.sink);
    CHECK(lane.in + lane.created == lane.filtered + lane.deduplicated + lane.dead_lettered + lane.skipped + lane.out + lane.in_flight);
    CHECK(lane.in_flight == 0);
    CHECK(lane.in == books.front().in);
  }
}

TEST_CASE_METHOD(Fixture, "each reader of a route gets its records in order, and the books say where the others went (G8 G12)") {
  FaultPoints faults;
  pipeline::Pipeline pipeline(plan(world), environment(faults));
  REQUIRE(pipeline.run({}));
  check_world(world);
  const auto books = pipeline.books();
  check_books(books);
  // 1 and 32 are visible, no bad input and reach the route: dead letters of every lane behind it, once each in the store.
  CHECK(world.letters.at("way|p0|1") == 1);
  CHECK(world.letters.contains("way|p1|66"));  // 66 = 2 * 29 + 8
  CHECK_FALSE(world.letters.contains("way|p0|39"));
  CHECK(books[0].dead_lettered > books[4].dead_lettered);  // raw does not read the route
}

TEST_CASE_METHOD(Fixture, "on_error: drop leaves out what the route cannot judge; what no condition wants is a dead letter all the same") {
  FaultPoints faults;
  auto definition = plan(world);
  definition.steps[0].on_error = pipeline::OnError::kDrop;
  pipeline::Pipeline pipeline(definition, environment(faults));
  REQUIRE(pipeline.run({}));
  check_world(world);
  check_books(pipeline.books());
  CHECK_FALSE(world.letters.contains("way|p1|66"));
  CHECK(world.letters.contains("way|p0|1"));
}

TEST_CASE_METHOD(Fixture, "on_error: stop ends the pipeline at a record that the route cannot judge") {
  FaultPoints faults;
  auto definition = plan(world);
  definition.steps[0].on_error = pipeline::OnError::kStop;
  pipeline::Pipeline pipeline(definition, environment(faults));
  const auto ended = pipeline.run({});
  REQUIRE_FALSE(ended);
  CHECK(ended.error().code() == "refused");
}

TEST_CASE_METHOD(Fixture, "unmatched is judged at each output whose readers all have a `when`") {
  FaultPoints faults;
  auto definition = plan(world);
  definition.sinks.pop_back();
  definition.steps = {route()};
  definition.sinks = {sink(world, "even", {"way.even"}, 1, {}), sink(world, "third", {"way.third"}, 1, {}),
                      sink(world, "rest", {"way.rest"}, 1, {})};
  definition.sinks[0].when = []() -> Result<std::unique_ptr<Predicate>> { return std::unique_ptr<Predicate>(new ThirdPredicate); };
  definition.unmatched = pipeline::Unmatched::kDeadLetter;
  pipeline::Pipeline pipeline(definition, environment(faults));
  REQUIRE(pipeline.run({}));
  check_books(pipeline.books());
  CHECK(world.letters.contains("way|p0|10"));       // even, and not wanted by the only sink of that output
  CHECK_FALSE(world.letters.contains("way|p0|6"));  // wanted
  CHECK_FALSE(world.letters.contains("way|p0|5"));  // rest: its sink takes all
}

// SLUICE_TEST_SEEDS sets how many (40 by default).
TEST_CASE("a route delivers everything exactly once, whatever crashes (G1 G5 G8 G12 G18)") {
  const char* text = std::getenv("SLUICE_TEST_SEEDS");
  const std::uint64_t seeds = text != nullptr ? std::strtoull(text, nullptr, 10) : 40;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    INFO("seed " << seed);
    Fixture fixture;
    std::mt19937_64 random(seed);
    const Weather weather{static_cast<unsigned>(random() % 3 * 4), static_cast<unsigned>(random() % 3 * 10)};
    for (std::uint64_t crashes = random() % 6;; --crashes) {
      CrashingFaults faults(crashes > 0 ? 1 + random() % 150 : 0);
      pipeline::Pipeline pipeline(plan(fixture.world, seed + crashes, weather), fixture.environment(faults));
      try {
        const Status ended = pipeline.run({});
        REQUIRE(ended);
      } catch (const SimulatedCrash&) {
        REQUIRE(crashes > 0);
        continue;
      }
      check_books(pipeline.books());
      break;
    }
    check_world(fixture.world);
    for (const auto& [id, times] : fixture.world.letters) {
      INFO("dead letter " << id);
      const auto ordinal = std::strtoull(id.substr(id.rfind('|') + 1).c_str(), nullptr, 10);
      if (id.starts_with("way|")) CHECK((is_refused(ordinal) || is_unmatched(ordinal)));
    }
  }
}

}  // namespace
}  // namespace sluice
