// Conditions that no record changes are found, and others are left alone.
#include <catch2/catch.hpp>

#include "expr/constant_condition.h"

using namespace sluice;

namespace {

std::string found(std::string_view source) {
  const auto constant = expr::constant_condition(source, {});
  if (!constant) return "";
  return std::string(constant->value ? "true" : "false") + " " +
         std::string(source.substr(constant->range.begin, constant->range.end - constant->range.begin));
}

}  // namespace

TEST_CASE("a condition that reads nothing is constant") {
  CHECK(found("true") == "true true");
  CHECK(found("1 + 1 == 3") == "false 1 + 1 == 3");
  CHECK(found("[1, 2].exists(x, x > 1)") == "true [1, 2].exists(x, x > 1)");
  CHECK(found("!(\"a\" in [\"b\"])") == "true (\"a\" in [\"b\"])");
  CHECK(found("true ? false : this.a") == "false false");
}

TEST_CASE("one part can decide") {
  CHECK(found("this.a > 1 || true") == "true true");
  CHECK(found("this.a > 1 && 1 > 2") == "false 1 > 2");
  CHECK(found("this.a > 1 && true").empty());
}

TEST_CASE("comparisons of one value that contradict each other") {
  CHECK(found("this.a != \"x\" || this.a != \"y\"") == "true this.a != \"x\" || this.a != \"y\"");
  CHECK(found("this.a == 1 && this.b && this.a == 2").starts_with("false"));
  CHECK(found("this.a == \"x\" || this.a == \"y\"").empty());
  CHECK(found("this.a != \"x\" && this.a != \"y\"").empty());
  CHECK(found("this.a == \"x\" && this.b == \"y\"").empty());
  CHECK(found("this.a == 'x' && this.a == \"x\"").empty());
  CHECK(found("this.a == 1 && this.a == 1.0").empty());
}

TEST_CASE("what depends on the record or the environment is not constant") {
  CHECK(found("this.a == 1").empty());
  CHECK(found("meta.op == \"insert\"").empty());
  CHECK(found("has(before.a)").empty());
  CHECK(found("env.REGION == \"eu\"").empty());
  CHECK(found("size(key) > 0").empty());
}

TEST_CASE("what fails when it is evaluated is not called constant") {
  CHECK(found("1 / 0 == 1").empty());
  CHECK(found("[1][5] == 1").empty());
}
