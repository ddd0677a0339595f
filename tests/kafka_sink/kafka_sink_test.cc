// The Kafka sink against librdkafka's mock cluster, which does as it is told; the real broker is in tests/integration and tests/crash.
#include <librdkafka/rdkafka.h>

#include <catch2/catch.hpp>

#include "tests/kafka_sink/mock_cluster.h"

using namespace sluice;
using namespace sluice::testing;

namespace {

// A cluster with the topics that the sink uses (the mock creates none on request).
struct Scene {
  Scene() {
    cluster.create_topic("items");
    cluster.create_topic("__sluice_progress.shop");
  }
  std::unique_ptr<Sink> sink(Settings settings = {}) { return make_kafka_sink(world, cluster, std::move(settings)); }

  World world;
  MockCluster cluster;
  BatchMaker maker{world, {{"id", Value::Type::kInt64}, {"name", Value::Type::kString}}, {0}};

  std::shared_ptr<const Batch> batch(int count, std::size_t bytes = 1) {
    for (int i = 0; i < count; ++i) maker.add(Op::kInsert, {Value::int64(++last_id), maker.text(std::string(bytes, 'x'))});
    return maker.take();
  }

 private:
  std::int64_t last_id = 0;
};

std::string code_of(const Status& status) { return status ? "" : std::string(status.error().code()); }

// What the lane does after a transient failure: opens and writes the rest again.
RejectCodes insist(Sink& sink, const std::shared_ptr<const Batch>& batch, int rounds = 5) {
  RejectCodes codes;
  std::vector<std::uint32_t> selected(batch->size());
  for (std::uint32_t i = 0; i < selected.size(); ++i) selected[i] = i;
  for (int round = 0; round < rounds; ++round) {
    Rejects rejects;
    Status done = sink.write({batch, selected}, rejects, {});
    if (done) done = sink.flush(rejects, {});
    for (const Rejected& entry : rejects.entries()) {
      CHECK(entry.batch == batch);
      CHECK(codes.emplace(entry.index, std::string(entry.reason.code())).second);
      std::erase(selected, entry.index);
    }
    if (done) done = commit(sink, batch->through());
    if (done) return codes;
    INFO(done.error().code() << ": " << done.error().message());
    REQUIRE(done.error().kind() == ErrorKind::kTransient);
    REQUIRE(sink.open({}));
  }
  FAIL("not committed after " << rounds << " rounds");
  return codes;
}

}  // namespace

TEST_CASE("Kafka: records and position in one transaction; a new sink goes on where the old one was (G24)") {
  Scene scene;
  {
    const auto sink = scene.sink({{"key", "[id]"}, {"headers.table", "t-${meta.table}"}});
    CHECK(open(*sink).empty());
    CHECK(write_all(*sink, scene.batch(3)).empty());
    CHECK(write_all(*sink, scene.batch(2)).empty());
    CHECK(sink->close(Sink::Closing::kSeal));
  }
  const auto messages = scene.cluster.read("items");
  REQUIRE(messages.size() == 5);
  CHECK(messages[0].key == R"({"id":1})");
  CHECK(messages[0].value.starts_with(R"({"id":1,"name":"x")"));
  CHECK(messages[0].headers == std::vector<std::pair<std::string, std::string>>{{"table", "t-items"}});
  const auto progress = scene.cluster.read("__sluice_progress.shop");
  REQUIRE(progress.size() == 2);
  CHECK(progress[1].key == "sluice.shop.out/files/log");
  CHECK(progress[1].value == R"({"v":1,"instance":"here","major":"5","minor":"0","resume":"cmVzdW1lIDU=","retired":false})");
  const auto again = scene.sink();
  CHECK(open(*again) == Checkpoint{{"files/log", {{5, 0}, "resume 5", false}}});
}

