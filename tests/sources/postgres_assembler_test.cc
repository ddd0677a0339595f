#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "sources/postgres_cdc/change_assembler.h"
#include "tests/sources/pgoutput_messages.h"

namespace sluice::sources::postgres {
namespace {

using namespace test;

// Knows the server's own types only.
class BuiltinCatalog final : public RelationCatalog {
 public:
  Result<RelationTypes> describe(const RelationMessage& relation) override {
    RelationTypes types;
    for (const auto& column : relation.columns) types.columns.push_back({{"", "", {}, builtin_codec(column.type).value_or(ColumnCodec{})}});
    types.key = key_columns(relation, {{}, primary_key, {}}, nullptr).value();
    return types;
  }
  std::vector<std::string> primary_key;
};

struct Fixture {
  SchemaPool schemas;
  BuiltinCatalog catalog;
  TableFilter filter{{{"public", "orders"}, {"public", "other"}}, {}};
  FaultPoints faults;
  ChangeAssembler assembler{schemas, catalog, filter, "shop", {}, faults};
  std::shared_ptr<const BatchOrigin> origin = std::make_shared<BatchOrigin>(BatchOrigin{"pg", nullptr});
  BatchBuilder out{std::make_shared<Batch>(origin, 0), {}};

  explicit Fixture(const StreamPosition& from = StreamPosition::quiet_at(0x80)) { assembler.restart(from); }

