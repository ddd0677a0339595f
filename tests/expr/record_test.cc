// Expressions over records: roots, absent and unavailable columns, the pipeline's numbers, caches.
#include <array>
#include <catch2/catch.hpp>

#include "expr/value_text.h"
#include "tests/expr/record_fixture.h"

using namespace sluice;
using namespace sluice::expr;
using sluice::expr::testing::Rows;

namespace sluice::expr::testing {

std::string evaluate(std::string_view source, Rows& rows, Rules rules) {
  Program::Options options;
  options.rules = rules;
  options.environment = [](std::string_view name) {
    return name == "REGION" ? std::optional<std::string>("eu-west-1 region") : std::nullopt;
  };
  auto program = Program::compile(source, options);
  if (!program) return "compile: " + std::string(program.error().code());
  auto value = (*program)->evaluate(rows.batch(), rows.last(), rows.batch().arena());
  if (!value) return "error: " + std::string(value.error().code());
  if (value->is_null()) return "null";
  std::array<char, kValueTextBuffer> buffer{};
  const Value found = *value;
  return std::string(text_of(found, buffer).value_or(type_name(found.type())));
}

}  // namespace sluice::expr::testing

using sluice::expr::testing::evaluate;

TEST_CASE("the roots give a record's values") {
  Rows rows;
  Record& record = rows.add({{"id", Value::int64(5)}, {"name", Value::string("a name beyond fourteen bytes")}, {"note", Value::null()}});
  CHECK(evaluate("this.id + 1", rows) == "6");
  CHECK(evaluate("this.name", rows) == "a name beyond fourteen bytes");
  CHECK(evaluate("this.note", rows) == "null");
  CHECK(evaluate("this[\"id\"]", rows) == "5");
  CHECK(evaluate("key.id", rows) == "5");
  CHECK(evaluate("size(key)", rows) == "1");
  CHECK(evaluate("size(this)", rows) == "3");
  CHECK(evaluate("before == null", rows) == "true");
  CHECK(evaluate("has(before.id)", rows) == "false");
  CHECK(evaluate("before.id", rows) == "error: no_such_field");
  CHECK(evaluate("env.REGION", rows) == "eu-west-1 region");
  CHECK(evaluate("has(env.NOPE)", rows) == "false");
  CHECK(evaluate("env.NOPE", rows) == "compile: unset_variable");
  record.before = record.after;
  CHECK(evaluate("before.id == this.id", rows) == "true");
}

TEST_CASE("a field of a name that needs quoting") {
  Rows rows;
  rows.add({{"content-type", Value::string("json")}});
  CHECK(evaluate("this.`content-type`", rows) == "json");
  CHECK(evaluate("has(this.`content-type`)", rows) == "true");
}

TEST_CASE("a field that the record lacks is an error of the record") {
  Rows rows;
  rows.add({{"id", Value::int64(5)}});
  CHECK(evaluate("this.nope", rows) == "error: no_such_field");
  CHECK(evaluate("this.nope > 1", rows) == "error: no_such_field");
  CHECK(evaluate("has(this.nope)", rows) == "false");
  CHECK(evaluate("this.nope > 1 || this.id == 5", rows) == "true");
  CHECK(evaluate("this.nope > 1 && this.id == 6", rows) == "false");
  CHECK(evaluate("this.?nope.orValue(\"none\")", rows) == "none");
  CHECK(evaluate("this.?id.orValue(0)", rows) == "5");
  CHECK(evaluate("this.?id", rows) == "error: no_record_value");
  CHECK(evaluate("type(this.id)", rows) == "error: no_record_value");
}

TEST_CASE("G16: an unchanged column is no null: has() is false, reading it fails, && and || absorb it") {
  Rows rows;
  rows.add({{"id", Value::int64(5)}, {"body", Value::unchanged()}}, Op::kUpdate);
  CHECK(evaluate("has(this.body)", rows) == "false");
  CHECK(evaluate("this.body", rows) == "error: value_unavailable");
  CHECK(evaluate("this.body == \"x\"", rows) == "error: value_unavailable");
  CHECK(evaluate("this.body == null", rows) == "error: value_unavailable");
  CHECK(evaluate("this.body == \"x\" || this.id == 5", rows) == "true");
  CHECK(evaluate("this.body == \"x\" && this.id == 6", rows) == "false");
  CHECK(evaluate("this.?body.orValue(\"gone\")", rows) == "gone");
  CHECK(evaluate("size(this)", rows) == "1");
}

