#include <sqlite3.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <limits>
#include <thread>

#include "tests/sinks/harness.h"
#include "tests/sinks/sqlite_query.h"

using namespace sluice;
using namespace sluice::testing;

namespace {

const std::vector<Field> kItem = {{"id", Value::Type::kInt64}, {"name", Value::Type::kString}, {"note", Value::Type::kString}};

Settings settings(const World& world, Settings more = {}) {
  Settings result = {{"path", world.directory / "out.db"}, {"table", "items"}};
  result.insert(result.end(), more.begin(), more.end());
  return result;
}

Settings upsert(const World& world, Settings more = {}) {
  more.insert(more.begin(), {"mode", "upsert"});
  return settings(world, more);
}

std::string items(const World& world, const std::string& columns = "*") {
  return query(world.directory / "out.db", "SELECT " + columns + " FROM items ORDER BY rowid");
}

Value number(std::int64_t value) { return Value::int64(value); }

}  // namespace

TEST_CASE("SQLite sink: append writes every record with _op, _id and _unchanged (G16)") {
  World world;
  auto sink = world.make_sink("sqlite", settings(world));
  CHECK(open(*sink).empty());
  BatchMaker maker(world, kItem, {0});
  maker.add(Op::kInsert, {number(1), maker.text("a"), Value::null()});
  maker.add(Op::kUpdate, {number(1), maker.text("b"), Value::unchanged()}).sub = 2;
  maker.add(Op::kDelete, {}, {number(1), Value::unchanged(), Value::unchanged()});
  maker.add(Op::kTruncate, {});
  CHECK(write_all(*sink, maker.take()).empty());
  CHECK(items(world) ==
        "'insert','files/log/1/0',NULL,1,'a',NULL\n"
        "'update','files/log/2/0/2','[\"note\"]',1,'b',NULL\n"
        "'delete','files/log/3/0','[\"name\",\"note\"]',1,NULL,NULL\n"
        "'truncate','files/log/4/0',NULL,NULL,NULL,NULL\n");
}

TEST_CASE("SQLite sink: rows and position are one transaction (G23), told by open() (G6)") {
  World world;
  BatchMaker maker(world, kItem, {0});
  {
    auto sink = world.make_sink("sqlite", settings(world));
    open(*sink);
    maker.add(Op::kInsert, {number(1), maker.text("a"), Value::null()});
    write_all(*sink, maker.take());
    maker.add(Op::kInsert, {number(2), maker.text("b"), Value::null()});
    Rejects rejects;
    REQUIRE(write_only(*sink, maker.take(), rejects));
  }
  auto sink = world.make_sink("sqlite", settings(world));
  CHECK(open(*sink) == Checkpoint{{"files/log", {{1, 0}, "resume 1", false}}});
  CHECK(items(world, "id") == "1\n");
}

TEST_CASE("SQLite sink: positions keep all 64 bits, never go back, and a forgotten one goes (G4, G8)") {
  World world;
  auto sink = world.make_sink("sqlite", settings(world));
  open(*sink);
  const Checkpoint first = {{"pg/7:1", {{~0ULL, Ordinal::kEnd}, std::string("\0\xff", 2), true}}, {"pg/old", {{5, 5}, "", false}}};
  REQUIRE(commit(*sink, first));
  REQUIRE(commit(*sink, {{"pg/old", {{4, 9}, "back", false}}}));
  CHECK(query(world.directory / "out.db",
              "SELECT pipeline, sink, partition, major, minor, hex(resume), retired, instance FROM _sluice_progress ORDER BY partition") ==
        "'shop','out','pg/7:1','18446744073709551615','18446744073709551615','00FF',1,'here'\n"
        "'shop','out','pg/old','5','5','',0,'here'\n");
  CHECK(open(*sink) == first);
  const std::vector<std::string> forgotten = {"pg/7:1", "pg/never"};
  REQUIRE(sink->commit({{}, forgotten}, {}));
  CHECK(open(*sink).size() == 1);
  // A name that is forgotten and given anew before the sink has heard of it: its new position counts.
  const Checkpoint anew = {{"pg/old", {{1, 0}, "new", false}}};
  const std::vector<std::string> old = {"pg/old"};
  REQUIRE(sink->commit({anew, old}, {}));
  CHECK(open(*sink) == anew);
}

