#include <catch2/catch.hpp>

#include "tests/transforms/step_fixture.h"

namespace sluice::test {
namespace {

Value i(std::int64_t value) { return Value::int64(value); }
Value s(std::string_view text) { return Value::string(text); }

TEST_CASE("filter keeps the records for which the expression is true") {
  StepFixture step;
  REQUIRE(step.configure("filter", scalar("this.status != \"test\"")).empty());
  const auto schema = step.schema({"id", "status"});
  step.insert(schema, {i(1), s("new")});
  step.insert(schema, {i(2), s("test")});
  step.insert(step.schema({"id"}), {i(3)});
  CHECK(step.run().starts_with("insert after {id: 1, status: \"new\"}\nfiltered\nrejected no_such_field: "));
  step.batch().sweep();
  CHECK(step.batch().counts().filtered == 1);
  CHECK(step.batch().size() == 2);
}

TEST_CASE("a delete that carries only its key passes a filter that it lacks the fields to answer (rule 13)") {
  StepFixture step;
  REQUIRE(step.configure("filter", scalar("this.id > 5 && this.status != \"test\"")).empty());
  const auto schema = step.schema({"id", "status"}, 1);
  step.add(Op::kDelete, schema, {i(7), Value::unchanged()}, {}, {i(7)});
  step.add(Op::kDelete, schema, {i(7), s("test")}, {}, {i(7)});  // this one can answer
  step.add(Op::kDelete, schema, {i(7), s("new")}, {}, {i(7)});
  CHECK(step.run() ==
        "delete before {id: 7, status: unchanged} key {id: 7}\n"
        "filtered\n"
        "delete before {id: 7, status: \"new\"} key {id: 7}");
}

TEST_CASE("has() of a column that the log left out does not lose the delete") {
  StepFixture step;
  REQUIRE(step.configure("filter", scalar("has(this.status) && this.status == \"new\"")).empty());
  step.add(Op::kDelete, step.schema({"id", "status"}, 1), {i(7), Value::unchanged()}, {}, {i(7)});
  CHECK(step.run() == "delete before {id: 7, status: unchanged} key {id: 7}");
}

TEST_CASE("an update that lacks a column the filter reads is rejected, not guessed (G16)") {
  StepFixture step;
  REQUIRE(step.configure("filter", scalar("this.doc == \"x\"")).empty());
  step.add(Op::kUpdate, step.schema({"id", "doc"}, 1), {}, {i(1), Value::unchanged()}, {i(1)});
  CHECK(step.run().starts_with("rejected value_unavailable: "));
}

TEST_CASE("a truncate has no row: it passes a filter on rows and obeys one on meta.op") {
  StepFixture step;
  const auto schema = step.schema({"id"}, 1);
  step.add(Op::kTruncate, schema, {}, {});
  REQUIRE(step.configure("filter", scalar("this.id > 5")).empty());
  CHECK(step.run() == "truncate");
  REQUIRE(step.configure("filter", scalar("meta.op != \"truncate\"")).empty());
  CHECK(step.run() == "filtered");
}

TEST_CASE("on_leave: delete turns an update that no longer matches into a delete") {
  StepFixture step;
  REQUIRE(step.configure("filter", mapping({{"keep", "this.status == \"paid\""}, {"on_leave", "delete"}})).empty());
  const auto schema = step.schema({"id", "status"}, 1);
  // The whole row before is known: it matched, or it never did.
  step.add(Op::kUpdate, schema, {i(1), s("paid")}, {i(1), s("void")}, {i(1)});
  step.add(Op::kUpdate, schema, {i(2), s("new")}, {i(2), s("void")}, {i(2)});
  // Nothing is known of the row before; then only the old key is (G17).
  step.add(Op::kUpdate, schema, {}, {i(3), s("void")}, {i(3)});
  step.add(Op::kUpdate, schema, {i(4), Value::unchanged()}, {i(5), s("void")}, {i(5)});
  step.add(Op::kUpdate, schema, {}, {i(6), s("paid")}, {i(6)});
  step.add(Op::kInsert, schema, {}, {i(7), s("void")}, {i(7)});
  CHECK(step.run() ==
        "delete before {id: 1, status: \"paid\"} key {id: 1}\n"
        "filtered\n"
        "delete before {id: 3, status: unchanged} key {id: 3}\n"
        "delete before {id: 4, status: unchanged} key {id: 4}\n"
        "update after {id: 6, status: \"paid\"} key {id: 6}\n"
        "filtered");
  CHECK(step.batch().records()[2].input.size() == 2);  // G19: the row as it came
  CHECK(step.batch().records()[2].input[1].as_text() == "void");
}

TEST_CASE("without on_leave such an update is left out") {
  StepFixture step;
  REQUIRE(step.configure("filter", mapping({{"keep", "this.status == \"paid\""}})).empty());
  step.add(Op::kUpdate, step.schema({"id", "status"}, 1), {i(1), s("paid")}, {i(1), s("void")}, {i(1)});
  CHECK(step.run() == "filtered");
}

TEST_CASE("what is no condition is refused") {
  StepFixture step;
  CHECK(step.configure("filter", scalar("this.a ==")).starts_with("expression_syntax: "));
  CHECK(step.configure("filter", scalar("1 + 1")).starts_with("expression_type: "));
  CHECK(step.configure("filter", mapping({{"on_leave", "drop"}})) == "missing_key: the key \"keep\" is missing");
  CHECK(step.configure("filter", mapping({{"keep", "true"}, {"on_leav", "drop"}})) == "unknown_key: unknown key \"on_leav\"");
}

}  // namespace
}  // namespace sluice::test
