// Start, stop, failure and the books of a running pipeline.

#include <catch2/catch.hpp>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

#include "../support/temporary_directory.h"
#include "pipeline/monitor.h"
#include "pipeline/pipeline.h"
#include "pipeline/supervisor.h"
#include "tests/pipeline/simulation.h"

namespace sluice {
namespace {

using namespace simulation;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

// "error sink out: the message"
class RecordingLogger final : public Logger {
 public:
  void log(LogLevel level, std::string_view message, Fields fields) override {
    if (level < LogLevel::kWarning) return;
    std::string line = level == LogLevel::kError ? "error " : "warning ";
    for (const auto& field : fields) {
      if (field.first == "component") line += field.second;
    }
    const std::lock_guard lock(mutex_);
    lines.push_back(line + ": " + std::string(message));
  }
  std::size_t count() {
    const std::lock_guard lock(mutex_);
    return lines.size();
  }
  std::vector<std::string> lines;

 private:
  std::mutex mutex_;
};

// Runs beside the test.  How it ended is checked where it is joined: Catch's assertions are for one thread.
class Background {
 public:
  explicit Background(const std::function<Status()>& run) : thread_([this, run] { ended_ = run(); }) {}
  ~Background() {
    if (thread_.joinable()) join();
  }
  void join() {
    thread_.join();
    CHECK(ended_);
  }
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

 private:
  Status ended_;
  std::thread thread_;
};

struct Fixture {
  pipeline::Environment environment() {
    return {directory.path(),
            "instance-1",
            metrics,
            log,
            clock,
            faults,
            [this](const pipeline::Definition&, const pipeline::Environment&) -> Result<std::unique_ptr<DeadLetterQueue>> {
              return dead_letters(world, faults);
            }};
  }
  pipeline::Definition definition(bool endless = false) {
    pipeline::Definition result;
    result.name = "life";
    result.sources = {source(world, "s", 1, {}, endless)};
    result.steps = {step("clean", {"s"})};
    result.sinks = {sink(world, "kept", {"clean"}, 1, {})};
    return result;
  }
  std::uint64_t done(const std::string& sink_name, const std::string& partition) {
    const std::lock_guard lock(world.mutex);
    return world.sinks[sink_name].positions["s/" + partition].done.major;
  }

  World world;
  testing::TemporaryDirectory directory{testing::TemporaryDirectory::Place::kMemory};
  PlainMetrics metrics;
  QuietLogger log;
  SystemClock clock;
  FaultPoints faults;
};

template <typename F>
bool eventually(F condition) {
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (std::chrono::steady_clock::now() < deadline) {
    if (condition()) return true;
    std::this_thread::yield();
  }
  return false;
}

bool balanced(const pipeline::LaneBooks& lane) {
  return lane.in + lane.created == lane.filtered + lane.deduplicated + lane.dead_lettered + lane.skipped + lane.out + lane.in_flight;
}

// A sink that does what a test tells it to.
struct Script {
  bool keeps_positions = false;  // it says that it does, and that it has none yet
  std::function<Status()> open = [] { return Status{}; };
  std::function<Status(std::stop_token)> commit = [](std::stop_token) { return Status{}; };
};

class ScriptedSink final : public Sink {
 public:
  explicit ScriptedSink(Script& script) : script_(script) {}
  Result<std::optional<Checkpoint>> open(std::stop_token) override {
    SLUICE_TRY(script_.open());
    return script_.keeps_positions ? std::optional(Checkpoint()) : std::nullopt;
  }
  Status write(const BatchView&, Rejects&, std::stop_token) override { return {}; }
  Status flush(Rejects&, std::stop_token) override { return {}; }
  Status commit(const CommitRequest&, std::stop_token stop) override { return script_.commit(stop); }
  Status close(Closing) override { return {}; }

 private:
  Script& script_;
};

pipeline::SinkDefinition scripted(const std::string& name, Script& script) {
  pipeline::SinkDefinition definition;
  definition.name = name;
  definition.type = "scripted";
  definition.from = {"clean"};
  definition.commit.every = 1ms;
  definition.retry = {1ms, 2ms, std::nullopt};
  definition.build = [&script](const BuildContext&) -> Result<std::unique_ptr<Sink>> {
    return std::unique_ptr<Sink>(new ScriptedSink(script));
  };
  return definition;
}

// Holds for records with an even ordinal.
class EvenPredicate final : public Predicate {
 public:
  void select(const Batch& batch, std::span<const std::uint32_t> candidates, std::vector<std::uint32_t>& holding, Rejects&) override {
    for (const std::uint32_t i : candidates) {
      if (batch.records()[i].ordinal.major % 2 == 0) holding.push_back(i);
    }
  }
};

// Fails once, as if it were for a while only.
class StumblingStep final : public Transform {
 public:
  explicit StumblingStep(bool& failing) : failing_(failing) {}
  Status apply(Batch&, Rejects&, std::stop_token) override {
    if (!std::exchange(failing_, false)) return {};
    return Error(ErrorKind::kTransient, "lookup_unreachable", "nobody answers");
  }

