// The short way for common conditions answers what the evaluator answers, for every operator and type of value.
#include <catch2/catch.hpp>
#include <limits>

#include "tests/expr/record_fixture.h"

using namespace sluice;
using namespace sluice::expr;
using sluice::expr::testing::Rows;

namespace {

std::string answer(Program& program, Rows& rows) {
  const auto result = program.test(rows.batch(), rows.last());
  if (!result) return std::string(result.error().code());
  return *result ? "true" : "false";
}

}  // namespace

TEST_CASE("a comparison of a field with a constant is the same by both ways") {
  const std::vector<Value> values = {Value::null(),
                                     Value::unchanged(),
                                     Value::boolean(true),
                                     Value::int64(10),
                                     Value::int64(11),
                                     Value::int64(-9223372036854775807 - 1),
                                     Value::int64(9007199254740993),
                                     Value::int64(9223372036854775807),
                                     Value::uint64(10),
                                     Value::uint64(18446744073709551615U),
                                     Value::float64(10),
                                     Value::float64(10.5),
                                     Value::float64(-0.0),
                                     Value::float64(std::numeric_limits<double>::quiet_NaN()),
                                     Value::float64(9007199254740992.0),
                                     Value::float64(std::numeric_limits<double>::infinity()),
                                     Value::decimal("10.00"),
                                     Value::decimal("10.5"),
                                     Value::string(""),
                                     Value::string("paid"),
                                     Value::string("fourteen bytes"),
                                     Value::string("fifteen bytes.."),
                                     Value::bytes("paid"),
                                     Value::text(Value::Type::kUuid, "paid"),
                                     Value::date(10)};
  Rows rows;
  for (const char* constant : {"10", "10.5", "0", "-9223372036854775808", "9007199254740993", "9223372036854775807", "9007199254740992.0",
                               "\"paid\"", "\"\"", "\"fourteen bytes\"", "\"fifteen bytes..\"", "10u", "true", "null"}) {
    for (const char* op : {"==", "!=", "<", "<=", ">", ">="}) {
      for (const std::string& source : {std::string("this.v ") + op + " " + constant, std::string(constant) + " " + op + " this.v"}) {
        auto fast = Program::compile(source);
        auto slow = Program::compile("!!(" + source + ")");
        if (!fast || !slow) continue;  // `"a" < null` is refused as a whole
        for (const Value& value : values) {
          rows.add({{"v", value}}, Op::kUpdate);
          INFO(source << " for " << type_name(value.type()));
          CHECK(answer(**fast, rows) == answer(**slow, rows));
        }
        rows.add({{"w", Value::int64(1)}});
        CHECK(answer(**fast, rows) == answer(**slow, rows));
      }
    }
  }
}

TEST_CASE("a conjunction absorbs failures by the short way too") {
  Rows rows;
  rows.add({{"a", Value::unchanged()}, {"b", Value::int64(1)}}, Op::kUpdate);
  const auto test = [&](std::string_view source) {
    auto program = Program::compile(source);
    REQUIRE(program);
    return answer(**program, rows);
  };
  CHECK(test("this.a == 1 && this.b == 2") == "false");
  CHECK(test("this.b == 2 && this.a == 1") == "false");
  CHECK(test("this.b == 1 && this.a == 1") == "value_unavailable");
  CHECK(test("this.nope == 1 && this.b == 1") == "no_such_field");
  CHECK(test("this.b == 1 && this.b != 3 && this.b < 2") == "true");
}
