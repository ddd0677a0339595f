// CONFIG.md rule 5, and rule 13 for what a route cannot judge.
#include <catch2/catch.hpp>

#include "tests/transforms/step_fixture.h"

namespace sluice::test {
namespace {

Value i(std::int64_t value) { return Value::int64(value); }
Value s(std::string_view text) { return Value::string(text); }

using Conditions = std::vector<std::pair<std::string, std::string>>;

ConfigNode route(const std::string& mode, Conditions conditions, const std::string& otherwise) {
  ConfigNode node;
  node.kind = ConfigNode::Kind::kMapping;
  node.entries.emplace_back(scalar(mode), mapping(std::move(conditions)));
  if (!otherwise.empty()) node.entries.emplace_back(scalar("else"), scalar(otherwise));
  return node;
}

const Conditions kRegions = {{"eu", "this.area == \"eu\""}, {"big", "this.total > 100"}};

void add_orders(StepFixture& step) {
  const auto schema = step.schema({"id", "area", "total"}, 1);
  step.insert(schema, {i(0), s("eu"), i(500)});
  step.insert(schema, {i(1), s("us"), i(500)});
  step.insert(schema, {i(2), s("us"), i(5)});
  step.insert(schema, {i(3), s("eu"), i(5)});
  step.insert(step.schema({"id"}), {i(4)});
}

TEST_CASE("first: to the first output whose condition holds, the others as else says") {
  StepFixture step;
  add_orders(step);
  REQUIRE(step.configure("route", route("first", kRegions, "rest")).empty());
  CHECK(step.route() == "eu 0 3; big 1; rest 2; rejected 4 no_such_field");
}

TEST_CASE("every: to all outputs whose conditions hold") {
  StepFixture step;
  add_orders(step);
  REQUIRE(step.configure("route", route("every", kRegions, "dead_letter")).empty());
  CHECK(step.route() == "eu 0 3; big 0 1; dead_letter 2; rejected 4 no_such_field");
}

TEST_CASE("else: drop leaves the others out, and else may name one of the outputs") {
  StepFixture dropping;
  add_orders(dropping);
  REQUIRE(dropping.configure("route", route("first", kRegions, "drop")).empty());
  CHECK(dropping.route() == "eu 0 3; big 1; rejected 4 no_such_field");
  StepFixture joining;
  add_orders(joining);
  REQUIRE(joining.configure("route", route("first", kRegions, "big")).empty());
  CHECK(joining.route() == "eu 0 3; big 1 2; rejected 4 no_such_field");
}

TEST_CASE("a delete that carries only its key goes wherever its row may be (CONFIG.md rule 13)") {
  const auto deletes = [](StepFixture& step) {
    const auto schema = step.schema({"id", "area", "total"}, 1);
    step.add(Op::kDelete, schema, {i(7), Value::unchanged(), Value::unchanged()}, {}, {i(7)});
    step.add(Op::kDelete, schema, {i(8), s("eu"), i(5)}, {}, {i(8)});  // the whole row: judged as it stands
  };
  StepFixture first;
  deletes(first);
  REQUIRE(first.configure("route", route("first", kRegions, "rest")).empty());
  CHECK(first.route() == "eu 0 1; big 0; rest 0");
  StepFixture sure;  // behind a condition that surely holds nothing can be
  deletes(sure);
  REQUIRE(
      sure.configure("route", route("first", {{"eu", "this.area == \"eu\""}, {"low", "this.id < 100"}, {"big", "this.total > 1"}}, "rest"))
          .empty());
  CHECK(sure.route() == "eu 0 1; low 0");
  StepFixture every;
  deletes(every);
  REQUIRE(every.configure("route", route("every", kRegions, "dead_letter")).empty());
  CHECK(every.route() == "eu 0 1; big 0");
}

TEST_CASE("a truncate has no row: it concerns every output whose condition reads one") {
  StepFixture step;
  step.add(Op::kTruncate, step.schema({"id", "area"}, 1), {}, {});
  REQUIRE(step.configure("route", route("first", {{"eu", "this.area == \"eu\""}, {"inserts", "meta.op == \"insert\""}}, "rest")).empty());
  CHECK(step.route() == "eu 0; rest 0");
}

TEST_CASE("an update that lacks a column the route reads is rejected, not guessed (G16)") {
  StepFixture step;
  step.add(Op::kUpdate, step.schema({"id", "area", "total"}, 1), {}, {i(1), Value::unchanged(), i(5)}, {i(1)});
  REQUIRE(step.configure("route", route("every", kRegions, "rest")).empty());
  CHECK(step.route() == "rejected 0 value_unavailable");
}

TEST_CASE("what a route must say") {
  const auto wrong = [](const ConfigNode& node) { return StepFixture().configure("route", node); };
  CHECK(wrong(route("first", kRegions, "")) == "missing_key: the key \"else\" is missing");
  CHECK(wrong(mapping({{"else", "drop"}})).starts_with("missing_key: a route needs the conditions"));
  CHECK(wrong(route("first", {{"drop", "this.a"}}, "drop")).starts_with("bad_value: an output cannot be called \"drop\""));
  CHECK(wrong(route("first", {{"EU", "this.a"}}, "drop")).starts_with("bad_value: \"EU\" is no name of an output"));
  CHECK(wrong(route("first", {}, "rest")).starts_with("bad_value: the route has no outputs"));
  ConfigNode both = route("first", kRegions, "rest");
  both.entries.emplace_back(scalar("every"), mapping(kRegions));
  CHECK(wrong(both).starts_with("conflict: first and every"));
}

}  // namespace
}  // namespace sluice::test
