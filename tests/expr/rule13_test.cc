// CONFIG.md rule 13: what deletes with only their key and updates with unchanged columns mean for conditions and set.
#include <catch2/catch.hpp>

#include "tests/expr/record_fixture.h"

using namespace sluice;
using namespace sluice::expr;
using sluice::expr::testing::Rows;

namespace {

std::unique_ptr<Program> compile(std::string_view source) { return std::move(Program::compile(source)).value(); }

const Rows::Columns kKeyOnly = {{"id", Value::int64(1)}, {"status", Value::unchanged()}, {"total", Value::unchanged()}};
const Rows::Columns kFull = {{"id", Value::int64(1)}, {"status", Value::string("test")}, {"total", Value::int64(9)}};

}  // namespace

TEST_CASE("a delete that carries only its key lacks the fields that a condition needs") {
  Rows rows;
  const Record& record = rows.add(kKeyOnly, Op::kDelete);
  CHECK(compile("this.status != \"test\"")->lacks_fields(rows.batch(), record));
  CHECK(compile("has(this.status) && this.status != \"test\"")->lacks_fields(rows.batch(), record));
  CHECK(compile("this.?status.orValue(\"\") == \"\"")->lacks_fields(rows.batch(), record));
  CHECK(compile("this.status == \"test\" && this.id == 1")->lacks_fields(rows.batch(), record));
  // These have an answer whatever the missing columns hold.
  CHECK_FALSE(compile("this.id == 1")->lacks_fields(rows.batch(), record));
  CHECK_FALSE(compile("meta.op != \"delete\" && this.status != \"test\"")->lacks_fields(rows.batch(), record));
  CHECK_FALSE(compile("this.status == \"test\" || this.id == 1")->lacks_fields(rows.batch(), record));
}

TEST_CASE("a whole delete and an update lack nothing") {
  Rows rows;
  CHECK_FALSE(compile("this.status != \"test\"")->lacks_fields(rows.batch(), rows.add(kFull, Op::kDelete)));
  CHECK_FALSE(compile("this.status != \"test\"")->lacks_fields(rows.batch(), rows.add(kKeyOnly, Op::kUpdate)));
  CHECK_FALSE(compile("this.typo != \"test\"")->lacks_fields(rows.batch(), rows.add(kFull, Op::kDelete)));
}

TEST_CASE("a delete whose schema is the key alone lacks the other fields too") {
  Rows rows;
  const Record& record = rows.add({{"id", Value::int64(1)}}, Op::kDelete);
  CHECK(compile("this.status != \"test\"")->lacks_fields(rows.batch(), record));
  CHECK_FALSE(compile("this.id == 1")->lacks_fields(rows.batch(), record));
}

TEST_CASE("what of an expression's fields is there") {
  using Availability = Program::Availability;
  Rows rows;
  const auto of = [&](std::string_view source, const Record& record) { return compile(source)->availability(rows.batch(), record); };
  const Rows::Columns partly = {{"id", Value::int64(1)}, {"a", Value::unchanged()}, {"b", Value::int64(2)}, {"c", Value::unchanged()}};
  const Record& update = rows.add(partly, Op::kUpdate);
  CHECK(of("this.b * 2", update) == Availability::kAvailable);
  CHECK(of("this.a * 2", update) == Availability::kAllUnchanged);
  CHECK(of("this.a + this.c", update) == Availability::kAllUnchanged);
  CHECK(of("this.a + this.b", update) == Availability::kMixed);
  CHECK(of("1 + 1", update) == Availability::kAvailable);
  CHECK(of("meta.op", update) == Availability::kAvailable);
  CHECK(of("this.nope", update) == Availability::kAvailable);  // an error of the record, not a column left out
  const Record& key_only = rows.add(kKeyOnly, Op::kDelete);
  CHECK(of("this.total * 2", key_only) == Availability::kAllUnchanged);
  CHECK(of("this.total + this.id", key_only) == Availability::kAllUnchanged);
  CHECK(of("this.id", key_only) == Availability::kAvailable);
}

TEST_CASE("the predicate lets a delete pass that lacks the fields, and tells failures apart") {
  Rows rows;
  rows.add(kFull);
  rows.add(kKeyOnly, Op::kDelete);
  rows.add({{"id", Value::int64(2)}, {"status", Value::string("paid")}, {"total", Value::int64(9)}});
  rows.add({{"id", Value::int64(3)}, {"total", Value::int64(9)}});
  rows.add({{"id", Value::int64(4)}, {"status", Value::string("paid")}, {"total", Value::int64(1)}});
  std::vector<std::unique_ptr<Program>> programs;
  programs.push_back(compile("this.status != \"test\""));
  programs.push_back(compile("this.total > 5"));
  const auto predicate = make_predicate(std::move(programs));
  std::vector<std::uint32_t> holding;
  Rejects failed;
  const std::vector<std::uint32_t> candidates = {0, 1, 2, 3, 4};
  predicate->select(rows.batch(), candidates, holding, failed);
  CHECK(holding == std::vector<std::uint32_t>{1, 2});
  REQUIRE(failed.entries().size() == 1);
  CHECK(failed.entries()[0].index == 3);
  CHECK(failed.entries()[0].reason.code() == "no_such_field");
  CHECK(failed.entries()[0].reason.kind() == ErrorKind::kBadRecord);
}