TEST_CASE("SQLite sink: upsert inserts, updates, deletes and truncates") {
  World world;
  auto sink = world.make_sink("sqlite", upsert(world));
  open(*sink);
  BatchMaker maker(world, kItem, {0});
  maker.add(Op::kRead, {number(1), maker.text("a"), maker.text("x")});
  maker.add(Op::kInsert, {number(2), maker.text("b"), maker.text("y")});
  maker.add(Op::kUpdate, {number(1), maker.text("A"), Value::null()});
  maker.add(Op::kInsert, {number(2), maker.text("B"), maker.text("Y")});
  maker.add(Op::kDelete, {}, {number(9), Value::unchanged(), Value::unchanged()});
  CHECK(write_all(*sink, maker.take()).empty());
  CHECK(items(world) == "1,'A',NULL\n2,'B','Y'\n");
  maker.add(Op::kDelete, {}, {number(1), Value::unchanged(), Value::unchanged()});
  CHECK(write_all(*sink, maker.take()).empty());
  CHECK(items(world) == "2,'B','Y'\n");
  maker.add(Op::kTruncate, {});
  CHECK(write_all(*sink, maker.take()).empty());
  CHECK(items(world).empty());
}

TEST_CASE("SQLite sink: unchanged columns are left alone (G16)") {
  World world;
  auto sink = world.make_sink("sqlite", upsert(world));
  open(*sink);
  BatchMaker maker(world, kItem, {0});
  maker.add(Op::kInsert, {number(1), maker.text("a"), maker.text("long")});
  maker.add(Op::kUpdate, {number(1), maker.text("b"), Value::unchanged()});
  maker.add(Op::kUpdate, {number(1), Value::unchanged(), Value::unchanged()});
  maker.add(Op::kUpdate, {number(2), maker.text("c"), Value::unchanged()});  // no such row: nothing to keep the column from
  CHECK(write_all(*sink, maker.take()) == RejectCodes{{3, "value_unavailable"}});
  CHECK(items(world) == "1,'b','long'\n");
}

TEST_CASE("SQLite sink: a change of key updates where the old key is (G17)") {
  World world;
  auto sink = world.make_sink("sqlite", upsert(world));
  open(*sink);
  BatchMaker maker(world, kItem, {0});
  maker.add(Op::kInsert, {number(1), maker.text("a"), maker.text("long")});
  maker.add(Op::kUpdate, {number(5), maker.text("b"), Value::unchanged()}, {number(1), Value::unchanged(), Value::unchanged()});
  maker.add(Op::kUpdate, {number(8), maker.text("new"), Value::null()}, {number(7), Value::unchanged(), Value::unchanged()});
  maker.add(Op::kInsert, {number(9), maker.text("c"), Value::null()});
  maker.add(Op::kUpdate, {number(9), maker.text("clash"), Value::null()}, {number(5), Value::unchanged(), Value::unchanged()});
  CHECK(write_all(*sink, maker.take()) == RejectCodes{{4, "constraint_violation"}});
  CHECK(items(world) == "5,'b','long'\n8,'new',NULL\n9,'c',NULL\n");
}

TEST_CASE("SQLite sink: deletes ignored, and soft") {
  World world;
  BatchMaker maker(world, kItem, {0});
  const auto fill = [&](Sink& sink) {
    open(sink);
    maker.add(Op::kInsert, {number(1), maker.text("a"), Value::null()});
    maker.add(Op::kInsert, {number(2), maker.text("b"), Value::null()});
    maker.add(Op::kDelete, {}, {number(1), Value::unchanged(), Value::unchanged()}).source_time = 1'700'000'000'000'000;
    CHECK(write_all(sink, maker.take()).empty());
  };
  SECTION("ignore") {
    auto sink = world.make_sink("sqlite", upsert(world, {{"deletes", "ignore"}}));
    fill(*sink);
    maker.add(Op::kTruncate, {});
    CHECK(write_all(*sink, maker.take()).empty());
    CHECK(items(world) == "1,'a',NULL\n2,'b',NULL\n");
  }
  SECTION("soft") {
    auto sink = world.make_sink("sqlite", upsert(world, {{"deletes", "soft(gone)"}}));
    fill(*sink);
    CHECK(items(world) == "1,'a',NULL,'2023-11-14T22:13:20.000000Z'\n2,'b',NULL,NULL\n");
    maker.add(Op::kInsert, {number(1), maker.text("back"), Value::null()});
    maker.add(Op::kTruncate, {}).source_time = 1'700'000'001'000'000;
    maker.add(Op::kUpdate, {number(1), maker.text("again"), Value::unchanged()});
    CHECK(write_all(*sink, maker.take()).empty());
    CHECK(items(world) == "1,'again',NULL,NULL\n2,'b',NULL,'2023-11-14T22:13:21.000000Z'\n");
  }
}

