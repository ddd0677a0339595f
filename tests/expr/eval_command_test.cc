#include <catch2/catch.hpp>
#include <sstream>

#include "expr/eval_command.h"

using namespace sluice;
using namespace sluice::expr;

TEST_CASE("eval prints a value as JSON") {
  CHECK(eval_text("1 + 1", "", Rules::kStrict).value() == "2");
  CHECK(eval_text("this.a.map(x, x * 2)", "{\"a\": [1, 2]}", Rules::kStrict).value() == "[2,4]");
  CHECK(eval_text("{\"k\": this.s, \"t\": timestamp(0)}", "{\"s\": \"\\u00e9\"}", Rules::kStrict).value() ==
        "{\"k\":\"é\",\"t\":\"1970-01-01T00:00:00Z\"}");
  CHECK(eval_text("this.n", "{\"n\": 18446744073709551615}", Rules::kStrict).value() == "18446744073709551615");
  CHECK(eval_text("this.n * 1.5", "{\"n\": 3}", Rules::kPipeline).value() == "4.5");
  CHECK(eval_text("this.n * 1.5", "{\"n\": 3}", Rules::kStrict).error().kind() == ErrorKind::kBadRecord);
  CHECK(eval_text("1 +", "", Rules::kStrict).error().kind() == ErrorKind::kInvalidConfig);
  CHECK(eval_text("1", "[1]", Rules::kStrict).error().kind() == ErrorKind::kInvalidConfig);
  CHECK(eval_text("1", "{", Rules::kStrict).error().kind() == ErrorKind::kInvalidConfig);
}

TEST_CASE("a line that is no case is answered, and the next one too") {
  std::stringstream in(
      "{\n{\"expr\": 5}\n\n{\"expr\": \"x\", \"bindings\": {\"x\": {\"value\": {\"int64_value\": \"k\"}}}}\n{\"expr\": \"x + 1\", "
      "\"bindings\": {\"x\": {\"value\": {\"int64_value\": \"1\"}}}}\n");
  std::stringstream out;
  eval_cases(in, out);
  std::vector<std::string> lines;
  for (std::string line; std::getline(out, line);) lines.push_back(line);
  REQUIRE(lines.size() == 4);
  for (int i = 0; i < 3; ++i) CHECK(lines[static_cast<std::size_t>(i)].starts_with("{\"error\":"));
  CHECK(lines[3] == "{\"value\":{\"int64_value\":\"2\"}}");
}