TEST_CASE("Kafka: a forgotten position becomes a tombstone (G4); a position alone is committed too (G8)") {
  Scene scene;
  const auto sink = scene.sink();
  open(*sink);
  REQUIRE(commit(*sink, {{"files/a", {{1, 0}, "a", true}}, {"files/b", {{2, 0}, "b", false}}}));
  const Checkpoint moved = {{"files/b", {{3, 0}, "c", false}}};
  const std::vector<std::string> forgotten = {"files/a"};
  REQUIRE(sink->commit({moved, forgotten}, {}));
  REQUIRE(commit(*sink, {}));  // nothing moved, nothing to do
  const auto progress = scene.cluster.read("__sluice_progress.shop");
  REQUIRE(progress.size() == 4);
  CHECK(progress[3].key == "sluice.shop.out/files/a");
  CHECK(progress[3].null_value);
  const auto again = scene.sink();
  CHECK(open(*again) == moved);
}

TEST_CASE("Kafka: a position never goes back; a retired one that is behind only retires (G4, G24)") {
  Scene scene;
  const auto sink = scene.sink();
  open(*sink);
  REQUIRE(commit(*sink, {{"files/a", {{9, 0}, "nine", false}}, {"files/b", {{9, 0}, "nine", false}}}));
  REQUIRE(commit(*sink, {{"files/a", {{5, 0}, "five", true}}, {"files/b", {{5, 0}, "five", false}}}));
  CHECK(scene.cluster.read("__sluice_progress.shop").size() == 3);  // files/b has not moved
  const auto again = scene.sink();
  CHECK(open(*again) == Checkpoint{{"files/a", {{9, 0}, "nine", true}}, {"files/b", {{9, 0}, "nine", false}}});
}

TEST_CASE("Kafka: at_least_once keeps no positions and needs no progress topic") {
  World world;
  MockCluster cluster;
  cluster.create_topic("items");
  const auto sink = make_kafka_sink(world, cluster, {{"delivery", "at_least_once"}});
  const auto opened = sink->open({});
  REQUIRE(opened);
  CHECK_FALSE(opened->has_value());
  BatchMaker maker(world, {{"id", Value::Type::kInt64}}, {0});
  maker.add(Op::kInsert, {Value::int64(1)});
  const auto batch = maker.take();
  Rejects rejects;
  REQUIRE(write_only(*sink, batch, rejects));
  CHECK(rejects.empty());
  CHECK(cluster.read("items").size() == 1);  // before the commit: flush() waits for the answers
  CHECK(commit(*sink, batch->through()));
}

TEST_CASE("Kafka: a record too large for the client is rejected, the others are committed") {
  Scene scene;
  const auto sink = scene.sink();
  open(*sink);
  scene.maker.add(Op::kInsert, {Value::int64(1), scene.maker.text("a")});
  scene.maker.add(Op::kInsert, {Value::int64(2), scene.maker.text(std::string(1100000, 'x'))});
  scene.maker.add(Op::kInsert, {Value::int64(3), scene.maker.text("c")});
  CHECK(write_all(*sink, scene.maker.take()) == RejectCodes{{1, "message_too_large"}});
  CHECK(scene.cluster.read("items").size() == 2);
}

