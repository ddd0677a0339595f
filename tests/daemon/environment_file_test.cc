// --env-file: what is read, and that nothing is taken in silence for something else.
#include <catch2/catch.hpp>

#include "daemon/environment_file.h"

using namespace sluice;

namespace {

struct Parsed {
  std::vector<std::pair<std::string, std::string>> variables;
  Diagnostics findings;
};

Parsed parse(std::string_view text) {
  Parsed parsed;
  parsed.variables = daemon::parse_environment_file(text, "shop.env", parsed.findings);
  return parsed;
}

// The value of the one variable N.
std::string value(std::string_view line) {
  const Parsed parsed = parse(line);
  for (const Diagnostic& finding : parsed.findings.findings()) UNSCOPED_INFO(finding.message);
  REQUIRE(parsed.findings.findings().empty());
  REQUIRE(parsed.variables.size() == 1);
  CHECK(parsed.variables[0].first == "N");
  return parsed.variables[0].second;
}

// "2:5 bad_value"
std::string only_finding(std::string_view text) {
  const Parsed parsed = parse(text);
  REQUIRE(parsed.findings.findings().size() == 1);
  const Diagnostic& finding = parsed.findings.findings()[0];
  return std::to_string(finding.place.line) + ":" + std::to_string(finding.place.column) + " " + std::string(finding.code);
}

}  // namespace

TEST_CASE("values of an environment file are taken as they stand") {
  CHECK(value("N=text") == "text");
  CHECK(value("export N=text\n") == "text");
  CHECK(value("  N = text with blanks \t\r\n") == "text with blanks");
  CHECK(value("\xef\xbb\xbfN=\xc3\xa4") == "\xc3\xa4");
  CHECK(value("N=").empty());
  CHECK(value("N=''").empty());
  CHECK(value("N=a=b#c$d") == "a=b#c$d");
  CHECK(value("N='it is \"so\" \\n ${X} # all of it'  # a comment") == "it is \"so\" \\n ${X} # all of it");
  CHECK(value(R"(N="tab\tline\nquote\" back\\ dollar\${X}")") == "tab\tline\nquote\" back\\ dollar${X}");
  CHECK(value("# first\n\n   # second\nN=1\n") == "1");
}

TEST_CASE("several variables keep their order") {
  const Parsed parsed = parse("B=1\nA=2\r\n_c3='x'\n");
  REQUIRE(parsed.variables.size() == 3);
  CHECK(parsed.variables[0] == std::pair<std::string, std::string>("B", "1"));
  CHECK(parsed.variables[1] == std::pair<std::string, std::string>("A", "2"));
  CHECK(parsed.variables[2] == std::pair<std::string, std::string>("_c3", "x"));
}

TEST_CASE("what may mean something else is an error with its place") {
  CHECK(only_finding("A=1\nnonsense\n") == "2:1 bad_value");
  CHECK(only_finding("A: 1\n") == "1:1 bad_value");
  CHECK(only_finding("=1\n") == "1:1 bad_value");
  CHECK(only_finding("1A=1\n") == "1:1 bad_value");
  CHECK(only_finding("A-B=1\n") == "1:1 bad_value");
  CHECK(only_finding("export\n") == "1:1 bad_value");
  CHECK(only_finding("A=secret # not clear\n") == "1:10 bad_value");
  CHECK(only_finding("A=\"open\n") == "1:3 bad_value");
  CHECK(only_finding("A='open\nB=1\n") == "1:3 bad_value");
  CHECK(only_finding("A='x' y\n") == "1:7 bad_value");
  CHECK(only_finding("A='x'#y\n") == "1:6 bad_value");
  CHECK(only_finding("A=\"\\d\"\n") == "1:4 bad_value");
  CHECK(only_finding("A=${B}\n") == "1:3 bad_value");
  CHECK(only_finding("A=\"x${B}\"\n") == "1:5 bad_value");
  CHECK(only_finding("A=1\nB=2\nA=3\n") == "3:1 duplicate_key");
  CHECK(only_finding(std::string_view("A=1\0\n", 5)) == "1:4 bad_value");
  CHECK(only_finding("A=caf\xe9\n") == "1:6 bad_value");
  CHECK(only_finding("\xc3\xa4=1\n") == "1:1 bad_value");
}

TEST_CASE("every wrong line is reported at once, and no value is shown") {
  const Parsed parsed = parse("PASSWORD s3cret\nTOKEN='s3cret\nKEY=s3cret # s3cret\nGOOD=1\n");
  CHECK(parsed.findings.findings().size() == 3);
  for (const Diagnostic& finding : parsed.findings.findings()) {
    CHECK(finding.message.find("s3cret") == std::string::npos);
    CHECK(finding.hint.find("s3cret") == std::string::npos);
  }
}
