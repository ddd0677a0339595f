// What the checker finds before any record is read, and where.
#include <catch2/catch.hpp>

#include "core/config_binding.h"
#include "expr/expression.h"

using namespace sluice;
using namespace sluice::expr;

namespace {

CompileError first(std::string_view source, bool must_be_bool = false) {
  Program::Options options;
  options.must_be_bool = must_be_bool;
  options.environment = [](std::string_view) { return std::nullopt; };
  const auto errors = Program::check(source, options);
  return errors.empty() ? CompileError{"none", "", 0, 0} : errors.front();
}

std::string spot(std::string_view source) {
  const CompileError error = first(source);
  return std::string(error.code) + " " + std::string(source.substr(error.offset, error.length));
}

}  // namespace

TEST_CASE("good expressions have no findings") {
  for (const char* source :
       {"this.a > 10 && this.b == \"x\"", "this.items.all(i, i.price > 0)", "has(this.x) ? this.x : 0", "meta.table in [\"a\", \"b\"]",
        "this.total * 0.92", "1 + 1.5", "[1, \"a\"].size() == 2", "math.greatest(this.a, 3)", "this.?x.orValue(\"none\")",
        "timestamp(\"2026-01-01T00:00:00Z\").getHours(\"Europe/Berlin\")", "before == null || before.a != this.a", "key.id",
        "{\"a\": 1}.a + 1", "this.name.matches(\"^a+$\")", "cel.bind(x, this.a, x + x)"}) {
    INFO(source);
    CHECK(first(source).code == "none");
  }
}

TEST_CASE("syntax errors stand where they are") {
  CHECK(spot("this.a = 1") == "expression_syntax =");
  CHECK(first("this.a = 1").hint == "equality is written ==");
  CHECK(spot("this.a >") == "expression_syntax ");
  CHECK(spot("this.a and this.b") == "expression_syntax and");
  CHECK(first("this.a and this.b").hint == "and is written &&");
  CHECK(spot("\"open") == "expression_syntax \"open");
  CHECK(spot("") == "expression_syntax ");
  CHECK(spot("99999999999999999999") == "expression_syntax 99999999999999999999");
  CHECK(spot("a.exists(1, true)") == "expression_syntax 1");
  CHECK(spot("has(this)") == "expression_syntax has(this)");
  CHECK(spot("while") == "expression_syntax while");
  CHECK(spot("T{a: 1}") == "expression_syntax {");
}

TEST_CASE("unknown names come with the nearest one, and with the way to write a text") {
  CHECK(spot("thsi.a == 1") == "expression_unknown_field thsi");
  CHECK(first("thsi.a == 1").suggestion == "this");
  CHECK(spot("this.a == eur") == "expression_unknown_field eur");
  CHECK(first("this.a == eur").hint.find("'\"eur\"'") != std::string::npos);
  CHECK(spot("meta.tabel == \"a\"") == "expression_unknown_field tabel");
  CHECK(first("meta.tabel == \"a\"").suggestion == "table");
  CHECK(spot("this.a.startWith(\"x\")") == "expression_unknown_function startWith");
  CHECK(first("this.a.startWith(\"x\")").suggestion == "startsWith");
  CHECK(spot("siez(this.a)") == "expression_unknown_function siez");
  CHECK(first("startsWith(this.a, \"x\")").hint == "it is written value.startsWith()");
  CHECK(first("env.NOPE").code == "unset_variable");
  CHECK(spot("[1].map(x, y)") == "expression_unknown_field y");
}

TEST_CASE("types that do not meet") {
  CHECK(spot("\"a\" + 1") == "expression_type \"a\" + 1");
  CHECK(spot("this.x && (1 + 2)") == "expression_type (1 + 2)");
  CHECK(spot("\"a\" == 1") == "expression_type \"a\" == 1");
  CHECK(spot("size(1)") == "expression_type size");
  CHECK(spot("size(1, 2)") == "expression_type size");
  CHECK(spot("!5") == "expression_type 5");
  CHECK(spot("\"a\".b") == "expression_type b");
  CHECK(spot("1.all(x, true)") == "expression_type all");
  CHECK(spot("timestamp(\"2026-02-30T00:00:00Z\")") == "expression_type \"2026-02-30T00:00:00Z\"");
  CHECK(spot("this.a.matches(\"(\")") == "expression_type \"(\"");
  CHECK(spot("duration(\"5 minutes\")") == "expression_type \"5 minutes\"");
  CHECK(first("\"a\"", true).code == "expression_type");
  CHECK(first("this.a", true).code == "none");
  CHECK(first("{1.5: 2}").code == "expression_type");
}

TEST_CASE("depth is bounded, not the stack") {
  CHECK(first(std::string(100'000, '(')).code == "expression_syntax");
  CHECK(first(std::string(5'000, '!') + "true").code == "expression_syntax");
  CHECK(first(std::string(5'000, '[') + std::string(5'000, ']')).code == "expression_syntax");
  std::string sum = "1";
  std::string all = "true";
  for (int i = 0; i < 2000; ++i) {
    sum += "+1";
    all += " && true";
  }
  CHECK(first(sum).code == "expression_syntax");
  CHECK(first(all).code == "none");
}

TEST_CASE("findings are placed in the YAML scalar to the column") {
  ConfigNode node;
  node.kind = ConfigNode::Kind::kScalar;
  node.text = "this.a > 1 && tihs.b";
  node.path = "transforms[0].filter";
  node.place = {"orders.yaml", 7, 13, 7, 33};
  Diagnostics findings;
  make_expression_checker()->check(node, node.text, 0, ExpressionChecker::Expected::kBool, findings);
  REQUIRE(findings.findings().size() == 1);
  const Diagnostic& finding = findings.findings()[0];
  CHECK(finding.code == "expression_unknown_field");
  CHECK(finding.place.line == 7);
  CHECK(finding.place.column == 27);
  CHECK(finding.place.end_column == 31);
  CHECK(finding.suggestion == "this");
  CHECK(finding.path == "transforms[0].filter");
}

TEST_CASE("an expression inside a template is placed by its offset") {
  ConfigNode node;
  node.kind = ConfigNode::Kind::kScalar;
  node.text = "out/${metta.table}";
  node.place = {"orders.yaml", 3, 9, 3, 27};
  Diagnostics findings;
  make_expression_checker()->check(node, "metta.table", 6, ExpressionChecker::Expected::kAny, findings);
  REQUIRE(findings.findings().size() == 1);
  CHECK(findings.findings()[0].place.column == 15);
}
