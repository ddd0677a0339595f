// drop, keep and rename (CONFIG.md rules 11 and 12).
#include <catch2/catch.hpp>

#include "tests/transforms/step_fixture.h"

namespace sluice::test {
namespace {

Value i(std::int64_t value) { return Value::int64(value); }
Value s(std::string_view text) { return Value::string(text); }

TEST_CASE("drop takes a column out of after, before and key alike (rule 12)") {
  StepFixture step;
  REQUIRE(step.configure("drop", list({"secret"})).empty());
  const auto schema = step.schema({"id", "secret", "name"}, 2);
  step.add(Op::kUpdate, schema, {i(1), s("old"), s("a")}, {i(1), s("new"), s("b")}, {i(1), s("new")});
  step.add(Op::kDelete, schema, {i(1), s("old"), Value::unchanged()}, {}, {i(1), s("old")});
  CHECK(step.run() ==
        "update before {id: 1, name: \"a\"} after {id: 1, name: \"b\"} key {id: 1}\n"
        "delete before {id: 1, name: unchanged} key {id: 1}");
  CHECK(step.batch().records()[0].schema->spec().table == "orders");
  CHECK(step.batch().records()[0].schema->spec().schema == "public");
  CHECK(step.batch().records()[0].schema == step.batch().records()[1].schema);
}

TEST_CASE("the first change remembers the source's row (G19), later ones do not touch it") {
  StepFixture step;
  REQUIRE(step.configure("drop", list({"a"})).empty());
  const auto schema = step.schema({"a", "b", "c"});
  step.insert(schema, {i(1), i(2), i(3)});
  step.run();
  REQUIRE(step.configure("drop", list({"b"})).empty());
  CHECK(step.run() == "insert after {c: 3}");
  const Record& record = step.batch().records()[0];
  CHECK(record.input_schema == schema.get());
  REQUIRE(record.input.size() == 3);
  CHECK(record.input[0].as_int64() == 1);
}

TEST_CASE("rows are written anew: one that a fork shares stays as it is (G7)") {
  StepFixture step;
  REQUIRE(step.configure("cast", mapping({{"a", "string"}})).empty());
  const auto schema = step.schema({"a"});
  const std::span<const Value> shared = step.insert(schema, {i(1)}).after;
  CHECK(step.run() == "insert after {a: \"1\"}");
  CHECK(shared[0].as_int64() == 1);
}

TEST_CASE("drop inside maps and lists") {
  StepFixture step;
  REQUIRE(step.configure("drop", list({"a.b.c", "items[].cost", "`x.y`"})).empty());
  const auto schema = step.schema({"a", "items", "x.y"});
  step.insert(schema, {step.map({{"b", step.map({{"c", i(1)}, {"d", i(2)}})}, {"c", i(3)}}),
                       step.items({step.map({{"cost", i(1)}, {"n", i(2)}}), i(7), Value::null()}), i(9)});
  CHECK(step.run() == "insert after {a: {b: {d: 2}, c: 3}, items: [{n: 2}, 7, null]}");
}

TEST_CASE("a struct that loses a field becomes a map, and so does its column's type") {
  StepFixture step;
  REQUIRE(step.configure("drop", list({"point.y"})).empty());
  const auto point = step.schema({"x", "y"});
  SchemaSpec spec;
  spec.fields = {{"point", Value::Type::kStruct, true, "point"}};
  step.insert(step.schemas().intern(spec), {Value::structure_in(step.arena(), point.get(), step.values({i(1), i(2)}))});
  CHECK(step.run() == "insert after {point: {x: 1}}");
  CHECK(step.batch().records()[0].schema->fields()[0].type == Value::Type::kMap);
}

TEST_CASE("a path that matches nothing is counted, per record, and changes nothing") {
  StepFixture step;
  REQUIRE(step.configure("drop", list({"gone", "a.gone", "items[].gone"})).empty());
  const auto with = step.schema({"a", "items"});
  const auto without = step.schema({"z"});
  step.insert(with, {step.map({{"x", i(1)}}), step.items({step.map({{"n", i(2)}})})});
  step.insert(with, {step.map({{"gone", i(1)}}), step.items({step.map({{"gone", i(2)}}), step.map({{"n", i(2)}})})});
  step.insert(with, {Value::unchanged(), step.items({})});  // what is not there to look at is no miss
  step.insert(without, {i(1)});
  CHECK(step.run() ==
        "insert after {a: {x: 1}, items: [{n: 2}]}\n"
        "insert after {a: {}, items: [{}, {n: 2}]}\n"
        "insert after {a: unchanged, items: []}\n"
        "insert after {z: 1}");
  CHECK(step.metrics().value("sluice_path_misses_total{gone}") == 4);
  CHECK(step.metrics().value("sluice_path_misses_total{a.gone}") == 2);
  CHECK(step.metrics().value("sluice_path_misses_total{items[].gone}") == 2);
  CHECK(step.batch().records()[3].input_schema == nullptr);  // nothing changed
}

TEST_CASE("keep leaves the named fields in the order of the record") {
  StepFixture step;
  REQUIRE(step.configure("keep", list({"total", "id", "customer.name", "items[].price"})).empty());
  const auto schema = step.schema({"id", "note", "customer", "items", "total"}, 1);
  step.add(
      Op::kInsert, schema, {},
      {i(1), s("n"), step.map({{"name", s("Ann")}, {"mail", s("m")}}), step.items({step.map({{"price", i(5)}, {"n", i(1)}}), i(3)}), i(10)},
      {i(1)});
  step.add(Op::kInsert, schema, {}, {i(2), s("n"), s("no map"), Value::unchanged(), Value::null()}, {i(2)});
  CHECK(step.run() ==
        "insert after {id: 1, customer: {name: \"Ann\"}, items: [{price: 5}, null], total: 10} key {id: 1}\n"
        "insert after {id: 2, customer: null, items: unchanged, total: null} key {id: 2}");
}

TEST_CASE("keep of a field and of one inside it keeps the whole; keep without the key drops it from the key") {
  StepFixture step;
  REQUIRE(step.configure("keep", list({"a", "a.b"})).empty());
  const auto schema = step.schema({"id", "a"}, 1);
  step.add(Op::kInsert, schema, {}, {i(1), step.map({{"b", i(1)}, {"c", i(2)}})}, {i(1)});
  CHECK(step.run() == "insert after {a: {b: 1, c: 2}}");
  CHECK(step.batch().records()[0].schema->key().empty());
}

TEST_CASE("rename swaps, renames inside, and keeps the key pointing at its column") {
  StepFixture step;
  REQUIRE(step.configure("rename",
                         mapping({{"a", "b"}, {"b", "a"}, {"id", "nr"}, {"m.x", "m.y"}, {"m.y", "m.x"}, {"items[].n", "items[].count"}}))
              .empty());
  const auto schema = step.schema({"a", "b", "id", "m", "items"}, 0);
  SchemaSpec spec = schema->spec();
  spec.key = {2};
  const auto keyed = step.schemas().intern(std::move(spec));
  step.add(Op::kUpdate, keyed, {i(0), i(0), i(6), Value::unchanged(), Value::null()},
           {i(1), i(2), i(7), step.map({{"x", i(3)}, {"y", i(4)}}), step.items({step.map({{"n", i(5)}})})}, {i(7)});
  CHECK(step.run() ==
        "update before {b: 0, a: 0, nr: 6, m: unchanged, items: null} after {b: 1, a: 2, nr: 7, m: {y: 3, x: 4}, items: [{count: 5}]} key "
        "{nr: 7}");
}

TEST_CASE("rename never overwrites: a record that has the new name is rejected") {
  StepFixture step;
  REQUIRE(step.configure("rename", mapping({{"a", "b"}, {"m.x", "m.y"}})).empty());
  step.insert(step.schema({"a", "b"}), {i(1), i(2)});
  step.insert(step.schema({"a", "m"}), {i(1), step.map({{"x", i(1)}, {"y", i(2)}})});
  step.insert(step.schema({"a", "m"}), {i(1), step.map({{"x", i(1)}})});
  CHECK(step.run() ==
        "rejected field_exists: rename to \"b\": the record has a field of that name already\n"
        "rejected field_exists: rename to \"y\": the record has a field of that name already\n"
        "insert after {b: 1, m: {y: 1}}");
}

TEST_CASE("a truncate has no rows and passes") {
  StepFixture step;
  REQUIRE(step.configure("drop", list({"a"})).empty());
  step.add(Op::kTruncate, step.schema({"a", "b"}, 1), {}, {});
  CHECK(step.run() == "truncate");
  CHECK(step.batch().records()[0].schema->size() == 1);
  CHECK(step.metrics().value("sluice_path_misses_total{a}") == 0);
}

TEST_CASE("images: after leaves the row before as it was, but treats key columns everywhere") {
  StepFixture step;
  REQUIRE(step.configure("drop", list({"b", "k2"}), {{"images", "after"}}).empty());
  const auto schema = step.schema({"k1", "k2", "a", "b"}, 2);
  step.add(Op::kInsert, schema, {}, {i(1), i(2), i(3), i(4)}, {i(1), i(2)});
  step.add(Op::kUpdate, schema, {i(1), i(2), i(3), i(4)}, {i(1), i(2), i(5), i(6)}, {i(1), i(2)});
  step.add(Op::kDelete, schema, {i(1), i(2), i(3), i(4)}, {}, {i(1), i(2)});
  CHECK(step.run() ==
        "insert after {k1: 1, a: 3} key {k1: 1}\n"
        "update before {k1: 1, a: 3, b: 4} after {k1: 1, a: 5, b: unchanged} key {k1: 1}\n"
        "delete before {k1: 1, a: 3, b: 4} key {k1: 1}");
}

TEST_CASE("images: after with rename and cast") {
  StepFixture step;
  const auto schema = step.schema({"id", "a"}, 1);
  REQUIRE(step.configure("rename", mapping({{"a", "b"}}), {{"images", "after"}}).empty());
  step.add(Op::kUpdate, schema, {i(1), i(2)}, {i(1), i(3)}, {i(1)});
  CHECK(step.run() == "update before {id: 1, a: 2, b: unchanged} after {id: 1, a: unchanged, b: 3} key {id: 1}");
  REQUIRE(step.configure("cast", mapping({{"b", "string"}, {"id", "string"}}), {{"images", "after"}}).empty());
  CHECK(step.run() == "update before {id: \"1\", a: 2, b: unchanged} after {id: \"1\", a: unchanged, b: \"3\"} key {id: \"1\"}");
}

TEST_CASE("steps look at the active records only") {
  StepFixture step;
  REQUIRE(step.configure("drop", list({"a"})).empty());
  step.insert(step.schema({"a", "b"}), {i(1), i(2)});
  CHECK(step.run() == "insert after {b: 2}");
}

TEST_CASE("more shapes than the cache holds still come out right") {
  StepFixture step;
  REQUIRE(step.configure("drop", list({"a"})).empty());
  for (int n = 0; n < 3000; ++n) step.insert(step.schema({"a", "f" + std::to_string(n)}), {i(n), i(n)});
  step.insert(step.schema({"a", "f0"}), {i(0), i(0)});
  step.run();
  for (int n = 0; n < 3000; ++n)
    REQUIRE(step.batch().records()[static_cast<std::size_t>(n)].schema->fields()[0].name == "f" + std::to_string(n));
  CHECK(step.batch().records()[3000].schema == step.batch().records()[0].schema);
}

TEST_CASE("mistakes in field lists are found before anything runs") {
  StepFixture step;
  CHECK(step.configure("drop", list({})) == "bad_value: the list of fields is empty");
  CHECK(step.configure("drop", list({"a", "a"})) == "duplicate_key: the field \"a\" is named twice");
  CHECK(step.configure("keep", list({"items[]"})) == "bad_value: \"items[]\" names the items of a list and no field");
  CHECK(step.configure("drop", list({"a..b"})).starts_with("bad_value: \"a..b\" is no field path"));
  CHECK(step.configure("drop", scalar("a")) == "wrong_type: expected a list, got text \"a\"");
  CHECK(step.configure("drop", list({"a"}), {{"images", "before"}}).starts_with("bad_value"));
  CHECK(step.configure("rename", mapping({})) == "bad_value: nothing is renamed");
  CHECK(step.configure("rename", mapping({{"a.b", "c"}})) == "bad_value: \"c\" stands at another place than \"a.b\"");
  CHECK(step.configure("rename", mapping({{"a", "x"}, {"b", "x"}})) == "duplicate_key: the field \"x\" is named twice");
  CHECK(step.configure("rename", mapping({{"a[]", "b[]"}})) == "bad_value: the items of a list have no name to change");
  CHECK(step.configure("cast", mapping({{"a", "int"}, {"a.b", "int"}})) ==
        "conflict: \"a.b\" stands inside \"a\", which this step writes too");
  CHECK(step.configure("cast", mapping({{"a", "int"}, {"a[]", "int"}})) ==
        "conflict: \"a[]\" stands inside \"a\", which this step writes too");
  CHECK(step.configure("cast", mapping({{"a", "number"}})) == "bad_value: \"number\" is no type to cast to");
}

}  // namespace
}  // namespace sluice::test
