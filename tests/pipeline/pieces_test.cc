// The pieces of the runner on their own: queue, store, keeper, back-off.

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <thread>

#include "../support/temporary_directory.h"
#include "pipeline/backoff.h"
#include "pipeline/bounded_queue.h"
#include "pipeline/checkpoint_keeper.h"
#include "pipeline/checkpoint_store.h"

namespace sluice::pipeline {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

std::shared_ptr<Batch> batch_of(std::size_t bytes) {
  auto batch = std::make_shared<Batch>(std::make_shared<BatchOrigin>(BatchOrigin{"s", nullptr}), 0);
  batch->arena().allocate(bytes, 1);
  return batch;
}

Position at(std::uint64_t major) { return {{major, 0}, std::to_string(major), false}; }

TEST_CASE("the queue holds what is taken until it is released") {
  const std::size_t size = 300'000;
  BoundedQueue queue(size * 2);
  REQUIRE(queue.push(batch_of(size), {}));
  REQUIRE(queue.push(batch_of(size), {}));
  const auto item = queue.pop(std::chrono::steady_clock::now() + 1s, BoundedQueue::Appetite::kNormal, {});
  REQUIRE(item.batch);
  std::atomic<bool> pushed{false};
  std::jthread producer([&](std::stop_token stop) { pushed = queue.push(batch_of(size), stop); });
  // Taken but not committed still counts: the third push can only come through release().
  CHECK(queue.held_bytes() == size * 2);
  CHECK_FALSE(pushed);
  queue.release(item.bytes);
  producer.join();
  CHECK(pushed);
  CHECK(queue.held_bytes() == size * 2);
}

TEST_CASE("one batch is admitted however large, and a stop unblocks a waiting push") {
  BoundedQueue queue(1000);
  CHECK(queue.push(batch_of(500'000), {}));
  std::stop_source stop;
  stop.request_stop();
  CHECK_FALSE(queue.push(batch_of(10), stop.get_token()));
}

TEST_CASE("a lane that cannot commit before it has more is given more (G13)") {
  BoundedQueue queue(1000);
  REQUIRE(queue.push(batch_of(100'000), {}));
  const auto first = queue.pop(std::chrono::steady_clock::now() + 1s, BoundedQueue::Appetite::kNormal, {});
  std::jthread producer([&](std::stop_token stop) { static_cast<void>(queue.push(batch_of(100'000), stop)); });
  const auto second = queue.pop(std::chrono::steady_clock::now() + 10s, BoundedQueue::Appetite::kNeedsMore, {});
  CHECK(second.batch);
}

TEST_CASE("a closed queue gives what it has and takes nothing more") {
  BoundedQueue queue(1 << 20);
  REQUIRE(queue.push(batch_of(10), {}));
  queue.close();
  CHECK_FALSE(queue.push(batch_of(10), {}));
  CHECK_FALSE(queue.drained());
  CHECK(queue.pop(std::chrono::steady_clock::now(), BoundedQueue::Appetite::kNormal, {}).batch);
  CHECK(queue.drained());
}

TEST_CASE("the checkpoint store gives back what it was given, bytes and large numbers included (G29)") {
  testing::TemporaryDirectory directory{testing::TemporaryDirectory::Place::kMemory};
  FaultPoints faults;
  CheckpointStore store(directory / "checkpoint", faults);
  CHECK(store.load()->lanes.empty());
  StoredCheckpoints state{7, {{"lake", {{"s/p \"1\"", {{~0ULL, Ordinal::kEnd}, std::string("a\0\xff", 3), true}}}}, {"other", {}}}};
  REQUIRE(store.save(state));
  const auto loaded = store.load();
  REQUIRE(loaded);
  CHECK(loaded.value().sequence == 7);
  CHECK(loaded.value().lanes == state.lanes);
}

TEST_CASE("a damaged or newer checkpoint is refused, not guessed (G11, G29)") {
  testing::TemporaryDirectory directory{testing::TemporaryDirectory::Place::kMemory};
  FaultPoints faults;
  const std::string path = directory / "checkpoint";
  CheckpointStore store(path, faults);
  REQUIRE(store.save({1, {{"lake", {{"s/p", at(5)}}}}}));
  std::string content;
  {
    std::ifstream in(path);
    content.assign(std::istreambuf_iterator<char>(in), {});
  }
  const auto load_with = [&](std::string text) {
    std::ofstream(path, std::ios::trunc) << text;
    return store.load();
  };
  // Every single byte counts.
  for (std::size_t i = 0; i < content.size(); ++i) {
    std::string garbled = content;
    garbled[i] = static_cast<char>(garbled[i] ^ 1);
    INFO("byte " << i);
    const auto loaded = load_with(garbled);
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().kind() == ErrorKind::kFatal);
  }
  for (std::size_t length = 0; length < content.size(); length += 7) CHECK_FALSE(load_with(content.substr(0, length)));
  std::string newer = content;
  newer.replace(newer.find(" 1 "), 3, " 2 ");
  const auto loaded = load_with(newer);
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().code() == "checkpoint_too_new");
}

struct KeeperFixture {
  testing::TemporaryDirectory directory{testing::TemporaryDirectory::Place::kMemory};
  FaultPoints faults;
  CheckpointKeeper keeper(std::vector<std::string> sinks) { return {CheckpointStore(directory / "checkpoint", faults), std::move(sinks)}; }
};

TEST_CASE_METHOD(KeeperFixture, "the source hears the minimum, and only after it is saved (G8, G9)") {
  auto lanes = keeper({"a", "b"});
  REQUIRE(lanes.load());
  REQUIRE(lanes.give_birth().size() == 2);
  REQUIRE(lanes.save());
  REQUIRE(lanes.advance(0, {{"s/p", at(10)}}));
  CHECK(lanes.minimum().empty());  // b has nothing: the bottom (G10)
  REQUIRE(lanes.advance(1, {{"s/p", at(4)}}));
  CHECK(lanes.minimum().at("s/p") == at(4));
  auto again = keeper({"a", "b"});
  REQUIRE(again.load());
  CHECK(again.lane(0).at("s/p") == at(10));
}

TEST_CASE_METHOD(KeeperFixture, "a sink that lost its progress stops the pipeline (G11)") {
  {
    auto lanes = keeper({"a"});
    REQUIRE(lanes.load());
    lanes.give_birth();
    REQUIRE(lanes.advance(0, {{"s/p", at(10)}}));
  }
  auto lanes = keeper({"a"});
  REQUIRE(lanes.load());
  const auto emptied = lanes.open_lane(0, Checkpoint{});
  REQUIRE_FALSE(emptied);
  CHECK(emptied.error().code() == "progress_lost");
  CHECK_FALSE(lanes.open_lane(0, Checkpoint{{"s/p", at(9)}}));
  CHECK(lanes.open_lane(0, Checkpoint{{"s/p", at(12)}}));  // committed just before a crash
  CHECK(lanes.lane(0).at("s/p") == at(12));
}

TEST_CASE_METHOD(KeeperFixture, "a removed sink leaves the minimum and a new one is born with it (G10)") {
  {
    auto lanes = keeper({"a", "slow"});
    REQUIRE(lanes.load());
    lanes.give_birth();
    REQUIRE(lanes.advance(0, {{"s/p", at(10)}}));
    REQUIRE(lanes.advance(1, {{"s/p", at(2)}}));
  }
  auto lanes = keeper({"a", "new"});
  REQUIRE(lanes.load());
  CHECK(lanes.give_birth() == std::vector<std::size_t>{1});
  CHECK(lanes.lane(1).at("s/p") == at(10));
  REQUIRE(lanes.save());
  CHECK(lanes.minimum().at("s/p") == at(10));
}

TEST_CASE_METHOD(KeeperFixture, "a retired partition is forgotten once every lane has committed it (G4)") {
  auto lanes = keeper({"a", "b"});
  REQUIRE(lanes.load());
  lanes.give_birth();
  Position gone = at(9);
  gone.retired = true;
  REQUIRE(lanes.advance(0, {{"s/old", gone}}));
  CHECK(lanes.take_forgotten(0).empty());
  REQUIRE(lanes.advance(1, {{"s/old", gone}}));
  // Dead letters are settled by the minimum first.
  const Checkpoint told = lanes.minimum();
  REQUIRE(told == Checkpoint{{"s/old", gone}});
  CHECK(lanes.take_forgotten(0).empty());
  lanes.forget(told);
  lanes.forget(told);  // another shard
  CHECK(lanes.take_forgotten(0) == std::vector<std::string>{"s/old"});
  CHECK(lanes.take_forgotten(1) == std::vector<std::string>{"s/old"});
  CHECK(lanes.minimum().empty());
  REQUIRE(lanes.save());
  // Its row in the sink was not deleted before a crash: it comes back as something to forget, not as progress.
  auto again = keeper({"a", "b"});
  REQUIRE(again.load());
  REQUIRE(again.open_lane(0, Checkpoint{{"s/old", gone}}));
  CHECK(again.lane(0).empty());
  CHECK(again.take_forgotten(0) == std::vector<std::string>{"s/old"});
}

class StepClock final : public Clock {
 public:
  std::chrono::steady_clock::time_point now() const override { return now_; }
  std::int64_t utc_microseconds() const override { return 0; }
  bool sleep_for(std::chrono::nanoseconds duration, std::stop_token) override {
    now_ += duration;
    pauses.push_back(duration);
    return true;
  }
  std::vector<std::chrono::nanoseconds> pauses;

 private:
  std::chrono::steady_clock::time_point now_{};
};

TEST_CASE("back-off doubles with jitter to its limit, obeys retry_after and gives up when told") {
  StepClock clock;
  Backoff backoff({100ms, 800ms, 10s}, clock);
  const Error error(ErrorKind::kTransient, "away", "away");
  for (const auto full : {100ms, 200ms, 400ms, 800ms, 800ms}) {
    REQUIRE(backoff.wait(error, {}));
    CHECK(clock.pauses.back() >= full / 2);
    CHECK(clock.pauses.back() <= full);
  }
  REQUIRE(backoff.wait(Error(ErrorKind::kTransient, "busy", "busy").retry_after(5s), {}));
  CHECK(clock.pauses.back() == 5s);
  REQUIRE(backoff.wait(Error(ErrorKind::kTransient, "busy", "busy").retry_after(6s), {}));
  const auto end = backoff.wait(error, {});
  REQUIRE_FALSE(end);
  CHECK(end.error().code() == "gave_up");
  CHECK(end.error().kind() == ErrorKind::kFatal);
  backoff.reset();
  CHECK(backoff.wait(error, {}));
}

TEST_CASE("back-off stays at its limit, however long the outage") {
  StepClock clock;
  Backoff backoff({1h, 24h, std::nullopt}, clock);
  for (int i = 0; i < 100; ++i) REQUIRE(backoff.wait(Error(ErrorKind::kTransient, "away", "away"), {}));
  for (std::size_t i = 5; i < clock.pauses.size(); ++i) {
    CHECK(clock.pauses[i] >= 12h);
    CHECK(clock.pauses[i] <= 24h);
  }
}

}  // namespace
}  // namespace sluice::pipeline