TEST_CASE("meta names a record's origin") {
  SchemaPool pool;
  Rows rows(pool.intern({{}, {}, {}, {Field{"lsn"}, Field{"topic"}}, {}}));
  Record& record = rows.add({{"id", Value::int64(5)}});
  const std::array<Value, 2> meta = {Value::int64(99), Value::null()};
  record.meta = meta;
  CHECK(evaluate("meta.op", rows) == "insert");
  CHECK(evaluate("meta.source", rows) == "shop");
  CHECK(evaluate("meta.database + \".\" + meta.schema + \".\" + meta.table", rows) == "db.public.orders");
  CHECK(evaluate("meta.partition", rows) == "p0");
  CHECK(evaluate("meta.offset", rows) == "7");
  CHECK(evaluate("meta.id", rows) == "shop/p0/7/3");
  CHECK(evaluate("meta.ingest_time", rows) == "2023-11-14T22:13:20Z");
  CHECK(evaluate("has(meta.source_time)", rows) == "false");
  CHECK(evaluate("meta.lsn", rows) == "99");
  CHECK(evaluate("has(meta.topic)", rows) == "false");
  CHECK(evaluate("has(meta.gtid)", rows) == "false");
  CHECK(evaluate("meta.gtid", rows) == "error: no_such_field");
  CHECK(evaluate("meta.tabel", rows) == "compile: expression_unknown_field");
  record.sub = 4;
  record.source_time = 1'000'000;
  CHECK(evaluate("meta.id", rows) == "shop/p0/7/3/4");
  CHECK(evaluate("meta.source_time", rows) == "1970-01-01T00:00:01Z");
}

TEST_CASE("the pipeline's numbers: ints and doubles meet, decimals stay exact, a double literal is the decimal it spells") {
  Rows rows;
  rows.add({{"total", Value::decimal("19.90")}, {"n", Value::int64(3)}, {"x", Value::float64(0.5)}, {"u", Value::uint64(7)}});
  CHECK(evaluate("this.total * 0.92", rows) == "18.3080");
  CHECK(evaluate("this.total * 0.920", rows) == "18.30800");
  CHECK(evaluate("this.total + 1", rows) == "20.90");
  CHECK(evaluate("this.total - this.u", rows) == "12.90");
  CHECK(evaluate("this.total / 3", rows) == "6.6333333333333333");
  CHECK(evaluate("this.total % 2", rows) == "1.90");
  CHECK(evaluate("-this.total", rows) == "-19.90");
  CHECK(evaluate("this.total > 19.9", rows) == "false");
  CHECK(evaluate("this.total == 19.9", rows) == "true");
  CHECK(evaluate("this.total >= 19.90000000000000000001", rows) == "false");
  CHECK(evaluate("19.91 > this.total", rows) == "true");
  CHECK(evaluate("this.total * this.x", rows) == "9.950");
  CHECK(evaluate("this.n + this.x", rows) == "3.5");
  CHECK(evaluate("this.n + this.u", rows) == "10");
  CHECK(evaluate("this.n - this.u", rows) == "-4");
  CHECK(evaluate("this.n * 1.5", rows) == "4.5");
  CHECK(evaluate("this.n / 2", rows) == "1");
  CHECK(evaluate("this.total / 0", rows) == "error: divide_by_zero");
  CHECK(evaluate("this.n / 0", rows) == "error: divide_by_zero");
  CHECK(evaluate("this.total in [19.9, 3]", rows) == "true");
}

TEST_CASE("strict rules refuse what CEL refuses") {
  Rows rows;
  rows.add({{"n", Value::int64(3)}, {"x", Value::float64(0.5)}, {"total", Value::decimal("1.5")}});
  CHECK(evaluate("this.n + this.x", rows, Rules::kStrict) == "error: no_matching_overload");
  CHECK(evaluate("this.total * 2", rows, Rules::kStrict) == "error: no_matching_overload");
  CHECK(evaluate("1 + 1.0", rows, Rules::kStrict) == "compile: expression_type");
  CHECK(evaluate("this.n > this.x", rows, Rules::kStrict) == "true");
}