TEST_CASE("SQLite sink: a configured key, composite keys, and what has no key") {
  World world;
  auto sink = world.make_sink("sqlite", upsert(world, {{"key", "[name,id]"}}));
  open(*sink);
  BatchMaker maker(world, kItem);
  maker.add(Op::kInsert, {number(1), maker.text("a"), maker.text("1")});
  maker.add(Op::kInsert, {number(1), maker.text("a"), maker.text("2")});
  maker.add(Op::kInsert, {number(1), maker.text("b"), maker.text("3")});
  maker.add(Op::kInsert, {number(1), Value::null(), maker.text("4")});
  maker.add(Op::kDelete, {}, {number(1), Value::unchanged(), Value::unchanged()});
  CHECK(write_all(*sink, maker.take()) == RejectCodes{{3, "null_key"}, {4, "value_unavailable"}});
  CHECK(items(world) == "1,'a','2'\n1,'b','3'\n");
  auto keyless = world.make_sink("sqlite", upsert(world), "other");
  open(*keyless);
  maker.add(Op::kInsert, {number(1), maker.text("a"), maker.text("1")});
  CHECK(write_all(*keyless, maker.take()) == RejectCodes{{0, "no_key"}});
}

TEST_CASE("SQLite sink: types that lose nothing") {
  World world;
  auto sink = world.make_sink("sqlite", settings(world));
  open(*sink);
  using Type = Value::Type;
  const std::vector<Field> fields = {{"b", Type::kBool},    {"i", Type::kInt64},  {"u", Type::kUint64},  {"f", Type::kFloat64},
                                     {"d", Type::kDecimal}, {"s", Type::kString}, {"y", Type::kBytes},   {"t", Type::kTimestamp},
                                     {"day", Type::kDate},  {"l", Type::kList},   {"free", std::nullopt}};
  BatchMaker maker(world, fields);
  const std::vector<Value> list = {Value::int64(1), Value::string("x")};
  maker.add(Op::kInsert, {Value::boolean(true), number(std::numeric_limits<std::int64_t>::min()), Value::uint64(~0ULL), Value::float64(0.1),
                          Value::decimal("12.30"), Value::string(std::string_view("a\0'b", 4)), Value::bytes(std::string_view("\0\xff", 2)),
                          Value::timestamp(1, 5), Value::date(0), Value::list(list), Value::string("007")});
  maker.add(Op::kInsert,
            {Value::boolean(false), number(1), Value::uint64(1), Value::float64(std::nan("")), Value::decimal("NaN"), maker.text(""),
             Value::bytes(""), Value::timestamp(Value::kInfinity), Value::date(Value::kMinusInfinity), Value::null(), number(7)});
  CHECK(write_all(*sink, maker.take()).empty());
  CHECK(query(world.directory / "out.db", "SELECT b, i, u, f, d, hex(s), typeof(s), hex(y), typeof(y), t, day, l, free FROM items") ==
        "1,-9223372036854775808,'18446744073709551615',0.1,'12.30','61002762','text','00FF','blob','1970-01-01T00:00:00.000001005Z','1970-"
        "01-01','[1,\"x\"]','007'\n"
        "0,1,'1','NaN','NaN','','text','','blob','infinity','-infinity',NULL,7\n");
}