TEST_CASE("Kafka: a refusal of a batch is no verdict about its records; alone they are judged (G5)") {
  Scene scene;
  for (const std::string delivery : {"exactly_once", "at_least_once"}) {
    DYNAMIC_SECTION(delivery) {
      const auto sink = scene.sink({{"delivery", delivery}});
      REQUIRE(sink->open({}));
      const auto batch = scene.batch(20);
      scene.cluster.fail(kProduce, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
      CHECK(insist(*sink, batch).empty());  // refused in company, taken alone
      const auto next = scene.batch(20);
      scene.cluster.fail(kProduce, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, 2);
      const RejectCodes codes = insist(*sink, next);
      CHECK(codes.size() == 1);
      CHECK(codes.begin()->second == "message_too_large");
    }
  }
}

TEST_CASE("Kafka: a broker's refusals have the right kind and a stable code") {
  struct Case {
    int code;
    ErrorKind kind;
    std::string name;
  };
  const std::vector<Case> cases = {
      {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, ErrorKind::kFatal, "topic_forbidden"},
      {RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, ErrorKind::kFatal, "cluster_forbidden"},
      {RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, ErrorKind::kTransient, "fenced"},
  };
  for (const Case& expected : cases) {
    DYNAMIC_SECTION(expected.name) {
      Scene scene;
      const auto sink = scene.sink();
      open(*sink);
      scene.cluster.fail(kProduce, expected.code, 5);
      Rejects rejects;
      const Status done = write_only(*sink, scene.batch(3), rejects);
      REQUIRE_FALSE(done);
      CHECK(code_of(done) == expected.name);
      CHECK(done.error().kind() == expected.kind);
      CHECK(rejects.empty());
    }
  }
}

TEST_CASE("Kafka: what the transaction coordinator refuses") {
  Scene scene;
  SECTION("the transactional id") {
    scene.cluster.fail(kInitProducerId, RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
    const auto sink = scene.sink();
    const auto opened = sink->open({});
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code() == "transactional_id_forbidden");
    CHECK(opened.error().kind() == ErrorKind::kFatal);
  }
  SECTION("a topic in the transaction, known before any message is sent") {
    const auto sink = scene.sink();
    open(*sink);
    scene.cluster.fail(kAddPartitionsToTxn, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    Rejects rejects;
    const Status done = write_only(*sink, scene.batch(3), rejects);
    CHECK(code_of(done) == "topic_forbidden");
  }
  SECTION("the end of the transaction: the sink is asked how far it got (G6)") {
    const auto sink = scene.sink();
    open(*sink);
    const auto batch = scene.batch(3);
    Rejects rejects;
    REQUIRE(write_only(*sink, batch, rejects));
    scene.cluster.fail(kEndTxn, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH);
    const Status done = commit(*sink, batch->through());
    REQUIRE_FALSE(done);
    CHECK(done.error().kind() == ErrorKind::kCommitUnknown);
    CHECK(code_of(done) == "fenced");
    CHECK(sink->open({}));  // nobody else's positions: it goes on
  }
}

TEST_CASE("Kafka: a commit whose answer is lost is not made again; open() tells that it landed (G6)") {
  Scene scene;
  const auto sink = scene.sink();
  open(*sink);
  const auto batch = scene.batch(3);
  Rejects rejects;
  REQUIRE(write_only(*sink, batch, rejects));
  scene.world.faults.failing = {{"kafka_sink.commit_answer", 5}};
  const Status done = commit(*sink, batch->through());
  REQUIRE_FALSE(done);
  CHECK(done.error().kind() == ErrorKind::kCommitUnknown);
  CHECK(open(*sink) == batch->through());
}

TEST_CASE("Kafka: another installation is noticed (G24, G30)") {
  Scene scene;
  const auto first = scene.sink();
  open(*first);
  CHECK(write_all(*first, scene.batch(1)).empty());
  scene.world.instance = "there";
  const auto second = scene.sink();
  const auto opened = second->open({});
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code() == "other_instance");
  CHECK(opened.error().kind() == ErrorKind::kFatal);
  CHECK(write_all(*first, scene.batch(1)).empty());  // and was not disturbed
  const auto apart = scene.sink({{"transactional_id", "elsewhere"}});
  CHECK(open(*apart).empty());
}

TEST_CASE("Kafka: a producer that is fenced looks whose the positions are now (G24)") {
  Scene scene;
  const auto first = scene.sink();
  open(*first);
  scene.world.instance = "there";
  const auto second = scene.sink();
  open(*second);  // no positions yet, so nothing tells them apart
  CHECK(write_all(*second, scene.batch(1)).empty());
  Rejects rejects;
  const auto batch = scene.batch(1);
  scene.cluster.fail(kProduce, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH);  // the mock does not notice by itself
  const Status done = write_only(*first, batch, rejects);
  REQUIRE_FALSE(done);
  CHECK(code_of(done) == "fenced");
  const auto opened = first->open({});
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code() == "fenced");
  CHECK(opened.error().kind() == ErrorKind::kFatal);
}