TEST_CASE("overflow is an error, and 64 bits are kept") {
  Rows rows;
  rows.add({{"big", Value::int64(9223372036854775807)}, {"u", Value::uint64(18446744073709551615U)}});
  CHECK(evaluate("this.big + 1", rows) == "error: overflow");
  CHECK(evaluate("this.u + 1u", rows) == "error: overflow");
  CHECK(evaluate("this.u - 1", rows) == "18446744073709551614");
  CHECK(evaluate("this.u > this.big", rows) == "true");
  CHECK(evaluate("dyn(9007199254740993) == 9007199254740992.0", rows) == "false");
}

TEST_CASE("a database's types") {
  Rows rows;
  rows.add({{"at", Value::timestamp(1'234'567'890'000'000)},
            {"day", Value::date(14288)},
            {"id", Value::text(Value::Type::kUuid, "c0ffee00-0000-4000-8000-000000000000")}});
  CHECK(evaluate("this.at > timestamp(\"2009-01-01T00:00:00Z\")", rows) == "true");
  CHECK(evaluate("this.at.getHours(\"Europe/Berlin\")", rows) == "0");
  CHECK(evaluate("this.at.getHours(\"-01:30\")", rows) == "22");
  CHECK(evaluate("this.at + duration(\"1h30m\")", rows) == "2009-02-14T01:01:30Z");
  CHECK(evaluate("this.day == date(\"2009-02-13\")", rows) == "true");
  CHECK(evaluate("this.day.getFullYear()", rows) == "2009");
  CHECK(evaluate("date(this.at) == this.day", rows) == "true");
  CHECK(evaluate("this.id == \"c0ffee00-0000-4000-8000-000000000000\"", rows) == "true");
  CHECK(evaluate("this.at.getHours(\"Mars\")", rows) == "compile: expression_type");
  CHECK(evaluate("this.at < \"2009\"", rows) == "error: no_matching_overload");
}

TEST_CASE("slots are those of the record's schema, whatever came before") {
  Rows rows;
  auto program = Program::compile("this.b == 2");
  REQUIRE(program);
  for (int round = 0; round < 3; ++round) {
    CHECK((*program)->test(rows.batch(), rows.add({{"a", Value::int64(1)}, {"b", Value::int64(2)}})).value());
    CHECK((*program)->test(rows.batch(), rows.add({{"b", Value::int64(2)}})).value());
    CHECK_FALSE((*program)->test(rows.batch(), rows.add({{"a", Value::int64(2)}})).has_value());
  }
  for (int i = 0; i < 1000; ++i) {  // more shapes than the cache holds
    CHECK((*program)->test(rows.batch(), rows.add({{"c" + std::to_string(i), Value::null()}, {"b", Value::int64(2)}})).value());
  }
}

TEST_CASE("a condition that is no bool is an error") {
  Rows rows;
  rows.add({{"a", Value::int64(1)}});
  auto program = Program::compile("this.a");
  REQUIRE(program);
  auto result = (*program)->test(rows.batch(), rows.last());
  REQUIRE_FALSE(result);
  CHECK(result.error().kind() == ErrorKind::kBadRecord);
  CHECK(result.error().code() == "no_matching_overload");
}

TEST_CASE("an expression cannot take all time or memory") {
  Rows rows;
  rows.add({{"a", Value::int64(1)}});
  std::string list = "[0";
  for (int i = 1; i < 200; ++i) list += ", " + std::to_string(i);
  list += "]";
  CHECK(evaluate(list + ".map(a, " + list + ".map(b, " + list + ".map(c, a + b + c))).size()", rows) == "error: cost_exceeded");
  std::string doubling = "x0";
  for (int i = 40; i > 0; --i)
    doubling = "cel.bind(x" + std::to_string(i) + ", x" + std::to_string(i - 1) + " + x" + std::to_string(i - 1) + ", " +
               (i == 40 ? "x40" : doubling) + ")";
  CHECK(evaluate("cel.bind(x0, \"0123456789abcdef\", " + doubling + ").size()", rows) == "error: cost_exceeded");
}