  Status feed(std::uint64_t lsn, const std::string& message) { return assembler.consume(xlog_data(lsn, message), out, 0); }
  void must(const std::string& message, std::uint64_t lsn = 0x90) {
    const Status fed = feed(lsn, message);
    INFO((fed ? "" : fed.error().message()));
    REQUIRE(fed);
  }
  void describe() {
    must(relation(5, "public", "orders", {{"id", 23, true}, {"note", 25}}));
    must(relation(6, "public", "unwanted", {{"id", 23, true}}));
  }
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ordinals() {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> result;
    for (const Record& record : out.batch().records()) result.emplace_back(record.ordinal.major, record.ordinal.minor);
    return result;
  }
};

using Ordinals = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

TEST_CASE("G3: rows are numbered within their commit, those of other tables too") {
  Fixture f;
  f.must(begin(0x100));
  f.describe();
  f.must(insert(6, {text("1")}));
  f.must(insert(5, {text("1"), text("a")}));
  f.must(insert(6, {text("2")}));
  f.must(truncate({6, 5}));
  CHECK(f.assembler.position() == StreamPosition{{0x100, 5}, 0x100});
  f.must(commit(0x100, 0x130));
  CHECK(f.ordinals() == Ordinals{{0x100, 2}, {0x100, 5}});
  CHECK(f.assembler.position() == StreamPosition{{0x100, Ordinal::kEnd}, 0x130});
  const Record& record = f.out.batch().records()[0];
  CHECK(record.schema->spec().database == "shop");
  CHECK(record.schema->spec().table == "orders");
  CHECK(record.key.size() == 1);
  CHECK(record.after[1].as_text() == "a");
  CHECK(record.before.empty());
  CHECK(record.meta[1].as_int64() == 7);
  CHECK(record.meta[2].as_text() == "7:256");
  CHECK(record.source_time == 1'746'684'800'000'000);
  CHECK(f.out.batch().records()[1].op == Op::kTruncate);
}

TEST_CASE("G3: after a restart inside a transaction the same rows have the same numbers and none comes twice") {
  Fixture f({{0x100, 2}, 0x100});
  f.must(begin(0x100));
  f.describe();
  for (int i = 1; i <= 4; ++i) f.must(insert(5, {text(std::to_string(i)), null()}));
  f.must(commit(0x100, 0x130));
  CHECK(f.ordinals() == Ordinals{{0x100, 3}, {0x100, 4}});
  CHECK(f.out.batch().records()[0].after[0].as_int64() == 3);
}

TEST_CASE("G11: a transaction that is not sent again, or has lost rows, is a lost position") {
  {
    Fixture f({{0x100, 2}, 0x100});
    const Status fed = f.feed(0x200, begin(0x200));
    REQUIRE_FALSE(fed);
    CHECK(fed.error().code() == "position_lost");
  }
  Fixture f({{0x100, 2}, 0x100});
  f.must(begin(0x100));
  f.describe();
  f.must(insert(5, {text("1"), null()}));
  const Status fed = f.feed(0x100, commit(0x100, 0x130));
  REQUIRE_FALSE(fed);
  CHECK(fed.error().code() == "position_lost");
}

TEST_CASE("G8: a quiet server moves the position, and a commit just behind it is not lost") {
  Fixture f;
  REQUIRE(f.assembler.consume(keepalive(0x100), f.out, 0));
  REQUIRE(f.assembler.quiet_lsn());
  f.assembler.move_to_quiet();
  CHECK(f.assembler.position() == StreamPosition{{0xff, Ordinal::kEnd}, 0x100});
  CHECK_FALSE(f.assembler.quiet_lsn());
  // The commit record begins exactly where the server stood.
  f.must(begin(0x100));
  f.describe();
  f.must(insert(5, {text("1"), null()}));
  CHECK(f.ordinals() == Ordinals{{0x100, 1}});
}

TEST_CASE("G8: a keepalive inside a transaction, or inside a half-read one, moves nothing") {
  Fixture f;
  f.must(begin(0x100));
  REQUIRE(f.assembler.consume(keepalive(0x200, true), f.out, 0));
  CHECK_FALSE(f.assembler.quiet_lsn());
  CHECK_FALSE(f.assembler.confirmation_wanted());
  f.must(commit(0x100, 0x130));
  CHECK_FALSE(f.assembler.quiet_lsn());
  Fixture half({{0x100, 2}, 0x100});
  REQUIRE(half.assembler.consume(keepalive(0x200), half.out, 0));
  CHECK_FALSE(half.assembler.quiet_lsn());
}

TEST_CASE("G16: what the log left out is unchanged, never null") {
  Fixture f;
  f.must(begin(0x100));
  f.describe();
  f.must(update(5, {text("1"), unchanged()}));
  f.must(erase(5, 'K', {text("1"), null()}));
  const auto& records = f.out.batch().records();
  CHECK(records[0].after[1].is_unchanged());
  CHECK(records[0].before.empty());
  CHECK(records[1].before[1].is_unchanged());
  CHECK(records[1].after.empty());
  CHECK(records[1].key[0].as_int64() == 1);
}

TEST_CASE("G17: an update of the key carries the old one in before and the new one as the record's key") {
  Fixture f;
  f.must(begin(0x100));
  f.describe();
  f.must(update(5, 'K', {text("1"), null()}, {text("2"), unchanged()}));
  const Record& record = f.out.batch().records()[0];
  CHECK(record.op == Op::kUpdate);
  CHECK(record.before[0].as_int64() == 1);
  CHECK(record.before[1].is_unchanged());
  CHECK(record.key[0].as_int64() == 2);
  CHECK(record.after[1].is_unchanged());
}

TEST_CASE("with the whole row as identity the key is the primary key and unchanged columns are known") {
  Fixture f;
  f.catalog.primary_key = {"id"};
  f.must(begin(0x100));
  f.must(relation(5, "public", "orders", {{"id", 23, true}, {"note", 25, true}}, 'f'));
  f.must(update(5, 'O', {text("1"), text("long")}, {text("1"), unchanged()}));
  f.must(erase(5, 'O', {text("1"), null()}));
  const auto& records = f.out.batch().records();
  CHECK(records[0].key.size() == 1);
  CHECK(records[0].after[1].as_text() == "long");
  CHECK(records[1].before[1].is_null());
}

TEST_CASE("a changed relation gives its later rows another schema") {
  Fixture f;
  f.must(begin(0x100));
  f.describe();
  f.must(insert(5, {text("1"), null()}));
  f.must(relation(5, "public", "orders", {{"id", 23, true}, {"note", 25}, {"more", 20}}));
  f.must(insert(5, {text("2"), null(), text("3")}));
  const auto& records = f.out.batch().records();
  CHECK(records[0].schema->size() == 2);
  CHECK(records[1].schema->size() == 3);
  CHECK(records[1].after[2].as_int64() == 3);
}

TEST_CASE("a value that cannot be represented rejects its row and no other") {
  Fixture f;
  f.must(begin(0x100));
  f.must(relation(5, "public", "orders", {{"id", 23, true}, {"at", 1184}}));
  f.must(insert(5, {text("1"), text("2026-13-31 23:59:59+00")}));
  f.must(insert(5, {text("2"), text("2026-01-01 00:00:00+00")}));
  REQUIRE(f.out.batch().rejected_inputs().size() == 1);
  const RejectedInput& rejected = f.out.batch().rejected_inputs()[0];
  CHECK(rejected.ordinal == Ordinal{0x100, 1});
  CHECK(rejected.reason.kind() == ErrorKind::kBadRecord);
  CHECK(rejected.reason.code() == "value_not_representable");
  CHECK(f.ordinals() == Ordinals{{0x100, 2}});
}

TEST_CASE("what breaks the order of the protocol is refused") {
  const std::vector<std::vector<std::string>> streams = {
      {insert(5, {text("1"), null()})},
      {commit(0x100, 0x130)},
      {truncate({5})},
      {begin(0x100), begin(0x200)},
      {begin(0x100), insert(99, {text("1")})},
      {begin(0x100), truncate({99})},
      {begin(0x100), commit(0x200, 0x230)},
      {begin(0x100), commit(0x100, 0x100)},
      {begin(0x100), relation(5, "public", "orders", {{"id", 23, true}}), insert(5, {text("1"), text("2")})},
      {begin(0x100), relation(5, "public", "orders", {{"id", 23, true}}), erase(5, 'K', {})},
  };
  for (const auto& stream : streams) {
    Fixture f;
    for (std::size_t i = 0; i + 1 < stream.size(); ++i) f.must(stream[i]);
    const Status fed = f.feed(0x90, stream.back());
    REQUIRE_FALSE(fed);
    CHECK(fed.error().code() == "protocol_violation");
  }
  Fixture f;
  CHECK_FALSE(f.assembler.consume("", f.out, 0));
  CHECK_FALSE(f.assembler.consume("x", f.out, 0));
  CHECK_FALSE(f.assembler.consume("w123", f.out, 0));
  CHECK(f.assembler.consume("k12", f.out, 0));  // a keepalive cut short says nothing
}

}  // namespace
}  // namespace sluice::sources::postgres