 private:
  bool& failing_;
};

TEST_CASE_METHOD(Fixture, "a step that fails ends the pipeline, whatever it calls its failure, and its batch is read again (G5)") {
  bool failing = true;
  auto plan = definition();
  plan.steps.push_back(plan.steps.front());
  plan.steps.back().name = "look_up";
  plan.steps.back().from = {"clean"};
  plan.steps.back().build = [&](const BuildContext&) -> Result<std::unique_ptr<Transform>> {
    return std::unique_ptr<Transform>(new StumblingStep(failing));
  };
  plan.sinks.front().from = {"look_up"};
  pipeline::Pipeline first(plan, environment());
  const Status ended = first.run({});
  REQUIRE_FALSE(ended);
  CHECK(ended.error().code() == "step_failed");
  CHECK(ended.error().kind() == ErrorKind::kFatal);
  CHECK(ended.error().message().find("lookup_unreachable: nobody answers") != std::string::npos);
  pipeline::Pipeline second(plan, environment());
  REQUIRE(second.run({}));
  for (const std::string& partition : world.partitions)
    CHECK(rows_of(world.sinks["kept"], partition) == expected_rows(world, partition, true));
  CHECK(world.breaches.empty());
}

TEST_CASE_METHOD(Fixture, "a component that refuses its configuration is named, and no dead letters are blamed") {
  auto plan = definition();
  RecordingLogger recorded;
  const pipeline::Environment usual = environment();
  const pipeline::Environment listening{directory.path(), "instance-1", metrics, recorded, clock, faults, usual.open_dead_letters};
  const Error refusal(ErrorKind::kInvalidConfig, "bad_value", "no");
  SECTION("sink") {
    plan.sinks.front().build = [&](const BuildContext&) -> Result<std::unique_ptr<Sink>> { return refusal; };
    CHECK_FALSE(pipeline::Pipeline(plan, listening).run({}));
    CHECK(recorded.lines == std::vector<std::string>{"error sink kept: no"});
  }
  SECTION("step") {
    plan.steps.front().build = [&](const BuildContext&) -> Result<std::unique_ptr<Transform>> { return refusal; };
    pipeline::Pipeline pipeline(plan, listening);
    CHECK_FALSE(pipeline.run({}));
    CHECK(recorded.lines == std::vector<std::string>{"error source s: step \"clean\": no"});
    CHECK(pipeline.status().last_error->kind == ErrorKind::kInvalidConfig);
  }
}

TEST_CASE_METHOD(Fixture, "an error is logged once per outage") {
  RecordingLogger recorded;
  pipeline::Monitor monitor("life", metrics, recorded, clock);
  const Error away(ErrorKind::kTransient, "unreachable", "away"), full(ErrorKind::kTransient, "io_error", "full");
  for (int i = 0; i < 3; ++i) {
    monitor.report("sink a", away);
    monitor.report("sink b", full);
  }
  CHECK(recorded.lines == std::vector<std::string>{"warning sink a: away", "warning sink b: full"});
  monitor.recovered("sink a");
  monitor.report("sink b", full);
  monitor.report("sink a", away);
  CHECK(recorded.lines.size() == 3);
  CHECK(recorded.lines.back() == "warning sink a: away");
}

TEST_CASE_METHOD(Fixture, "a second outage with the same message is logged, too") {
  RecordingLogger recorded;
  const pipeline::Environment listening{directory.path(), "instance-1", metrics, recorded, clock, faults, environment().open_dead_letters};
  Script script;
  int commits = 0;
  script.commit = [&](std::stop_token) -> Status {
    ++commits;
    const bool away = commits == 1 || commits == 2 || commits == 4;
    return away ? Status(Error(ErrorKind::kTransient, "unreachable", "away")) : Status();
  };
  auto plan = definition(true);
  plan.sinks = {scripted("shaky", script)};
  plan.sinks.front().commit.records = 1;
  world.length = 20'000;
  pipeline::Pipeline pipeline(plan, listening);
  std::stop_source stop;
  Background running([&] { return pipeline.run(stop.get_token()); });
  CHECK(eventually([&] { return recorded.count() >= 2; }));
  stop.request_stop();
  running.join();
  CHECK(recorded.lines == std::vector<std::string>(2, "warning sink shaky: away"));
}

TEST_CASE_METHOD(Fixture, "a graceful stop commits what was read, and the next start goes on behind it (G12)") {
  std::stop_source stop;
  pipeline::Pipeline first(definition(true), environment());
  Background running([&] { return first.run(stop.get_token()); });
  REQUIRE(eventually([&] { return done("kept", "p0") > 30; }));
  stop.request_stop();
  running.join();
  CHECK(first.status().state == pipeline::State::kStopped);
  CHECK(balanced(first.books().front()));
  pipeline::Pipeline second(definition(), environment());
  REQUIRE(second.run({}));
  for (const std::string& partition : world.partitions)
    CHECK(rows_of(world.sinks["kept"], partition) == expected_rows(world, partition, true));
  CHECK(second.books().front().skipped == 0);
  CHECK(world.breaches.empty());
}

TEST_CASE_METHOD(Fixture, "the books balance at every moment (G12)") {
  world.length = 20'000;
  auto plan = definition();
  plan.sinks.push_back(sink(world, "raw", {"s"}, 2, {}));
  plan.sinks.back().when = []() -> Result<std::unique_ptr<Predicate>> { return std::unique_ptr<Predicate>(new EvenPredicate); };
  plan.sinks.back().chain = {step("raw.clean", {})};
  pipeline::Pipeline pipeline(plan, environment());
  Background running([&] { return pipeline.run({}); });
  std::uint64_t looked = 0;
  while (!pipeline.finished()) {
    for (const auto& lane : pipeline.books()) {
      ++looked;
      if (!balanced(lane))
        FAIL("the books of " << lane.sink << " do not balance: in " << lane.in << " out " << lane.out << " in flight " << lane.in_flight);
    }
  }
  running.join();
  CHECK(looked > 0);
  for (const auto& lane : pipeline.books()) {
    CHECK(balanced(lane));
    CHECK(lane.in_flight == 0);
    CHECK(lane.filtered > 0);
    CHECK(lane.dead_lettered > 0);
    CHECK(lane.in == pipeline.books().front().in);
  }
}

TEST_CASE_METHOD(Fixture, "a stop is bounded by shutdown_timeout; what was not committed is replayed") {
  Script script;
  std::atomic<bool> blocked{false};
  script.commit = [&](std::stop_token stop) -> Status {
    blocked = true;
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait(lock, stop, [] { return false; });
    return Error(ErrorKind::kCancelled, "stopped", "stopped");
  };
  auto plan = definition(true);
  plan.sinks.push_back(scripted("stuck", script));
  plan.shutdown_timeout = 100ms;
  std::stop_source stop;
  pipeline::Pipeline pipeline(plan, environment());
  Background running([&] { return pipeline.run(stop.get_token()); });
  REQUIRE(eventually([&] { return blocked.load(); }));
  const auto asked = std::chrono::steady_clock::now();
  stop.request_stop();
  running.join();
  CHECK(std::chrono::steady_clock::now() - asked < 5s);
  CHECK(world.pruned["p0"] == 0);  // the stuck sink has nothing, so the source was never told to forget (G9)
}

TEST_CASE_METHOD(Fixture, "a stop while the lanes drain behind an ended source is bounded, too") {
  Script script;
  std::atomic<bool> go{false};
  script.commit = [&](std::stop_token stop) -> Status {
    while (!go && !stop.stop_requested()) std::this_thread::yield();
    return go ? Status() : Status(Error(ErrorKind::kTransient, "away", "no answer"));
  };
  auto plan = definition();
  plan.queue_bytes = 1 << 30;  // room for all that the source has
  plan.sinks.push_back(scripted("stuck", script));
  plan.shutdown_timeout = 100ms;
  std::stop_source stop;
  pipeline::Pipeline pipeline(plan, environment());
  Background running([&] { return pipeline.run(stop.get_token()); });
  CHECK(eventually([&] { return pipeline.status().state == pipeline::State::kDraining; }));
  stop.request_stop();
  CHECK(eventually([&] { return pipeline.finished(); }));
  go = true;  // should it still run
}

TEST_CASE_METHOD(Fixture, "a new sink whose first commit fails is born all the same (G10)") {
  REQUIRE(pipeline::Pipeline(definition(), environment()).run({}));
  Script script;
  script.keeps_positions = true;
  int commits = 0;
  script.commit = [&](std::stop_token) -> Status {
    return ++commits == 1 ? Status(Error(ErrorKind::kTransient, "disk_full", "no room")) : Status();
  };
  auto plan = definition();
  plan.sinks.push_back(scripted("new", script));
  pipeline::Pipeline pipeline(plan, environment());
  CHECK(pipeline.run({}));
  CHECK(commits >= 2);
}

TEST_CASE_METHOD(Fixture, "a sink that cannot be reached at the start is waited for") {
  Script script;
  int tries = 0;
  script.open = [&]() -> Status { return ++tries < 4 ? Status(Error(ErrorKind::kTransient, "away", "refused")) : Status(); };
  auto plan = definition();
  plan.sinks.push_back(scripted("late", script));
  pipeline::Pipeline pipeline(plan, environment());
  CHECK(pipeline.run({}));
  CHECK(tries == 4);
  CHECK(pipeline.status().last_error->code == "away");
}

TEST_CASE_METHOD(Fixture, "a stop while a sink opens is no failure") {
  Script script;
  std::stop_source stop;
  script.open = [&]() -> Status {
    stop.request_stop();
    return Error(ErrorKind::kCancelled, "cancelled", "stopped");
  };
  auto plan = definition();
  plan.sinks.push_back(scripted("late", script));
  pipeline::Pipeline pipeline(plan, environment());
  CHECK(pipeline.run(stop.get_token()));
  CHECK(pipeline.status().state == pipeline::State::kStopped);
}

TEST_CASE_METHOD(Fixture, "a fatal sink fails its pipeline with the reason, and not another one") {
  Script broken;
  broken.commit = [](std::stop_token) -> Status { return Error(ErrorKind::kFatal, "other_instance", "somebody else writes here"); };
  auto plan = definition(true);
  plan.sinks.push_back(scripted("broken", broken));
  Fixture neighbour;
  pipeline::Supervisor supervisor;
  supervisor.start(plan, environment());
  auto other = neighbour.definition();
  other.name = "other";
  supervisor.start(other, neighbour.environment());
  REQUIRE(eventually([&] { return supervisor.all_finished(); }));
  CHECK(supervisor.any_failed());
  CHECK(supervisor.find("life")->status().state == pipeline::State::kFailed);
  CHECK(supervisor.find("life")->status().last_error->code == "other_instance");
  CHECK(supervisor.find("other")->status().state == pipeline::State::kStopped);
}

TEST_CASE_METHOD(Fixture, "a record that no sink wants is a dead letter when the file says so") {
  auto plan = definition();
  const auto even = []() -> Result<std::unique_ptr<Predicate>> { return std::unique_ptr<Predicate>(new EvenPredicate); };
  plan.sinks[0].when = even;
  plan.unmatched = pipeline::Unmatched::kDeadLetter;
  pipeline::Pipeline pipeline(plan, environment());
  REQUIRE(pipeline.run({}));
  // 1 passes the step and is odd; 2 is wanted.
  CHECK(world.letters.contains("clean|p0|1"));
  CHECK_FALSE(world.letters.contains("clean|p0|2"));
  CHECK(balanced(pipeline.books().front()));
}

TEST_CASE_METHOD(Fixture, "one sink that is slow holds back its pipeline within queue_bytes") {
  world.length = 100'000;
  Script slow;
  std::atomic<bool> go{false};
  slow.commit = [&](std::stop_token stop) -> Status {
    while (!go && !stop.stop_requested()) std::this_thread::yield();
    return {};
  };
  auto plan = definition();
  plan.queue_bytes = 2 << 20;
  plan.sinks.push_back(scripted("slow", slow));
  pipeline::Pipeline pipeline(plan, environment());
  Background running([&] { return pipeline.run({}); });
  REQUIRE(eventually([&] {
    const auto status = pipeline.status();
    return status.sinks.size() == 2 && status.sinks[1].queue_bytes > (1 << 20);
  }));
  CHECK(pipeline.status().sinks[1].queue_bytes <= (2 << 20));
  go = true;
  running.join();
  CHECK(pipeline.books()[1].in_flight == 0);
}

}  // namespace
}  // namespace sluice