TEST_CASE("SQLite sink: columns are added, or what does not fit is refused") {
  World world;
  BatchMaker narrow(world, {{"id", Value::Type::kInt64}});
  BatchMaker wide(world, {{"ID", Value::Type::kInt64}, {"say \"hi\"; --", Value::Type::kString}});
  auto sink = world.make_sink("sqlite", settings(world));
  open(*sink);
  narrow.add(Op::kInsert, {number(1)});
  write_all(*sink, narrow.take());
  wide.add_at(2, Op::kInsert, {number(2), wide.text("x")});
  CHECK(write_all(*sink, wide.take()).empty());
  CHECK(items(world, "id, \"say \"\"hi\"\"; --\"") == "1,NULL\n2,'x'\n");

  auto fixed = world.make_sink("sqlite", settings(world, {{"columns", "fixed"}}), "fixed");
  open(*fixed);
  BatchMaker other(world, {{"id", Value::Type::kInt64}, {"more", Value::Type::kString}});
  other.add_at(3, Op::kInsert, {number(3), other.text("x")});
  CHECK(write_all(*fixed, other.take()) == RejectCodes{{0, "unknown_column"}});
  narrow.add_at(4, Op::kInsert, {number(4)});
  CHECK(write_all(*fixed, narrow.take()).empty());
  CHECK(items(world, "id") == "1\n2\n4\n");
}

TEST_CASE("SQLite sink: names that cannot be are the record's fault") {
  World world;
  auto sink = world.make_sink("sqlite", {{"path", world.directory / "out.db"}, {"table", "${meta.table}"}});
  open(*sink);
  const auto codes = [&](const std::string& table, std::vector<Field> fields) {
    BatchMaker maker(world, std::move(fields), {}, table);
    maker.add(Op::kInsert, {number(1), number(2)});
    return write_all(*sink, maker.take());
  };
  CHECK(codes("sqlite_x", {{"a"}, {"b"}}) == RejectCodes{{0, "bad_table_name"}});
  CHECK(codes("_SLUICE_progress", {{"a"}, {"b"}}) == RejectCodes{{0, "bad_table_name"}});
  CHECK(codes("t", {{"a"}, {"A"}}) == RejectCodes{{0, "duplicate_column"}});
  CHECK(codes("t", {{"a"}, {"_id"}}) == RejectCodes{{0, "duplicate_column"}});
  CHECK(codes("t", {{"a"}, {std::string("b\0", 2)}}) == RejectCodes{{0, "bad_column_name"}});
  CHECK(codes("a \"b\"; DROP TABLE x", {{"a"}, {"b"}}).empty());
  CHECK(query(world.directory / "out.db", "SELECT a, b FROM \"a \"\"b\"\"; DROP TABLE x\"") == "1,2\n");
}

TEST_CASE("SQLite sink: a refused row undoes its own statement only") {
  World world;
  execute(world.directory / "out.db", "CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT CHECK (name <> 'bad'), note TEXT NOT NULL)");
  auto sink = world.make_sink("sqlite", upsert(world));
  open(*sink);
  BatchMaker maker(world, kItem, {0});
  maker.add(Op::kInsert, {number(1), maker.text("ok"), maker.text("")});
  maker.add(Op::kInsert, {number(2), maker.text("bad"), maker.text("")});
  maker.add(Op::kInsert, {number(3), maker.text("ok"), Value::null()});
  maker.add(Op::kInsert, {number(4), maker.text("ok"), maker.text("")});
  CHECK(write_all(*sink, maker.take()) == RejectCodes{{1, "constraint_violation"}, {2, "constraint_violation"}});
  CHECK(items(world, "id") == "1\n4\n");
}

TEST_CASE("SQLite sink: a table without the key is told") {
  World world;
  execute(world.directory / "out.db", "CREATE TABLE items (id INTEGER, name TEXT, note TEXT)");
  auto sink = world.make_sink("sqlite", upsert(world));
  open(*sink);
  BatchMaker maker(world, kItem, {0});
  maker.add(Op::kInsert, {number(1), maker.text("ok"), maker.text("")});
  Rejects rejects;
  const Status failed = write_only(*sink, maker.take(), rejects);
  REQUIRE(!failed);
  CHECK(failed.error().kind() == ErrorKind::kFatal);
  CHECK(failed.error().message().find("UNIQUE") != std::string::npos);
}

TEST_CASE("SQLite sink: somebody else's changes of the schema are seen by the next transaction") {
  World world;
  auto sink = world.make_sink("sqlite", upsert(world));
  open(*sink);
  BatchMaker maker(world, kItem, {0});
  maker.add(Op::kInsert, {number(1), maker.text("a"), Value::null()});
  write_all(*sink, maker.take());
  execute(world.directory / "out.db", "DROP TABLE items");
  maker.add(Op::kInsert, {number(2), maker.text("b"), Value::null()});
  write_all(*sink, maker.take());
  CHECK(items(world) == "2,'b',NULL\n");
}

