// The generator: the same records for the same seed and index, however it is interrupted.
#include <catch2/catch.hpp>

#include "source_harness.h"

namespace sluice {

using namespace testing;

namespace {

ConfigNode config(std::vector<std::pair<std::string, std::string>> fields) {
  std::vector<std::pair<std::string, ConfigNode>> entries;
  for (auto& [key, value] : fields) entries.emplace_back(key, scalar(value));
  return mapping(std::move(entries));
}

BatchLimits small_batches(std::size_t records) {
  BatchLimits limits;
  limits.records = records;
  return limits;
}

}  // namespace

TEST_CASE("G1: a generator makes the same records after a restart anywhere") {
  for (const char* dataset : {"orders", "customers", "clicks"}) {
    const auto settings = config({{"dataset", dataset}, {"count", "200"}, {"broken", "20%"}});
    Life whole("generator", settings);
    CHECK(whole.drain() == SourceState::kFinished);
    REQUIRE(whole.seen.size() == 200);
    CHECK(whole.seen.front().ordinal == Ordinal{1, 0});
    CHECK(whole.seen.back().ordinal == Ordinal{200, 0});
    std::vector<Seen> pieces;
    Checkpoint from;
    while (pieces.size() < 200) {
      Life part("generator", settings, from);
      part.read(small_batches(17));
      pieces.insert(pieces.end(), part.seen.begin(), part.seen.end());
      from = part.checkpoint;
    }
    CHECK(pieces == whole.seen);
  }
}

TEST_CASE("Another seed is another partition with other records") {
  Life one("generator", config({{"count", "5"}}));
  Life two("generator", config({{"count", "5"}, {"seed", "2"}}));
  one.drain();
  two.drain();
  CHECK(one.seen[0].partition != two.seen[0].partition);
  CHECK(one.contents() != two.contents());
}

TEST_CASE("The datasets have the documented fields") {
  Life orders("generator", config({{"dataset", "orders"}, {"count", "1"}}));
  orders.read();
  const Record& order = orders.last_batch->records().at(0);
  std::string names;
  for (const Field& field : order.schema->fields()) names += field.name + ' ';
  CHECK(names == "id customer_id status total currency country_code created email note ");
  CHECK(order.after[3].type() == Value::Type::kDecimal);
  REQUIRE(order.key.size() == 1);
  CHECK(order.key[0].as_int64() == 1);
  CHECK(order.schema->spec().table == "orders");
  Life customers("generator", config({{"dataset", "customers"}, {"count", "1"}}));
  customers.drain();
  CHECK(customers.contents().at(0).starts_with("{\"id\":1,\"name\":\""));
  Life clicks("generator", config({{"dataset", "clicks"}, {"count", "1"}}));
  clicks.drain();
  CHECK(clicks.contents().at(0).starts_with("{\"id\":1,\"session\":\""));
}

TEST_CASE("Broken records come in three kinds, about a third each") {
  Life life("generator", config({{"count", "3000"}, {"broken", "30%"}}));
  life.drain();
  int no_json = 0, wrong_type = 0, missing = 0;
  for (const Seen& entry : life.seen) {
    if (entry.content.starts_with("!json_syntax")) ++no_json;
    if (entry.content.find("not a value") != std::string::npos) ++wrong_type;
    if (entry.content[0] == '{' && entry.content.find("\"total\"") == std::string::npos) ++missing;
  }
  for (const int kind : {no_json, wrong_type, missing}) {
    CHECK(kind > 220);
    CHECK(kind < 380);
  }
}

TEST_CASE("The rate is kept, and waiting is idle time") {
  Life life("generator", config({{"rate", "100/s"}}));
  const auto before = life.clock.now();
  while (life.seen.size() < 500) life.read();
  const std::chrono::duration<double> took = life.clock.now() - before;
  CHECK(took.count() > 4.5);
  CHECK(took.count() < 5.5);
}

TEST_CASE("Shards make every index once") {
  std::vector<std::string> ids;
  for (unsigned shard = 0; shard < 3; ++shard) {
    Life life("generator", config({{"count", "100"}}), {}, shard, 3);
    CHECK(life.drain() == SourceState::kFinished);
    for (const Seen& entry : life.seen) ids.push_back(std::to_string(entry.ordinal.major));
  }
  CHECK(ids.size() == 100);
  std::sort(ids.begin(), ids.end());
  CHECK(std::unique(ids.begin(), ids.end()) == ids.end());
}

}  // namespace sluice
