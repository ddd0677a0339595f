#include <catch2/catch.hpp>
#include <limits>

#include "core/civil_time.h"
#include "tests/transforms/step_fixture.h"
#include "transforms/cast_value.h"

namespace sluice::test {
namespace {

using transforms::cast_value;
using transforms::parse_cast_target;

// The outcome as show() writes it, or "! " and what the message says after the value.
std::string cast(const Value& value, std::string_view target) {
  Arena arena;
  const auto result = cast_value(value, *parse_cast_target(target), arena);
  if (result) return show(*result);
  CHECK(result.error().kind() == ErrorKind::kBadRecord);
  CHECK(result.error().code() == "cast_failed");
  return "! " + result.error().message();
}
std::string cast(const char* text, std::string_view target) { return cast(Value::string(text), target); }

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

TEST_CASE("cast to int") {
  CHECK(cast(Value::uint64(9223372036854775807ULL), "int") == "9223372036854775807");
  CHECK(cast(Value::uint64(9223372036854775808ULL), "int") == "! cast to int: 9223372036854775808 is out of range");
  CHECK(cast(Value::float64(12.0), "int") == "12");
  CHECK(cast(Value::float64(-0.0), "int") == "0");
  CHECK(cast(Value::float64(12.5), "int") == "! cast to int: 12.5 has a fraction");
  CHECK(cast(Value::float64(9223372036854775808.0), "int") == "! cast to int: 9223372036854775808 is out of range");
  CHECK(cast(Value::float64(-9223372036854775808.0), "int") == "-9223372036854775808");
  CHECK(cast(Value::float64(kNan), "int").starts_with("! "));
  CHECK(cast(Value::decimal("12.00"), "int") == "12");
  CHECK(cast(Value::decimal("-9223372036854775808.0"), "int") == "-9223372036854775808");
  CHECK(cast(Value::decimal("9223372036854775808"), "int") == "! cast to int: \"9223372036854775808\" is out of range");
  CHECK(cast(Value::decimal("99999999999999999999999"), "int").ends_with("is out of range"));
  CHECK(cast(Value::decimal("0.5"), "int").ends_with("has a fraction"));
  CHECK(cast(Value::decimal("NaN"), "int").ends_with("is no integer"));
  CHECK(cast(Value::boolean(true), "int") == "1");
  CHECK(cast(" +007\n", "int") == "7");
  CHECK(cast("-9223372036854775808", "int") == "-9223372036854775808");
  CHECK(cast("9223372036854775808", "int").ends_with("is out of range"));
  for (const char* text : {"", " ", "+", "-", "+-1", "1.0", "1e3", "0x10", "1 2", "١"}) CHECK(cast(text, "int").ends_with("is no integer"));
  CHECK(cast(Value::date(1), "int") == "! cast to int: 1970-01-02 is of type date, which cannot become int");
}

TEST_CASE("cast to double") {
  CHECK(cast(Value::int64(3), "double") == "double 3");
  CHECK(cast(Value::decimal("0.1"), "double") == "double 0.10000000000000001");
  CHECK(cast(" -1.5e3 ", "double") == "double -1500");
  CHECK(cast("+.5", "double") == "double 0.5");
  CHECK(cast("5.", "double") == "double 5");
  CHECK(cast("nan", "double") == "double nan");
  CHECK(cast("-Infinity", "double") == "double -inf");
  CHECK(cast(Value::decimal("Infinity"), "double") == "double inf");
  CHECK(cast("1e400", "double").ends_with("is out of range"));
  CHECK(cast(Value::decimal("1e-400"), "double").ends_with("is out of range"));
  for (const char* text : {"", ".", "1e", "0x1p3", "1,5", "inf", "1_000"}) CHECK(cast(text, "double").ends_with("is no number"));
  CHECK(cast(Value::boolean(true), "double").ends_with("cannot become double"));
}

TEST_CASE("cast to decimal rounds ties away from zero and refuses what has too many digits") {
  CHECK(cast("12.345", "decimal(10,2)") == "decimal 12.35");
  CHECK(cast("12.344999999999999999999", "decimal(10,2)") == "decimal 12.34");
  CHECK(cast("-12.345", "decimal(10,2)") == "decimal -12.35");
  CHECK(cast("12", "decimal(10,2)") == "decimal 12.00");
  CHECK(cast(".5", "decimal(10,2)") == "decimal 0.50");
  CHECK(cast("0.004", "decimal(10,2)") == "decimal 0.00");
  CHECK(cast("-0.004", "decimal(10,2)") == "decimal 0.00");
  CHECK(cast("0.005", "decimal(10,2)") == "decimal 0.01");
  CHECK(cast("0.5", "decimal(5,0)") == "decimal 1");
  CHECK(cast("0.05", "decimal(5,0)") == "decimal 0");
  CHECK(cast("99.994", "decimal(4,2)") == "decimal 99.99");
  CHECK(cast("99.995", "decimal(4,2)").ends_with("has too many digits before the point"));
  CHECK(cast("9.995", "decimal(4,2)") == "decimal 10.00");
  CHECK(cast("0.995", "decimal(2,2)").ends_with("has too many digits before the point"));
  CHECK(cast("0.994", "decimal(2,2)") == "decimal 0.99");
  CHECK(cast("100", "decimal(4,2)").ends_with("has too many digits before the point"));
  CHECK(cast("00012.3", "decimal(4,2)") == "decimal 12.30");
  CHECK(cast("1.2345e3", "decimal(6,2)") == "decimal 1234.50");
  CHECK(cast("12345e-3", "decimal(6,2)") == "decimal 12.35");
  CHECK(cast("1e1000000000000", "decimal(10,2)").ends_with("has too many digits before the point"));
  CHECK(cast("0e1000000000000", "decimal(10,2)") == "decimal 0.00");
  CHECK(cast("1e-1000000000000", "decimal(10,2)") == "decimal 0.00");
  CHECK(cast(Value::int64(std::numeric_limits<std::int64_t>::min()), "decimal(20,1)") == "decimal -9223372036854775808.0");
  CHECK(cast(Value::uint64(std::numeric_limits<std::uint64_t>::max()), "decimal(20,0)") == "decimal 18446744073709551615");
  CHECK(cast(Value::float64(0.1), "decimal(30,20)") == "decimal 0.10000000000000000000");
  CHECK(cast(Value::float64(1e21), "decimal(30,2)") == "decimal 1000000000000000000000.00");
  CHECK(cast(Value::decimal("NaN"), "decimal(10,2)") == "decimal NaN");
  CHECK(cast(Value::decimal("Infinity"), "decimal(10,2)").starts_with("! "));
  CHECK(cast(Value::float64(kInf), "decimal(10,2)").starts_with("! "));
  CHECK(cast("abc", "decimal(10,2)") == "! cast to decimal(10,2): \"abc\" is no number that a decimal can hold");
  CHECK(cast(("1" + std::string(400, '0') + ".25").c_str(), "decimal(500,1)") == "decimal 1" + std::string(400, '0') + ".3");
}

TEST_CASE("cast to string, bool, date and timestamp") {
  CHECK(cast(Value::int64(-5), "string") == "\"-5\"");
  CHECK(cast(Value::float64(0.1), "string") == "\"0.1\"");
  CHECK(cast(Value::float64(-kInf), "string") == "\"-Infinity\"");
  CHECK(cast(Value::float64(kNan), "string") == "\"NaN\"");
  CHECK(cast(Value::boolean(false), "string") == "\"false\"");
  CHECK(cast(Value::timestamp(0), "string") == "\"1970-01-01T00:00:00.000000Z\"");
  CHECK(cast(Value::decimal("1.50"), "string") == "\"1.50\"");
  CHECK(cast(Value::bytes("caf\xc3\xa9"), "string") == "\"caf\xc3\xa9\"");
  CHECK(cast(Value::bytes("\xff"), "string").ends_with("is no UTF-8 text"));
  CHECK(cast(Value::list({}), "string").ends_with("cannot become string"));
  CHECK(cast(" kept as it is ", "string") == "\" kept as it is \"");

  for (const char* text : {"true", "T", "Yes", "y", "ON", "1"}) CHECK(cast(text, "bool") == "true");
  for (const char* text : {"false", "F", "no", "N", "off", "0"}) CHECK(cast(text, "bool") == "false");
  CHECK(cast("2", "bool").starts_with("! "));
  CHECK(cast("", "bool").starts_with("! "));
  CHECK(cast(Value::int64(1), "bool") == "true");
  CHECK(cast(Value::int64(-1), "bool").ends_with("is neither 0 nor 1"));

  CHECK(cast("2026-01-31", "date") == "2026-01-31");
  CHECK(cast("2026-01-31T23:30:00-01:00", "date") == "2026-02-01");
  CHECK(cast(Value::timestamp(-1), "date") == "1969-12-31");
  CHECK(cast(Value::timestamp(Value::kInfinity), "date") == "infinity");
  CHECK(cast("2026-02-30", "date").ends_with("is no date such as 2026-01-31"));
  CHECK(cast(Value::int64(20260131), "date").starts_with("! "));

  CHECK(cast("2026-01-31T13:59:01.5+02:00", "timestamp") == "2026-01-31T11:59:01.500000Z");
  CHECK(cast("2026-01-31 13:59:01", "timestamp") == "2026-01-31T13:59:01.000000Z");
  CHECK(cast("2026-01-31", "timestamp") == "2026-01-31T00:00:00.000000Z");
  CHECK(cast(Value::date(1), "timestamp") == "1970-01-02T00:00:00.000000Z");
  CHECK(cast(Value::date(Value::kMinusInfinity), "timestamp") == "-infinity");
  CHECK(cast(Value::local_timestamp(5), "timestamp") == "1970-01-01T00:00:00.000005Z");
  CHECK(cast(Value::date(std::numeric_limits<std::int64_t>::max() / 2), "timestamp").ends_with("is out of range"));
  CHECK(cast("31.01.2026", "timestamp").starts_with("! "));
  CHECK(cast(Value::int64(0), "timestamp").starts_with("! "));
}

TEST_CASE("null stays null; the value in a message is cut at a whole character") {
  for (const char* target : {"int", "double", "decimal(3,1)", "string", "bool", "date", "timestamp"})
    CHECK(cast(Value::null(), target) == "null");
  const std::string longer = std::string(99, 'x') + "\xc3\xa9tail";
  CHECK(cast(longer.c_str(), "int") == "! cast to int: \"" + std::string(99, 'x') + "...\" is no integer");
}

TEST_CASE("the types that cast knows") {
  CHECK(parse_cast_target("decimal( 10 , 2 )")->name() == "decimal(10,2)");
  CHECK(parse_cast_target(" int ")->name() == "int");
  for (const char* text : {"", "INT", "decimal", "decimal(0,0)", "decimal(2,3)", "decimal(1001,2)", "decimal(10)", "decimal(10,-1)",
                           "decimal(10,2", "integer"}) {
    CHECK_FALSE(parse_cast_target(text));
  }
}

TEST_CASE("the cast step changes values, the column's type and the key in all images") {
  StepFixture step;
  REQUIRE(
      step.configure("cast", mapping({{"id", "int"}, {"total", "decimal(10,2)"}, {"tags[]", "int"}, {"m.n", "string"}, {"gone", "int"}}))
          .empty());
  const auto schema = step.schema({"id", "total", "tags", "m"}, 1);
  const Value one = Value::string("1");
  step.add(Op::kUpdate, schema, {one, Value::string("1"), Value::null(), Value::null()},
           {one, Value::float64(2.5), step.items({Value::string("3"), Value::null()}), step.map({{"n", Value::int64(4)}})}, {one});
  step.add(Op::kDelete, schema, {one, Value::unchanged(), Value::unchanged(), Value::unchanged()}, {}, {one});
  CHECK(step.run() ==
        "update before {id: 1, total: decimal 1.00, tags: null, m: null} after {id: 1, total: decimal 2.50, tags: [3, null], m: {n: "
        "\"4\"}} key {id: 1}\n"
        "delete before {id: 1, total: unchanged, tags: unchanged, m: unchanged} key {id: 1}");
  const auto& fields = step.batch().records()[0].schema->fields();
  CHECK(fields[0].type == Value::Type::kInt64);
  CHECK(fields[1].type == Value::Type::kDecimal);
  CHECK(fields[1].origin_type == "decimal(10,2)");
  CHECK(step.metrics().value("sluice_path_misses_total{gone}") == 2);
}

TEST_CASE("a value that does not fit rejects its record, which stays as it was (G19)") {
  StepFixture step;
  REQUIRE(step.configure("cast", mapping({{"a", "int"}, {"items[].n", "int"}})).empty());
  const auto schema = step.schema({"a", "items"});
  step.insert(schema, {Value::string("1"), step.items({step.map({{"n", Value::string("x")}})})});
  step.insert(schema, {Value::string("2"), step.items({})});
  CHECK(step.run() ==
        "rejected cast_failed: items[].n: cast to int: \"x\" is no integer\n"
        "insert after {a: 2, items: []}");
  CHECK(step.batch().records()[0].after[0].as_text() == "1");
}

}  // namespace
}  // namespace sluice::test
