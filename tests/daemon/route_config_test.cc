// CONFIG.md rules 4 and 5: routes, `from`, `unmatched`; rule 6: on_error; `reference:`.
#include <unistd.h>
#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

#include "daemon/definition_builder.h"
#include "daemon/environment_variables.h"
#include "daemon/explain.h"
#include "daemon/findings.h"
#include "daemon/load_pipelines.h"
#include "tests/daemon/test_registry.h"

using namespace sluice;
namespace fs = std::filesystem;

namespace {

const Registry& registry() {
  static const Registry kRegistry = test::test_registry();
  return kRegistry;
}

daemon::LoadedPipelines load(const std::string& text) {
  const daemon::EnvironmentVariables variables;
  return daemon::load_pipeline_text(text, "p.yaml", {registry(), variables});
}

daemon::PipelineConfig good(const std::string& text) {
  auto loaded = load(text);
  INFO(daemon::findings_text(daemon::sorted_findings(loaded.findings), loaded.texts));
  REQUIRE(loaded.findings.findings().empty());
  return std::move(loaded.pipelines.at(0));
}

// "3:5 conflict message|suggestion|hint", one a line.
std::string findings(const std::string& text) {
  const auto loaded = load(text);
  std::string result;
  for (const Diagnostic& d : daemon::sorted_findings(loaded.findings)) {
    result += std::to_string(d.place.line) + ":" + std::to_string(d.place.column) + " " + std::string(d.code) + " " + d.message + "|" +
              d.suggestion + "|" + d.hint + "\n";
  }
  return result;
}

bool begins(const std::string& text, const std::string& with) {
  UNSCOPED_INFO(text);
  return text.starts_with(with) && std::count(text.begin(), text.end(), '\n') == 1;
}

const std::string kRouted = R"(source: {feed: {path: a}}
transforms:
  - split: [eu, us, rest]
  - pick: this.a
    from: split.eu
sinks:
  europe: {store: {path: x}}
  america: {store: {path: y}, from: split.us}
  others: {void: {}, from: [split.rest, split.us]}
)";

}  // namespace

TEST_CASE("outputs of a route are read by name, several of one route together") {
  const auto pipeline = good(kRouted);
  REQUIRE(pipeline.steps.size() == 2);
  CHECK(pipeline.steps[0].is_route);
  CHECK(pipeline.steps[1].from == std::vector<std::string>{"split.eu"});
  CHECK(pipeline.sinks[0].from == std::vector<std::string>{"pick"});
  CHECK(pipeline.sinks[2].from == std::vector<std::string>{"split.rest", "split.us"});
  const pipeline::Definition definition = daemon::build_definition(pipeline);
  CHECK(definition.steps[0].outputs == std::vector<std::string>{"eu", "us", "rest"});
  CHECK(definition.steps[0].build_router);
  CHECK_FALSE(definition.steps[0].build);
  CHECK(daemon::sources_of(pipeline, pipeline.sinks[2].from).size() == 1);
}

