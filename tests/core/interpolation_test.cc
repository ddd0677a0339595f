// CONFIG.md rule 9: what ${...} gives, what it never does, and what the writer is told.
#include <catch2/catch.hpp>

#include "core/config_binding.h"

using namespace sluice;

namespace {

class SomeVariables final : public Variables {
 public:
  std::optional<std::string> find(std::string_view name) const override {
    if (name == "A") return "1";
    if (name == "EMPTY") return "";
    if (name == "NESTED") return "${A} $${A} ${file:/secret}";
    if (name == "TEMPLATE") return "${this.x}";
    return std::nullopt;
  }
  Result<std::string> read_file(std::string_view path) const override {
    if (path == "/secret") return std::string("${A}'\"s3cret");
    if (path == "/it's") return std::string("apostrophe");
    return Error(ErrorKind::kInvalidConfig, "unreadable_file", "no such file");
  }
};

ConfigNode scalar(std::string text) {
  ConfigNode node;
  node.kind = ConfigNode::Kind::kScalar;
  node.place = {"f.yaml", 1, 1, 1, 1};
  node.text = std::move(text);
  return node;
}

struct Expanded {
  std::optional<std::string> text;
  Diagnostics findings;
  const Diagnostic& first() const {
    REQUIRE_FALSE(findings.findings().empty());
    return findings.findings()[0];
  }
};

Expanded expand(const std::string& text) {
  static const SomeVariables variables;
  Expanded expanded;
  BindContext context{expanded.findings, variables};
  expanded.text = expand_text(scalar(text), context);
  return expanded;
}

std::string good(const std::string& text) {
  const Expanded expanded = expand(text);
  for (const Diagnostic& finding : expanded.findings.findings()) UNSCOPED_INFO(finding.message);
  REQUIRE(expanded.findings.findings().empty());
  return expanded.text.value_or("nothing");
}

std::string meant(const std::string& text) {
  const Expanded expanded = expand(text);
  CHECK_FALSE(expanded.text);
  CHECK(expanded.first().code == "bad_value");
  return expanded.first().suggestion;
}

}  // namespace

TEST_CASE("variables, defaults and files are put in once") {
  CHECK(good("x${A}y${A}z") == "x1y1z");
  CHECK(good("${NOBODY:-a b}") == "a b");
  CHECK(good("${NOBODY:-}").empty());
  CHECK(good("${EMPTY:-used}") == "used");
  CHECK(good("${EMPTY}").empty());
  CHECK(good("${A:-unused}") == "1");
  CHECK(good("${NOBODY:-don't {x: \"y\"}}") == "don't {x: \"y\"}");
  CHECK(good("${file:/it's}") == "apostrophe");
}

TEST_CASE("what was put in is not looked at again") {
  CHECK(good("${NESTED}") == "${A} $${A} ${file:/secret}");
  CHECK(good("${file:/secret}") == "${A}'\"s3cret");
  CHECK(good("${TEMPLATE}") == "${this.x}");
  CHECK(good("$${A}${A}") == "${A}1");
}

TEST_CASE("two dollars are one before a brace, and themselves elsewhere") {
  CHECK(good("$${A}") == "${A}");
  CHECK(good("$$${A}") == "$1");
  CHECK(good("$$$${A}") == "$${A}");
  CHECK(good("5$ and $$") == "5$ and $$");
  CHECK(good("$x ${A} $") == "$x 1 $");
}

TEST_CASE("a variable written as elsewhere is explained") {
  CHECK(meant("${A:10}") == "${A:-10}");
  CHECK(meant("${A-10}") == "${A:-10}");
  CHECK(meant("${A:=10}") == "${A:-10}");
  CHECK(meant("${A:?must be set}") == "${A}");
  CHECK(meant("${ A }") == "${A}");
  CHECK(meant("${a}") == "${A}");
  CHECK(meant("${env:A}") == "${A}");
  CHECK(meant("${env.A}") == "${A}");
  CHECK(meant("${{ secrets.A }}") == "${A}");
  CHECK(meant("${FILE:/secret}") == "${file:/secret}");
  CHECK(meant("${A:-${EMPTY}}").empty());
  CHECK(meant("${A").empty());
  CHECK(meant("${this.x}").empty());
  const Expanded bare = expand("$HOME_DIR");
  CHECK(bare.text == "$HOME_DIR");
  CHECK(bare.first().severity == Diagnostic::Severity::kWarning);
  CHECK(bare.first().suggestion == "${HOME_DIR}");
}

TEST_CASE("what a file gave is not shown when it does not fit") {
  static const SomeVariables variables;
  Diagnostics findings;
  BindContext context{findings, variables};
  int number = 0;
  CHECK_FALSE(ConfigType<int>::bind(scalar("${file:/secret}"), number, context));
  std::chrono::milliseconds duration{};
  CHECK_FALSE(ConfigType<std::chrono::milliseconds>::bind(scalar("${file:/secret}"), duration, context));
  bool flag = false;
  CHECK_FALSE(ConfigType<bool>::bind(scalar("${file:/secret}"), flag, context));
  REQUIRE(findings.findings().size() == 3);
  for (const Diagnostic& finding : findings.findings()) CHECK(finding.message.find("s3cret") == std::string::npos);
}

TEST_CASE("units as they are written elsewhere are suggested as ours") {
  static const SomeVariables variables;
  const auto suggestion = [](auto target, const std::string& text) {
    Diagnostics findings;
    BindContext context{findings, variables};
    CHECK_FALSE(ConfigType<decltype(target)>::bind(scalar(text), target, context));
    return findings.findings().at(0).suggestion;
  };
  CHECK(suggestion(std::chrono::milliseconds(), "5 minutes") == "5m");
  CHECK(suggestion(std::chrono::milliseconds(), "30SEC") == "30s");
  CHECK(suggestion(std::chrono::milliseconds(), "30").empty());
  CHECK(suggestion(std::chrono::milliseconds(), "0.25ms").empty());
  CHECK(suggestion(ByteSize(), "64mib") == "64MiB");
  CHECK(suggestion(ByteSize(), "1.5 G") == "1.5GiB");
  CHECK(suggestion(Rate(), "10 per second") == "10/s");
  CHECK(suggestion(Share(), "5 percent") == "5%");
}
