// Pause, resume, restart and changes of positions.

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <thread>

#include "pipeline/position_change.h"
#include "pipeline/supervised_pipeline.h"
#include "tests/pipeline/simulation.h"

namespace sluice {
namespace {

using namespace simulation;
using namespace std::chrono_literals;
using pipeline::State;
using pipeline::SupervisedPipeline;
namespace fs = std::filesystem;

struct Scene {
  explicit Scene(FaultPoints& points) : faults(points) {
    std::string pattern = (fs::temp_directory_path() / "sluice-XXXXXX").string();
    directory = mkdtemp(pattern.data());
  }
  ~Scene() { fs::remove_all(directory); }

  pipeline::Environment environment() {
    return {directory,
            "instance-1",
            metrics,
            log,
            clock,
            faults,
            [this](const pipeline::Definition&, const pipeline::Environment&) -> Result<std::unique_ptr<DeadLetterQueue>> {
              return dead_letters(world, faults);
            }};
  }
  pipeline::Definition definition(bool endless = true) {
    pipeline::Definition result;
    result.name = "life";
    result.sources = {source(world, "s", 1, {}, endless)};
    result.steps = {step("clean", {"s"})};
    result.sinks = {sink(world, "kept", {"clean"}, 1, {}), sink(world, "late", {"s"}, 2, {})};
    return result;
  }
  std::uint64_t done(const std::string& sink_name, const std::string& partition) {
    const std::lock_guard lock(world.mutex);
    return world.sinks[sink_name].positions["s/" + partition].done.major;
  }
  bool all_delivered() {
    for (const char* name : {"kept", "late"}) {
      for (const std::string& partition : world.partitions) {
        if (done(name, partition) != world.length) return false;
      }
    }
    return true;
  }
  // Every record `times` times, and in order within each time.
  void check_rows(std::size_t times) {
    CHECK(world.breaches == std::vector<std::string>());
    for (const std::string& partition : world.partitions) {
      std::vector<Row> wanted;
      const std::vector<Row> once = expected_rows(world, partition, true);
      for (std::size_t i = 0; i < times; ++i) wanted.insert(wanted.end(), once.begin(), once.end());
      CHECK(rows_of(world.sinks["kept"], partition) == wanted);
    }
  }
  // The log is whole again, as a first start finds it.
  void refill() {
    const std::lock_guard lock(world.mutex);
    world.pruned.clear();
  }

