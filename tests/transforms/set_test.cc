#include <catch2/catch.hpp>

#include "tests/transforms/step_fixture.h"

namespace sluice::test {
namespace {

Value i(std::int64_t value) { return Value::int64(value); }
Value s(std::string_view text) { return Value::string(text); }

TEST_CASE("set adds and overwrites fields; all read the record as it came in") {
  StepFixture step;
  REQUIRE(
      step.configure(
              "set",
              mapping({{"a", "this.b"}, {"b", "this.a"}, {"sum", "this.a + this.b"}, {"label", "\"a text longer than fourteen bytes\""}}))
          .empty());
  const auto schema = step.schema({"a", "b"});
  step.insert(schema, {i(1), i(2)});
  CHECK(step.run() == "insert after {a: 2, b: 1, sum: 3, label: \"a text longer than fourteen bytes\"}");
  const Record& record = step.batch().records()[0];
  CHECK(record.input_schema == schema.get());
  CHECK(record.input[0].as_int64() == 1);
  CHECK(record.schema->spec().table == "orders");
}

TEST_CASE("paths make the maps they need and keep what is in them") {
  StepFixture step;
  REQUIRE(step.configure("set", mapping({{"a.b.c", "this.n"}, {"a.d", "this.n + 1"}, {"m.x", "0"}})).empty());
  const auto schema = step.schema({"n", "m"});
  step.insert(schema, {i(1), step.map({{"x", i(5)}, {"y", i(6)}})});
  step.insert(schema, {i(2), Value::null()});
  step.insert(schema, {i(3), s("text")});
  CHECK(step.run() ==
        "insert after {n: 1, m: {x: 0, y: 6}, a: {b: {c: 1}, d: 2}}\n"
        "insert after {n: 2, m: {x: 0}, a: {b: {c: 2}, d: 3}}\n"
        "rejected path_conflict: set x: it would stand inside a value of type string");
}

TEST_CASE("unchanged columns: copied, given on, or the record is rejected (G16, rule 13)") {
  StepFixture step;
  REQUIRE(step.configure("set", mapping({{"size", "size(this.doc)"}})).empty());
  const auto schema = step.schema({"id", "doc", "n"}, 1);
  step.add(Op::kUpdate, schema, {}, {i(1), Value::unchanged(), i(5)}, {i(1)});
  step.add(Op::kUpdate, schema, {}, {i(1), s("abc"), Value::unchanged()}, {i(1)});
  step.add(Op::kDelete, schema, {i(1), Value::unchanged(), Value::unchanged()}, {}, {i(1)});
  CHECK(step.run() ==
        "update after {id: 1, doc: unchanged, n: 5, size: unchanged} key {id: 1}\n"
        "update after {id: 1, doc: \"abc\", n: unchanged, size: 3} key {id: 1}\n"
        "delete before {id: 1, doc: unchanged, n: unchanged, size: unchanged} key {id: 1}");
  StepFixture mixed;
  REQUIRE(mixed.configure("set", mapping({{"x", "this.doc + string(this.n)"}})).empty());
  const auto same = mixed.schema({"id", "doc", "n"}, 1);
  mixed.add(Op::kUpdate, same, {}, {i(1), Value::unchanged(), i(5)}, {i(1)});
  mixed.add(Op::kDelete, same, {i(1), Value::unchanged(), Value::unchanged()}, {}, {i(1)});
  CHECK(mixed.run() ==
        "rejected value_unavailable: set x: it reads columns that the log left out beside others that it has\n"
        "delete before {id: 1, doc: unchanged, n: unchanged, x: unchanged} key {id: 1}");
}

TEST_CASE("a part of a map cannot be unchanged: the record is rejected, a delete has the whole column unchanged") {
  StepFixture step;
  REQUIRE(step.configure("set", mapping({{"m.x", "this.doc"}})).empty());
  const auto schema = step.schema({"id", "doc", "m"}, 1);
  step.add(Op::kUpdate, schema, {}, {i(1), Value::unchanged(), step.map({{"y", i(1)}})}, {i(1)});
  step.add(Op::kDelete, schema, {i(1), Value::unchanged(), Value::unchanged()}, {}, {i(1)});
  CHECK(step.run() ==
        "rejected value_unavailable: set m.x: the log left out what it needs, and a part of a map cannot be marked as unchanged\n"
        "delete before {id: 1, doc: unchanged, m: unchanged} key {id: 1}");
}

TEST_CASE("the row before an update is computed from itself, so it hides what the row after hides (rule 12)") {
  StepFixture step;
  REQUIRE(step.configure("set", mapping({{"email", "\"hidden\""}, {"double", "this.n * 2"}})).empty());
  const auto schema = step.schema({"id", "email", "n"}, 1);
  step.add(Op::kUpdate, schema, {i(1), s("old@x"), i(1)}, {i(1), s("new@x"), i(2)}, {i(1)});
  step.add(Op::kUpdate, schema, {i(1), Value::unchanged(), Value::unchanged()}, {i(2), s("new@x"), i(2)},
           {i(2)});  // G17: only the old key is known
  CHECK(step.run() ==
        "update before {id: 1, email: \"hidden\", n: 1, double: 2} after {id: 1, email: \"hidden\", n: 2, double: 4} key {id: 1}\n"
        "update before {id: 1, email: \"hidden\", n: unchanged, double: unchanged} after {id: 2, email: \"hidden\", n: 2, double: 4} key "
        "{id: 2}");
}

TEST_CASE("a key column that is set is set everywhere, old and new key (G17), or the record is rejected") {
  StepFixture step;
  REQUIRE(step.configure("set", mapping({{"id", "this.id + 1000"}})).empty());
  const auto schema = step.schema({"id", "n"}, 1);
  step.add(Op::kUpdate, schema, {i(1), Value::unchanged()}, {i(2), i(5)}, {i(2)});
  step.add(Op::kDelete, schema, {i(3), Value::unchanged()}, {}, {i(3)});
  CHECK(step.run() ==
        "update before {id: 1001, n: unchanged} after {id: 1002, n: 5} key {id: 1002}\n"
        "delete before {id: 1003, n: unchanged} key {id: 1003}");
  StepFixture other;
  REQUIRE(other.configure("set", mapping({{"id", "this.id + this.n"}})).empty());
  const auto same = other.schema({"id", "n"}, 1);
  other.add(Op::kDelete, same, {i(3), Value::unchanged()}, {}, {i(3)});
  other.add(Op::kUpdate, same, {i(1), Value::unchanged()}, {i(2), i(5)}, {i(2)});
  other.add(Op::kInsert, same, {}, {i(2), i(5)}, {i(2)});
  CHECK(other.run() ==
        "rejected value_unavailable: set id: it is part of the key and cannot be computed from what the log has\n"
        "rejected value_unavailable: set id: it is part of the key and cannot be computed from what the log has\n"
        "insert after {id: 7, n: 5} key {id: 7}");
}

TEST_CASE("an expression that fails rejects the record, which stays as it was (G19)") {
  StepFixture step;
  REQUIRE(step.configure("set", mapping({{"a", "1"}, {"b", "this.a / this.n"}})).empty());
  const auto schema = step.schema({"a", "n"});
  step.insert(schema, {i(6), i(0)});
  step.insert(schema, {i(6), i(2)});
  const std::string outcome = step.run();
  CHECK(outcome.starts_with("rejected divide_by_zero: set b: "));
  CHECK(outcome.ends_with("\ninsert after {a: 1, n: 2, b: 3}"));
  CHECK(step.batch().records()[0].after[0].as_int64() == 6);
}

TEST_CASE("a truncate passes; a null is set") {
  StepFixture step;
  REQUIRE(step.configure("set", mapping({{"a", "null"}})).empty());
  const auto schema = step.schema({"a"});
  step.add(Op::kTruncate, schema, {}, {});
  step.insert(schema, {i(6)});
  CHECK(step.run() == "truncate\ninsert after {a: null}");
}

TEST_CASE("mistakes in set are found before anything runs") {
  StepFixture step;
  CHECK(step.configure("set", mapping({})) == "bad_value: nothing is set");
  CHECK(step.configure("set", mapping({{"items[].n", "1"}})) == "bad_value: \"items[].n\": set cannot write into the items of a list");
  CHECK(step.configure("set", mapping({{"a", "1"}, {"a.b", "1"}})) == "conflict: \"a.b\" stands inside \"a\", which this step writes too");
  CHECK(step.configure("set", mapping({{"a", "1 +"}})).starts_with("expression_syntax: set a: "));
}

}  // namespace
}  // namespace sluice::test
