// What is known of the records flows from the sources through the steps to the sinks, with the real components (CONFIG.md rules 8, 10, 11).
#include <unistd.h>
#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

#include "daemon/environment_variables.h"
#include "daemon/findings.h"
#include "daemon/load_pipelines.h"
#include "daemon/type_flow.h"
#include "expr/expression.h"

namespace sluice {
void register_all_components(Registry& registry);  // generated
}

using namespace sluice;
namespace fs = std::filesystem;

namespace {

const Registry& registry() {
  static const Registry kRegistry = [] {
    Registry filled;
    register_all_components(filled);
    return filled;
  }();
  return kRegistry;
}

// "4:20 expression_unknown_field message|suggestion", one a line.
std::string findings(const std::string& text) {
  static const auto checker = expr::make_expression_checker();
  const daemon::EnvironmentVariables variables;
  auto loaded = daemon::load_pipeline_text(text, "p.yaml", {registry(), variables, checker.get()});
  for (const daemon::PipelineConfig& pipeline : loaded.pipelines) daemon::check_types(pipeline, daemon::Online::kNo, loaded.findings);
  std::string result;
  for (const Diagnostic& d : daemon::sorted_findings(loaded.findings)) {
    result += std::to_string(d.place.line) + ":" + std::to_string(d.place.column) + " " + std::string(d.code) + " " + d.message +
              (d.suggestion.empty() ? "" : "|" + d.suggestion) + "\n";
  }
  return result;
}

// A step over the generator's orders.
std::string step(const std::string& yaml, const std::string& source = "{dataset: orders}") {
  return findings("source: {generator: " + source + "}\ntransforms:\n" + yaml + "sink: {discard: {}}\n");
}

}  // namespace

TEST_CASE("a field that no record has is found, with what was probably meant") {
  CHECK(step("  - filter: this.totl > 5\n") == "3:18 expression_unknown_field there is no field \"totl\" here|total\n");
  CHECK(step("  - filter: this.total > 5 && before.sttus == \"x\"\n") ==
        "3:38 expression_unknown_field there is no field \"sttus\" here|status\n");
  CHECK(step("  - filter: this.total > 5\n    when: this.curency == \"EUR\"\n") ==
        "4:16 expression_unknown_field there is no field \"curency\" here|currency\n");
  CHECK(step("  - filter: has(this.totl) || this.?totl.orValue(1) == 1\n") == "");
  CHECK(step("  - filter: key.anything == 1 && this.total > 5\n") == "");
}

TEST_CASE("types that do not meet are found") {
  CHECK(step("  - filter: this.total == \"5\"\n") == "3:13 expression_type == does not take (decimal, string)\n");
  CHECK(step("  - filter: this.status\n") == "3:13 expression_type a condition must be true or false, this is of type string\n");
  CHECK(step("  - filter: this.total * 0.92 > 5 && this.id > 2.5\n") == "");
  CHECK(step("  - filter: this.note == null || this.note == \"gift\"\n") == "");
  CHECK(step("  - set: {a: this.status + 1}\n") == "3:14 expression_type + does not take (string, int)\n");
}

TEST_CASE("set, cast, rename, drop and keep change what is known") {
  CHECK(step("  - set: {double: this.id * 2}\n  - filter: this.double == \"x\"\n") ==
        "4:13 expression_type == does not take (int, string)\n");
  CHECK(step("  - cast: {id: string}\n  - filter: this.id > 5\n") == "4:13 expression_type > does not take (string, int)\n");
  CHECK(step("  - rename: {total: sum}\n  - filter: this.total > 5\n").starts_with("4:18 expression_unknown_field"));
  CHECK(step("  - rename: {id: total, total: id}\n  - filter: this.total == \"x\"\n") ==
        "4:13 expression_type == does not take (int, string)\n");
  CHECK(step("  - drop: [total]\n  - filter: this.total > 5\n").starts_with("4:18 expression_unknown_field"));
  CHECK(step("  - keep: [id]\n  - filter: this.total > 5\n").starts_with("4:18 expression_unknown_field"));
  CHECK(step("  - keep: [id]\n  - set: {x.y: this.id}\n  - filter: this.x.y == 1\n") == "");
}

TEST_CASE("paths that match nothing are found (CONFIG.md rule 11)") {
  CHECK(step("  - drop: [id, curency]\n") ==
        "3:16 expression_unknown_field there is no field \"curency\" here, so the path matches nothing|currency\n");
  CHECK(step("  - keep: [id, nothing.inner]\n").starts_with("3:16 expression_unknown_field"));
  CHECK(step("  - rename: {staus: state}\n").starts_with("3:14 expression_unknown_field"));
  CHECK(step("  - cast: {totl: int}\n").starts_with("3:12 expression_unknown_field"));
}