  World world;
  std::string directory;
  PlainMetrics metrics;
  QuietLogger log;
  SystemClock clock;
  FaultPoints& faults;
};

struct Fixture : Scene {
  Fixture() : Scene(none) {}
  FaultPoints none;
};

template <typename F>
bool eventually(F condition) {
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (std::chrono::steady_clock::now() < deadline) {
    if (condition()) return true;
    std::this_thread::sleep_for(1ms);
  }
  return false;
}

bool reaches(const SupervisedPipeline& pipeline, State state) {
  return eventually([&] { return pipeline.status().state == state; });
}

bool balanced(const pipeline::LaneBooks& lane) {
  return lane.in + lane.created == lane.filtered + lane.deduplicated + lane.dead_lettered + lane.skipped + lane.out + lane.in_flight;
}

TEST_CASE_METHOD(Fixture, "a paused pipeline commits what it has, stays paused in the next process, and goes on where it stood") {
  world.length = 3000;
  {
    SupervisedPipeline pipeline(definition(), environment());
    REQUIRE(eventually([&] { return done("kept", "p0") > 100; }));
    REQUIRE(pipeline.pause());
    REQUIRE(reaches(pipeline, State::kPaused));
    CHECK_FALSE(pipeline.finished());
    for (const auto& lane : pipeline.books()) CHECK(balanced(lane));
    REQUIRE(pipeline.pause());  // once more changes nothing
  }
  {
    SupervisedPipeline pipeline(definition(), environment());
    CHECK(pipeline.status().state == State::kPaused);
    const auto status = pipeline.status();
    REQUIRE(status.sinks.size() == 2);
    CHECK(status.sinks[0].committed.at("s/p0").done.major == done("kept", "p0"));
    CHECK(status.sources[0].acknowledged.contains("s/p0"));
    CHECK(status.restarts == 0);
    REQUIRE(pipeline.resume());
    REQUIRE(eventually([&] { return all_delivered(); }));
  }
  SupervisedPipeline pipeline(definition(), environment());
  CHECK(reaches(pipeline, State::kRunning));
  check_rows(1);
}

TEST_CASE_METHOD(Fixture, "books go on over pause, resume and restart (G12)") {
  world.length = 3000;
  SupervisedPipeline pipeline(definition(), environment());
  REQUIRE(reaches(pipeline, State::kRunning));
  for (int i = 0; i < 3; ++i) {
    REQUIRE(pipeline.pause());
    REQUIRE(reaches(pipeline, State::kPaused));
    for (const auto& lane : pipeline.books()) CHECK(balanced(lane));
    REQUIRE(pipeline.resume());
    REQUIRE(reaches(pipeline, State::kRunning));
    const auto before = pipeline.status().restarts;
    REQUIRE(pipeline.restart());
    REQUIRE(eventually([&] { return pipeline.status().restarts > before; }));
    for (const auto& lane : pipeline.books()) CHECK(balanced(lane));
  }
  REQUIRE(eventually([&] { return all_delivered(); }));
  REQUIRE(pipeline.pause());
  REQUIRE(reaches(pipeline, State::kPaused));
  check_rows(1);
  const auto books = pipeline.books();
  CHECK(books[0].out <= world.sinks["kept"].rows.size());  // a stop inside a chunk lets the books begin anew
  CHECK(pipeline.status().restarts >= 6);
}

TEST_CASE_METHOD(Fixture, "books of runs that ended with nothing in flight add up (G12)") {
  SupervisedPipeline pipeline(definition(), environment());
  for (int i = 0; i < 3; ++i) {
    REQUIRE(eventually([&] { return all_delivered(); }));
    REQUIRE(pipeline.pause());
    REQUIRE(reaches(pipeline, State::kPaused));
    const auto books = pipeline.books();
    CHECK(books[0].out == world.sinks["kept"].rows.size());
    CHECK(books[1].out == world.sinks["late"].rows.size());
    CHECK(books[0].in_flight == 0);
    CHECK(balanced(books[0]));
    world.length += 100;
    REQUIRE(pipeline.resume());
  }
}

TEST_CASE_METHOD(Fixture, "a pipeline that has ended runs again when it is resumed or restarted") {
  SupervisedPipeline pipeline(definition(false), environment());
  REQUIRE(eventually([&] { return pipeline.finished(); }));
  CHECK(pipeline.settled());
  CHECK(pipeline.status().restarts == 0);
  REQUIRE(pipeline.resume());
  REQUIRE(eventually([&] { return pipeline.finished() && pipeline.status().restarts == 1; }));
  REQUIRE(pipeline.restart());
  REQUIRE(eventually([&] { return pipeline.finished() && pipeline.status().restarts == 2; }));
  check_rows(1);
}

TEST_CASE_METHOD(Fixture, "a desired state that cannot be read keeps the pipeline paused") {
  std::ofstream(directory + "/desired_state") << "sluice-desired-state 7 dancing 0\n";
  {
    SupervisedPipeline pipeline(definition(), environment());
    CHECK(pipeline.status().state == State::kPaused);
    REQUIRE(pipeline.resume());
    CHECK(reaches(pipeline, State::kRunning));
  }
  CHECK_FALSE(pipeline::load_desired_state(directory).paused);
}

TEST_CASE("a crash while a pause is written leaves the old wish or the new one") {
  for (std::uint64_t at = 1; at < 20; ++at) {
    CrashingFaults faults(at);
    Scene scene(faults);
    bool crashed = false;
    bool saved = false;
    try {
      saved = pipeline::save_desired_state(scene.directory, {true, 5, {}}, faults).has_value();
    } catch (const SimulatedCrash&) {
      crashed = true;
    }
    const auto state = pipeline::load_desired_state(scene.directory);
    CHECK(state.problem.empty());
    CHECK(saved != crashed);
    if (!crashed) {
      CHECK(state.paused);
      CHECK(state.since == 5);
      return;
    }
  }
  FAIL("it never came to its end");
}

TEST_CASE_METHOD(Fixture, "positions change only while nothing runs") {
  SupervisedPipeline pipeline(definition(), environment());
  REQUIRE(reaches(pipeline, State::kRunning));
  const auto errand = [](const auto&, const auto&, const auto&) { return Status{}; };
  const Status refused = pipeline.run_errand(errand, {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == "not_paused");
  REQUIRE(pipeline.pause());
  REQUIRE(reaches(pipeline, State::kPaused));
  CHECK(pipeline.run_errand(errand, {}));
  const Status failed =
      pipeline.run_errand([](const auto&, const auto&, const auto&) -> Status { return Error(ErrorKind::kTransient, "away", "m"); }, {});
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code() == "away");
  CHECK(pipeline.request_snapshot("", std::vector<std::string>{"t"}, {}).error().code() == "not_running");
}

TEST_CASE_METHOD(Fixture, "a wish for a snapshot reaches the source, and its refusal comes back") {
  SupervisedPipeline pipeline(definition(), environment());
  REQUIRE(reaches(pipeline, State::kRunning));
  const std::vector<std::string> tables = {"t"};
  CHECK(pipeline.request_snapshot("", tables, {}).error().code() == "not_supported");
  CHECK(pipeline.request_snapshot("s", tables, {}).error().code() == "not_supported");
  CHECK(pipeline.request_snapshot("other", tables, {}).error().code() == "unknown_source");
}

TEST_CASE_METHOD(Fixture, "a resync lets everything begin anew in the checkpoint and in every sink") {
  {
    SupervisedPipeline pipeline(definition(), environment());
    REQUIRE(eventually([&] { return all_delivered(); }));
    REQUIRE(pipeline.pause());
    REQUIRE(reaches(pipeline, State::kPaused));
    REQUIRE(pipeline.run_errand(
        [](const auto& plan, const auto& environment, const auto& stop) -> Status {
          static_cast<void>(SLUICE_TRY(pipeline::change_positions(plan, environment, {{}, true}, stop)));
          return {};
        },
        {}));
    CHECK(world.sinks["kept"].positions.empty());
    CHECK(world.sinks["late"].positions.empty());
    refill();
    REQUIRE(pipeline.resume());
    REQUIRE(eventually([&] { return all_delivered(); }));
  }
  check_rows(2);
}

// A run to the end, so that there are positions to change.
void deliver_all(Scene& scene) {
  SupervisedPipeline pipeline(scene.definition(), scene.environment());
  REQUIRE(eventually([&] { return scene.all_delivered(); }));
  REQUIRE(pipeline.pause());
  REQUIRE(reaches(pipeline, State::kPaused));
}

TEST_CASE_METHOD(Fixture, "a position that is moved back is delivered again from there, in every sink (G10, G11)") {
  deliver_all(*this);
  const auto plan = definition();
  pipeline::PositionChange change;
  change.keys["s/p0"] = Position{{100, 0}, "100", false};
  REQUIRE(pipeline::change_positions(plan, environment(), change, {}));
  CHECK(done("kept", "p0") == 100);
  CHECK(done("late", "p0") == 100);
  CHECK(done("kept", "p1") == world.length);
  const auto stored = pipeline::stored_positions(environment());
  REQUIRE(stored);
  for (const auto& [name, checkpoint] : stored->lanes) CHECK(checkpoint.at("s/p0").done.major == 100);
  refill();
  {
    SupervisedPipeline pipeline(plan, environment());
    REQUIRE(pipeline.resume());
    REQUIRE(eventually([&] { return all_delivered(); }));
  }
  const std::vector<Row> once = expected_rows(world, "p0", true);
  std::vector<Row> wanted = once;
  for (const Row& row : once) {
    if (row.ordinal > 100) wanted.push_back(row);
  }
  CHECK(rows_of(world.sinks["kept"], "p0") == wanted);
  CHECK(world.breaches == std::vector<std::string>());
}

TEST_CASE_METHOD(Fixture, "what cannot be true is refused: unknown sources, and numbers without what the source needs") {
  deliver_all(*this);
  pipeline::PositionChange change;
  change.keys["other/p0"] = std::nullopt;
  CHECK(pipeline::change_positions(definition(), environment(), change, {}).error().code() == "unknown_source");
  change.keys.clear();
  change.keys["s/p0"] = Position{{100, 0}, "", false};
  CHECK(pipeline::change_positions(definition(), environment(), change, {}).error().code() == "resume_needed");
  CHECK(done("kept", "p0") == world.length);
  CHECK_FALSE(fs::exists(directory + "/position_change"));
}

// Everything that is written is either as before or as wished, and the next start brings it to its end.
void crash_everywhere(const pipeline::PositionChange& change, std::uint64_t wanted) {
  for (std::uint64_t at = 1; at < 200; ++at) {
    CrashingFaults faults(at);
    FaultPoints none;
    Scene scene(none);
    deliver_all(scene);
    bool crashed = false;
    try {
      pipeline::Environment environment = scene.environment();
      const pipeline::Environment risky{
          environment.state_directory,  environment.instance, environment.metrics, environment.log, environment.clock, faults,
          environment.open_dead_letters};
      if (!pipeline::change_positions(scene.definition(), risky, change, {})) FAIL("refused");
    } catch (const SimulatedCrash&) {
      crashed = true;
    }
    REQUIRE(pipeline::finish_position_change(scene.definition(), scene.environment(), {}));
    const std::uint64_t kept = scene.done("kept", "p0");
    INFO("crash at " << at);
    CHECK((kept == wanted || (crashed && kept == scene.world.length)));
    CHECK(scene.done("late", "p0") == kept);
    const auto stored = pipeline::stored_positions(scene.environment());
    REQUIRE(stored);
    for (const auto& [name, checkpoint] : stored->lanes) {
      const auto found = checkpoint.find("s/p0");
      CHECK((found == checkpoint.end() ? 0 : found->second.done.major) == kept);
    }
    CHECK_FALSE(fs::exists(scene.directory + "/position_change"));
    if (!crashed) return;
  }
  FAIL("it never came to its end");
}

TEST_CASE("a change of positions that is killed at any point is done by the next start") {
  pipeline::PositionChange change;
  change.keys["s/p0"] = Position{{100, 0}, "100", false};
  crash_everywhere(change, 100);
  pipeline::PositionChange anew;
  anew.everything = true;
  crash_everywhere(anew, 0);
}

}  // namespace
}  // namespace sluice