TEST_CASE("Kafka: topics that are not there or cannot be") {
  Scene scene;
  const auto sink = scene.sink({{"topic", "t-${this.name}"}});
  open(*sink);
  scene.cluster.create_topic("t-a");
  scene.maker.add(Op::kInsert, {Value::int64(1), scene.maker.text("a")});
  scene.maker.add(Op::kInsert, {Value::int64(2), scene.maker.text("no topic's name!")});
  scene.maker.add(Op::kInsert, {Value::int64(3), Value::null()});
  CHECK(write_all(*sink, scene.maker.take()) == RejectCodes{{1, "topic_name_invalid"}, {2, "template_missing"}});
  scene.maker.add(Op::kInsert, {Value::int64(4), scene.maker.text("missing")});
  scene.cluster.set_topic_error("t-missing", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
  Rejects rejects;
  const Status done = write_only(*sink, scene.maker.take(), rejects);
  REQUIRE_FALSE(done);
  CHECK(code_of(done) == "topic_unknown");
  CHECK(done.error().kind() == ErrorKind::kTransient);
}

TEST_CASE("Kafka: per_table chooses topic and key") {
  Scene scene;
  scene.cluster.create_topic("special");
  const auto sink = scene.sink({{"per_table.items.topic", "special"}, {"per_table.items.key", "[name]"}});
  open(*sink);
  CHECK(write_all(*sink, scene.batch(1)).empty());
  const auto messages = scene.cluster.read("special");
  REQUIRE(messages.size() == 1);
  CHECK(messages[0].key == R"({"name":"x"})");
}

TEST_CASE("Kafka: brokers away for a while are transient, then a new producer goes on") {
  Scene scene;
  const auto sink = scene.sink({{"properties.message.timeout.ms", "1000"}});
  open(*sink);
  CHECK(write_all(*sink, scene.batch(1)).empty());
  scene.cluster.set_up(1, false);
  Rejects rejects;
  const auto batch = scene.batch(5);
  const Status done = write_only(*sink, batch, rejects);
  REQUIRE_FALSE(done);
  CHECK(code_of(done) == "broker_unreachable");
  CHECK(done.error().kind() == ErrorKind::kTransient);
  CHECK(rejects.empty());
  scene.cluster.set_up(1, true);
  const Checkpoint known = open(*sink);
  CHECK(known.at("files/log").done.major == 1);
  CHECK(write_all(*sink, batch).empty());
}

TEST_CASE("Kafka: close without open, twice, and with records that are not committed") {
  Scene scene;
  const auto sink = scene.sink();
  CHECK(sink->close(Sink::Closing::kAbandon));
  open(*sink);
  Rejects rejects;
  REQUIRE(write_only(*sink, scene.batch(3), rejects));
  CHECK(sink->close(Sink::Closing::kAbandon));
  CHECK(sink->close(Sink::Closing::kSeal));
  CHECK(open(*sink).empty());
}

TEST_CASE("Kafka: a stop is obeyed while the brokers are away") {
  Scene scene;
  const auto sink = scene.sink();
  scene.cluster.set_up(1, false);
  std::stop_source stop;
  stop.request_stop();
  const auto opened = sink->open(stop.get_token());
  REQUIRE_FALSE(opened);
  CHECK(opened.error().kind() == ErrorKind::kCancelled);
}

TEST_CASE("Kafka: a crash at any fault point leaves the position of the last commit (G5)") {
  Scene scene;
  std::set<std::string> crashes;
  std::uint64_t committed = 0;
  for (std::uint64_t at = 1; at <= 14; ++at) {
    try {
      const auto sink = scene.sink();
      const Checkpoint known = open(*sink);
      const std::uint64_t done = known.empty() ? 0 : known.at("files/log").done.major;
      INFO("crash at step " << at << " of " << scene.world.faults.crashed_at);
      REQUIRE((done == committed || done == committed + 1));
      committed = done;
      scene.world.faults.crash_at = at;
      for (int n = 0; n < 2; ++n) {
        scene.maker.add_at(committed + 1, Op::kInsert, {Value::int64(1), Value::null()});
        const auto batch = scene.maker.take();
        Rejects rejects;
        // Outside of CHECK, which would catch the crash.
        const Status written = write_only(*sink, batch, rejects);
        const Status done_too = written ? commit(*sink, batch->through()) : written;
        REQUIRE(done_too);
        ++committed;
      }
    } catch (const SimulatedCrash&) {
      crashes.insert(scene.world.faults.crashed_at);
    }
    scene.world.faults.crash_at = 0;
  }
  for (const std::string step : {"before_begin", "after_begin", "before_messages", "after_messages", "before_flush", "after_flush", "before_progress", "before_commit",
                                 "after_commit"}) {
    CHECK(crashes.contains("kafka_sink." + step));
  }
}