TEST_CASE("behind a `when` a change is not certain") {
  CHECK(step("  - cast: {id: string}\n    when: this.total > 5\n  - filter: this.id == 5 || this.id == \"5\"\n") == "");
  CHECK(step("  - drop: [total]\n    when: this.id > 5\n  - filter: this.total > 5\n") == "");
}

TEST_CASE("conditions that are always the same are warned of") {
  const auto constant = [](const std::string& condition) {
    return step("  - filter: " + condition + "\n").find("constant_condition") != std::string::npos;
  };
  CHECK(step("  - filter: meta.op == \"create\"\n") == "3:13 constant_condition this condition is false for every record\n");
  CHECK(constant("true"));
  CHECK(constant("1 < 2 || this.id == 5"));
  CHECK(constant("meta.op in [\"c\", \"u\"]"));
  CHECK(constant("'!has(this.total)'"));
  CHECK(constant("has(this.totl)"));
  CHECK_FALSE(constant("meta.op in [\"insert\", \"u\"]"));
  CHECK_FALSE(constant("this.id == 5 && 1 < 2"));
  CHECK_FALSE(constant("[1, 2].exists(x, x == this.id)"));
  CHECK(findings("source: {generator: {}}\nsink: {discard: {}, when: 'false'}\nunmatched: drop\n").find("constant_condition") !=
        std::string::npos);
}

TEST_CASE("a template whose value may be null is warned of") {
  const auto sink = [](const std::string& path) {
    return findings("source: {generator: {dataset: orders, broken: 1%}}\nsink: {file: {path: '" + path + "', format: json}}\n");
  };
  CHECK(sink("out/${this.note}/") ==
        "2:28 template_maybe_null \"note\" may be null: the record becomes a dead letter then (template_missing)\n");
  CHECK(sink("out/${this.total}/").starts_with("2:28 template_maybe_null \"total\" may be missing"));
  CHECK(sink("out/${this.status}/") == "");
  CHECK(sink("out/${this.note == null ? \"none\" : \"some\"}/") == "");
  CHECK(sink("out/${this.stats}/").starts_with("2:33 expression_unknown_field"));
}

TEST_CASE("meta names that none of the sources has are found (CONFIG.md rule 8)") {
  CHECK(step("  - filter: meta.lsn != \"\"\n") == "3:18 expression_unknown_field none of this pipeline's sources has meta.lsn\n");
  CHECK(step("  - filter: meta.table == \"orders\"\n") == "");
  CHECK(findings("sources: {a: {generator: {}}, b: {file: {paths: [x], format: json}}}\nsink: {discard: {}, when: meta.file != "
                 "\"\"}\nunmatched: drop\n") == "");
}

TEST_CASE("the header of a CSV file says which fields there are; JSON says nothing") {
  const std::string folder = (fs::temp_directory_path() / ("sluice-flow-" + std::to_string(::getpid()))).string();
  fs::create_directories(folder);
  std::ofstream(folder + "/a.csv") << "\xef\xbb\xbfid,name\n1,x\n";
  std::ofstream(folder + "/b.csv") << "id,\"full name\"\n";
  const auto filter = [&](const std::string& files, const std::string& condition) {
    return findings("source: {file: {paths: ['" + folder + "/" + files + "'], format: csv}}\ntransforms:\n  - filter: " + condition +
                    "\nsink: {discard: {}}\n");
  };
  CHECK(filter("a.csv", "this.nam == \"x\"") == "3:18 expression_unknown_field there is no field \"nam\" here|name\n");
  CHECK(filter("a.csv", "this.id > 5") == "3:13 expression_type > does not take (string, int)\n");
  CHECK(filter("*.csv", "has(this.name) && this.name != \"\" && this.id != \"\"") == "");
  CHECK(filter("*.csv", "this.other == \"\"").starts_with("3:18 expression_unknown_field"));
  CHECK(filter("none.csv", "this.other == \"\"") == "");
  CHECK(findings("source: {file: {paths: ['" + folder +
                 "/a.csv'], format: json}}\ntransforms: [{filter: this.other == 1}]\nsink: {discard: {}}\n") == "");
  fs::remove_all(folder);
}

TEST_CASE("what is known goes through a source's chain, a route and a sink's chain") {
  const std::string text = R"(source:
  generator: {dataset: orders}
  transforms: [{rename: {total: sum}}]
transforms:
  - route:
      first: {dear: this.total > 100}
      else: rest
sinks:
  a: {discard: {}, from: route.dear, when: this.sm > 1, transforms: [{keep: [id]}, {set: {x: this.sum}}]}
  b: {discard: {}, from: route.rest}
unmatched: drop
)";
  CHECK(findings(text) ==
        "6:26 expression_unknown_field there is no field \"total\" here\n"
        "9:49 expression_unknown_field there is no field \"sm\" here|sum\n"
        "9:99 expression_unknown_field there is no field \"sum\" here\n");
}
