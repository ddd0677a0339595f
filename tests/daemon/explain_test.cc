// G26: what `explain` promises is the weaker of source and sink.
#include <catch2/catch.hpp>

#include "daemon/definition_builder.h"
#include "daemon/environment_variables.h"
#include "daemon/explain.h"
#include "daemon/load_pipelines.h"
#include "tests/daemon/test_registry.h"

using namespace sluice;

namespace {

const Registry& registry() {
  static const Registry kRegistry = test::test_registry();
  return kRegistry;
}

daemon::PipelineConfig load(const std::string& text) {
  const daemon::EnvironmentVariables variables;
  auto loaded = daemon::load_pipeline_text(text, "p.yaml", {registry(), variables});
  REQUIRE(loaded.findings.findings().empty());
  return std::move(loaded.pipelines.at(0));
}

const std::string kForked = R"(name: p
description: A fork
source: {feed: {path: a}, transforms: [{pick: this.x}]}
transforms:
  - pick: this.a > 1
    when: this.op
  - put: {b: this.c}
    name: other
    from: pick
sinks:
  table: {store: {path: x}, when: [this.a, this.b]}
  screen: {void: {}, from: pick, when: this.c, transforms: [{sample: 5%}]}
unmatched: drop
)";

}  // namespace

TEST_CASE("explain draws the graph and gives each sink's promise with its reasons (G26)") {
  CHECK(daemon::explain_pipeline(load(kForked)) == R"(pipeline p (p.yaml)
  A fork

  feed [source]  own steps: pick
  └─ pick [step]  when this.op
     ├─ other [step put]
     │  └─ table [sink store]  when this.a and this.b
     └─ screen [sink void]  when this.c  own steps: sample

reads
  feed: Feeds.
    path: a

writes
  table: Stores.
    path: x
  screen: Forgets.

guarantees
  table: exactly once, end to end
    source feed: exactly once: because it is a test
    sink table: exactly once: it stores the position with the data
  screen: at least once, end to end
    source feed: exactly once: because it is a test
    sink screen: at least once: it forgets
  a record that no sink takes: dropped (counted as filtered)
)");
}

TEST_CASE("a lossy source weakens only the sinks that it reaches (G26)") {
  const auto pipeline = load(R"(sources:
  good: {feed: {path: a}}
  bad: {feed: {path: lossy}}
transforms: [{pick: this.a, from: good}]
sinks:
  one: {store: {path: x}}
  two: {store: {path: x}, from: bad}
  three: {store: {path: x}, from: [good, bad]}
)");
  CHECK(daemon::end_to_end(pipeline, pipeline.sinks[0]).exactly_once);
  CHECK_FALSE(daemon::end_to_end(pipeline, pipeline.sinks[1]).exactly_once);
  CHECK_FALSE(daemon::end_to_end(pipeline, pipeline.sinks[2]).exactly_once);
  const std::string text = daemon::explain_pipeline(pipeline);
  CHECK(text.find("  from good + bad\n  └─ three [sink store]\n") != std::string::npos);
}

TEST_CASE("a definition names no component and carries everything else") {
  const auto config = load(kForked);
  const pipeline::Definition definition = daemon::build_definition(config);
  CHECK(definition.name == "p");
  CHECK(definition.sources[0].chain[0].name == "feed.pick");
  CHECK(definition.sources[0].guarantee.exactly_once);
  CHECK_FALSE(definition.sources[0].can_end);
  CHECK_FALSE(definition.sources[0].partitioned);
  REQUIRE(definition.steps.size() == 2);
  CHECK(definition.steps[0].when);
  CHECK_FALSE(definition.steps[1].when);
  CHECK(definition.steps[1].from == std::vector<std::string>{"pick"});
  CHECK(definition.sinks[1].chain[0].name == "screen.sample");
  CHECK(definition.config_hash == config.hash);
}

TEST_CASE("the hash changes with the meaning, not with white space or comments") {
  const std::string base = "source: {feed: {path: a}}\nsink: {void: {}}\n";
  CHECK(load(base).hash == load("source:\n  feed:\n    path: 'a' # note\nsink: {void: {}}\n").hash);
  CHECK(load(base).hash != load("source: {feed: {path: b}}\nsink: {void: {}}\n").hash);
}