TEST_CASE("SQLite sink: a second installation is refused in the transaction (G30)") {
  World world;
  auto first = world.make_sink("sqlite", settings(world));
  open(*first);
  world.instance = "there";
  auto second = world.make_sink("sqlite", settings(world));
  open(*second);  // nobody has committed yet
  BatchMaker maker(world, kItem, {0});
  maker.add(Op::kInsert, {number(1), maker.text("a"), Value::null()});
  const auto batch = maker.take();
  write_all(*first, batch);
  Rejects rejects;
  const Status failed = write_only(*second, batch, rejects);
  REQUIRE(!failed);
  CHECK(failed.error().code() == "other_instance");
  const auto reopened = second->open({});
  REQUIRE(!reopened);
  CHECK(reopened.error().code() == "other_instance");
  CHECK(items(world, "id") == "1\n");
}

TEST_CASE("SQLite sink: several sinks share a file; a lock that stays is transient, and a stop ends the wait") {
  World world;
  auto first = world.make_sink("sqlite", settings(world), "one");
  auto second = world.make_sink("sqlite", settings(world), "two");
  open(*first);
  open(*second);
  BatchMaker maker(world, kItem, {0});
  maker.add(Op::kInsert, {number(1), maker.text("a"), Value::null()});
  const auto batch = maker.take();
  Rejects rejects;
  REQUIRE(write_only(*first, batch, rejects));  // holds the lock
  std::stop_source stop;
  std::jthread stopper([&] { stop.request_stop(); });
  std::vector<std::uint32_t> all = {0};
  REQUIRE(second->write({batch, all}, rejects, {}));
  const Status stopped = second->flush(rejects, stop.get_token());
  REQUIRE(!stopped);
  CHECK(stopped.error().kind() == ErrorKind::kCancelled);
  REQUIRE(commit(*first, batch->through()));
  open(*second);
  CHECK(write_all(*second, batch).empty());
  CHECK(items(world, "id") == "1\n1\n");
}

TEST_CASE("SQLite sink: no room is transient, and nothing is lost (G5)") {
  World world;
  auto sink = world.make_sink("sqlite", upsert(world));
  open(*sink);
  BatchMaker maker(world, kItem, {0});
  const auto rows = [&](int first, int last) {
    for (int id = first; id <= last; ++id) maker.add(Op::kInsert, {number(id), maker.text(std::string(500, 'x')), Value::null()});
    return maker.take();
  };
  write_all(*sink, rows(1, 10));
  const auto batch = rows(11, 400);
  {
    const FullDisk full;  // ENOSPC from every write of SQLite
    Rejects rejects;
    Status failed = write_only(*sink, batch, rejects);
    if (failed) failed = commit(*sink, batch->through());
    REQUIRE(!failed);
    CHECK((failed.error().kind() == ErrorKind::kTransient || failed.error().kind() == ErrorKind::kCommitUnknown));
    CHECK(failed.error().code() == "disk_full");
    CHECK(rejects.empty());
  }
  CHECK(open(*sink).at("files/log").done == Ordinal{10, 0});
  write_all(*sink, batch);
  CHECK(items(world, "count(*), min(id), max(id)") == "400,1,400\n");
}

TEST_CASE("SQLite sink: a database that was moved away is noticed") {
  World world;
  auto sink = world.make_sink("sqlite", settings(world));
  open(*sink);
  std::filesystem::rename(world.directory / "out.db", world.directory / "away.db");
  BatchMaker maker(world, kItem, {0});
  maker.add(Op::kInsert, {number(1), maker.text("a"), Value::null()});
  Rejects rejects;
  const Status failed = write_only(*sink, maker.take(), rejects);
  REQUIRE(!failed);
  CHECK(failed.error().kind() == ErrorKind::kTransient);
}

TEST_CASE("SQLite sink: settings that make no sense are refused") {
  World world;
  CHECK(world.refused("sqlite", settings(world, {{"key", "[id]"}})) == std::vector<std::string>{"conflict"});
  CHECK(world.refused("sqlite", settings(world, {{"deletes", "soft(x)"}})) == std::vector<std::string>{"conflict"});
  CHECK(world.refused("sqlite", settings(world, {{"deletes", "soft()"}})) == std::vector<std::string>{"bad_value"});
  CHECK(world.refused("sqlite", {{"path", "x.db"}}) == std::vector<std::string>{"missing_key"});
}
