#include <catch2/catch.hpp>

#include "tests/expr/record_fixture.h"

using namespace sluice;
using namespace sluice::expr;
using sluice::expr::testing::Rows;

namespace {

TemplateText text(std::vector<std::pair<bool, std::string>> parts) {
  TemplateText result;
  for (auto& [is_expression, part] : parts) result.parts.push_back({is_expression, part, 0});
  return result;
}

std::string render(const TemplateText& source, Template::Encoding encoding, Rows& rows) {
  auto compiled = Template::compile(source, encoding);
  if (!compiled) return "compile: " + std::string(compiled.error().code());
  std::string out = "<";
  const Status status = (*compiled)->render(rows.batch(), rows.last(), out);
  if (!status) return (out == "<" ? "error: " : "left behind: ") + std::string(status.error().code());
  return out.substr(1);
}

std::string path(const std::string& value) {
  Rows rows;
  rows.add({{"v", Value::string(value)}});
  return render(text({{false, "out/"}, {true, "this.v"}, {false, "/x.json"}}), Template::Encoding::kPath, rows);
}

}  // namespace

TEST_CASE("a template joins its text and the values") {
  Rows rows;
  rows.add({{"country", Value::string("de")}, {"n", Value::int64(7)}, {"d", Value::decimal("1.50")}, {"at", Value::timestamp(0)}});
  CHECK(render(text({{false, "out/"}, {true, "this.country"}, {false, "/"}, {true, "this.n"}}), Template::Encoding::kNone, rows) ==
        "out/de/7");
  CHECK(render(text({{true, "this.d"}, {false, " "}, {true, "this.at"}, {true, "meta.table"}}), Template::Encoding::kNone, rows) ==
        "1.50 1970-01-01T00:00:00Zorders");
  CHECK(render(text({{true, "this.country +"}}), Template::Encoding::kNone, rows) == "compile: expression_syntax");
}

TEST_CASE("a template whose value is missing or null rejects the record and leaves the text alone") {
  Rows rows;
  rows.add({{"none", Value::null()}, {"left_out", Value::unchanged()}, {"list", Value::list({})}, {"n", Value::int64(1)}}, Op::kUpdate);
  for (const char* source : {"this.none", "this.left_out", "this.nope", "meta.topic"}) {
    CHECK(render(text({{false, "a/"}, {true, source}}), Template::Encoding::kNone, rows) == "error: template_missing");
  }
  CHECK(render(text({{true, "this.list"}}), Template::Encoding::kNone, rows) == "error: template_type");
  CHECK(render(text({{true, "this.n / 0"}}), Template::Encoding::kNone, rows) == "error: divide_by_zero");
}

TEST_CASE("a value cannot leave its place in a path") {
  CHECK(path("de") == "out/de/x.json");
  CHECK(path("a.b") == "out/a.b/x.json");
  CHECK(path("../../etc/passwd") == "out/%2E%2E%2F%2E%2E%2Fetc%2Fpasswd/x.json");
  CHECK(path("..") == "out/%2E%2E/x.json");
  CHECK(path(".") == "out/%2E/x.json");
  CHECK(path(std::string("a\0b", 3)) == "out/a%00b/x.json");
  CHECK(path("a\nb\x7f") == "out/a%0Ab%7F/x.json");
  CHECK(path("100%") == "out/100%25/x.json");
  CHECK(path("caf\xc3\xa9") == "out/caf\xc3\xa9/x.json");
  Rows rows;
  rows.add({{"a", Value::string(".")}, {"b", Value::string(".x")}});
  CHECK(render(text({{false, "out/."}, {true, "this.b"}}), Template::Encoding::kPath, rows) == "out/.%2Ex");
}

TEST_CASE("URLs percent-encode all but unreserved characters") {
  Rows rows;
  rows.add({{"v", Value::string("a b/c?d=\xc3\xa9~")}});
  CHECK(render(text({{false, "http://h/?q="}, {true, "this.v"}}), Template::Encoding::kUrl, rows) == "http://h/?q=a%20b%2Fc%3Fd%3D%C3%A9~");
}