TEST_CASE("explain draws the outputs with their readers") {
  CHECK(daemon::explain_pipeline(good(kRouted)).find(R"(
  feed [source]
  └─ split [step]
     ├─ split.eu
     │  └─ pick [step]
     │     └─ europe [sink store]
     ├─ split.us
     │  └─ america [sink store]
     └─ split.rest + split.us
        └─ others [sink void]

reads
  feed: Feeds.
    path: a

writes
  europe: Stores.
    path: x
)") != std::string::npos);
}

TEST_CASE("explain as a flowchart and as JSON") {
  const auto pipeline = good(
      "source: {feed: {path: a}, transforms: [{pick: 'this.a == \"<x>\"'}]}\ntransforms:\n  - split: [eu, us]\nsinks:\n"
      "  one: {store: {path: x}, from: split.eu, transforms: [{sample: 5%}]}\n"
      "  two: {void: {}, from: split.us, when: this.b > 1}\nunmatched: drop\n");
  CHECK(daemon::explain_mermaid(pipeline) == R"(flowchart LR
  source1[("feed")]
  step2["feed.pick: pick"]
  source1 --> step2
  step3{"split"}
  step2 --> step3
  step4["one.sample: sample"]
  sink5[["one: store"]]
  step4 --> sink5
  step3 -->|"eu"| step4
  sink6[["two: void"]]
  step3 -->|"us, when this.b #gt; 1"| sink6
)");
  const std::string json = daemon::explain_json({pipeline});
  CHECK(json.find(R"("steps":[{"name":"split","type":"split","from":["feed"],"when":[],"outputs":["eu","us"]}])") != std::string::npos);
  CHECK(json.find(R"("name":"one","type":"store","from":["split.eu"])") != std::string::npos);
  CHECK(json.find(R"("unmatched":"drop")") != std::string::npos);
}

TEST_CASE("what is wrong about a route and its readers") {
  const std::string head = "source: {feed: {path: a}}\ntransforms:\n  - split: [eu, us]\n";
  CHECK(begins(findings(head + "sinks:\n  a: {void: {}, from: split.eu}\n  b: {void: {}, from: split.uss}\n"),
               "6:23 unknown_reference the route \"split\" has no output \"uss\"|split.us|from: split.eu, or split.us"));
  CHECK(begins(findings(head + "sinks:\n  a: {void: {}, from: split.eu}\n  b: {void: {}, from: split}\n"),
               "6:23 unknown_reference \"split\" is a route, and only its outputs can be read||from: split.eu"));
  CHECK(begins(findings(head + "sinks:\n  a: {void: {}, from: split.eu}\n"),
               "3:17 unread_step no step or sink reads the output \"split.us\""));
  CHECK(begins(findings(head + "  - pick: this.a\nsinks:\n  a: {void: {}, from: [split.us, split.eu]}\n"),
               "4:5 missing_key the step before this one is the route \"split\""));
  CHECK(begins(findings(head + "sink: {void: {}}\n"), "4:7 missing_key the step before this one is the route"));
  CHECK(begins(findings(head + "sinks:\n  a: {void: {}, from: [split.us, feed]}\n  b: {void: {}, from: split.eu}\n"),
               "5:24 conflict only sources"));
  CHECK(
      begins(findings("source: {feed: {path: a}}\ntransforms:\n  - pick: this.a\nsinks:\n  a: {void: {}}\n  b: {void: {}, from: pick.x}\n"),
             "6:23 unknown_reference the step \"pick\" has no outputs: only a route has them||from: pick"));
  CHECK(begins(
      findings(
          "source: {feed: {path: a}}\ntransforms:\n  - split: [eu, us]\n    when: this.a\nsink: {void: {}, from: [split.eu, split.us]}\n"),
      "4:11 conflict a split has no `when`"));
  CHECK(begins(findings("source: {feed: {path: a}}\ntransforms:\n  - split: [eu]\n    on_error: tag\nsink: {void: {}, from: split.eu}\n"),
               "4:15 conflict a split cannot tag"));
  CHECK(
      begins(findings("source: {feed: {path: a}, transforms: [{split: [eu]}]}\nsink: {void: {}}\n"), "1:41 conflict a split cannot stand"));
  CHECK(begins(findings("source: {feed: {path: a}}\ntransforms:\n  - split: [eu]\n    from: split.eu\nsink: {void: {}, from: split.eu}\n"),
               "4:11 cycle"));
}

TEST_CASE("two steps of one name, one reading the other, are a finding and no endless walk") {
  CHECK(begins(
      findings(
          "source: {feed: {path: a}}\ntransforms:\n  - pick: this.a\n  - pick: this.b\nsink: {void: {}, when: this.x}\nunmatched: drop\n"),
      "4:5 conflict two steps are called \"pick\""));
}

TEST_CASE("a sink cannot tag what it refuses: that would lose it (CONFIG.md rules 6 and 7)") {
  CHECK(begins(findings("source: {feed: {path: a}}\nsink: {void: {}, on_error: tag}\n"), "2:28 conflict a sink cannot tag"));
}

TEST_CASE("unmatched is asked for wherever only sinks with a `when` read (CONFIG.md rule 5)") {
  const std::string head = "source: {feed: {path: a}}\ntransforms:\n  - split: [eu, us]\n";
  const std::string sinks = "sinks:\n  a: {void: {}, from: split.eu}\n  b: {void: {}, from: split.us, when: this.x}\n";
  CHECK(begins(findings(head + sinks), "4:1 missing_key every sink that reads \"split.us\" has a `when`"));
  good(head + sinks + "unmatched: dead_letter\n");
  // Another sink takes all of it.
  good(head + sinks + "  c: {void: {}, from: split.us}\n");
  good("source: {feed: {path: a}}\ntransforms: [{pick: this.a}]\nsinks:\n  a: {void: {}, when: this.x}\n  b: {void: {}, from: feed}\n");
  CHECK(begins(findings(head + sinks + "  c: {void: {}, from: split.us}\nunmatched: drop\n"), "8:12 conflict unmatched has no effect"));
  // Behind a fork one branch does not know what the other one took.
  const std::string fork =
      "source: {feed: {path: a}}\ntransforms: [{pick: this.a}]\nsinks:\n  a: {void: {}, when: this.x}\n  b: {void: {}, from: feed, when: "
      "this.y}\n";
  good(fork + "unmatched: drop\n");
  CHECK(begins(findings(fork + "unmatched: dead_letter\n"), "6:12 conflict records go several ways"));
}

TEST_CASE("reference data is parsed and its file looked at") {
  const std::string folder = (fs::temp_directory_path() / ("sluice-reference-" + std::to_string(::getpid()))).string();
  fs::create_directories(folder);
  std::ofstream(folder + "/countries.csv") << "code,name\nDE,Germany\n";
  const std::string ends = "source: {feed: {path: a}}\nsink: {void: {}}\n";
  const auto reference = [&](const std::string& csv) { return ends + "reference:\n  countries:\n    csv: " + csv + "\n"; };
  const std::string path = "path: " + folder + "/countries.csv";
  const auto pipeline = good(reference("{" + path + ", key: code, refresh: 5m}"));
  REQUIRE(pipeline.references.size() == 1);
  CHECK(pipeline.references[0].name == "countries");
  CHECK(pipeline.references[0].csv.refresh == std::chrono::minutes(5));
  CHECK(daemon::explain_pipeline(pipeline).find("  countries: " + folder + "/countries.csv by code, to look things up in\n") !=
        std::string::npos);
  CHECK(findings(reference("{" + path + ", key: cod}")).find("bad_value \"" + folder + "/countries.csv\" has no column \"cod\"|code|") !=
        std::string::npos);
  CHECK(begins(findings(reference("{path: " + folder + "/none.csv, key: code}")), "5:17 unreadable_file"));
  CHECK_FALSE(load(reference("{path: " + folder + "/none.csv, key: code}")).findings.has_errors());
  CHECK(begins(findings(reference("{" + path + ", key: code, refresh: 0s}")), "5:"));
  CHECK(begins(findings(ends + "reference:\n  countries:\n    cvs: {}\n"), "5:5 unknown_key unknown key \"cvs\"|csv|"));
  CHECK(begins(findings(ends + "reference:\n  Countries:\n    csv: {" + path + ", key: code}\n"), "4:3 bad_value"));
  CHECK(begins(findings(ends + "reference: [a]\n"), "3:12 wrong_type"));
  CHECK(begins(findings(ends + "reference:\n  countries:\n"), "4:3 wrong_type"));
  fs::remove_all(folder);
}
