// `sluice render`: what it writes means the same, with the real components; every value says where it comes from.
#include <stdlib.h>
#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "daemon/environment_variables.h"
#include "daemon/findings.h"
#include "daemon/load_pipelines.h"
#include "daemon/render.h"
#include "expr/expression.h"

namespace sluice {
void register_all_components(Registry& registry);  // generated
}

using namespace sluice;

namespace {

const Registry& registry() {
  static const Registry kRegistry = [] {
    Registry filled;
    register_all_components(filled);
    return filled;
  }();
  return kRegistry;
}

daemon::PipelineConfig load(const std::string& text, const std::string& file = "p.yaml") {
  static const auto checker = expr::make_expression_checker();
  const daemon::EnvironmentVariables variables;
  auto loaded = daemon::load_pipeline_text(text, file, {registry(), variables, checker.get()});
  INFO(text);
  INFO(daemon::findings_text(daemon::sorted_findings(loaded.findings), loaded.texts));
  REQUIRE_FALSE(loaded.findings.has_errors());
  return std::move(loaded.pipelines.at(0));
}

std::string render(const daemon::PipelineConfig& pipeline) {
  return daemon::render_pipeline(pipeline, registry(), daemon::EnvironmentVariables());
}

void same_use(const daemon::ComponentUse& a, const daemon::ComponentUse& b) {
  CHECK(a.name == b.name);
  CHECK(a.component == b.component);
  CHECK(a.component->show(a.config) == b.component->show(b.config));
}

void same_steps(const std::vector<daemon::StepConfig>& a, const std::vector<daemon::StepConfig>& b) {
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    same_use(a[i], b[i]);
    CHECK(a[i].from == b[i].from);
    CHECK(a[i].on_error == b[i].on_error);
    REQUIRE(a[i].when.size() == b[i].when.size());
    for (std::size_t j = 0; j < a[i].when.size(); ++j) CHECK(a[i].when[j].text() == b[i].when[j].text());
    REQUIRE(a[i].expressions.size() == b[i].expressions.size());
    for (std::size_t j = 0; j < a[i].expressions.size(); ++j) CHECK(a[i].expressions[j].source == b[i].expressions[j].source);
  }
}

// Reads the rendered text again: the same pipeline, and rendering changes nothing any more but the places.
void round_trip(const daemon::PipelineConfig& pipeline) {
  const std::string text = render(pipeline);
  const auto again = load(text, "rendered.yaml");
  CHECK(again.name == pipeline.name);
  CHECK(again.description == pipeline.description);
  REQUIRE(again.sources.size() == pipeline.sources.size());
  for (std::size_t i = 0; i < again.sources.size(); ++i) {
    same_use(again.sources[i], pipeline.sources[i]);
    same_steps(again.sources[i].chain, pipeline.sources[i].chain);
  }
  same_steps(again.steps, pipeline.steps);
  REQUIRE(again.sinks.size() == pipeline.sinks.size());
  for (std::size_t i = 0; i < again.sinks.size(); ++i) {
    same_use(again.sinks[i], pipeline.sinks[i]);
    same_steps(again.sinks[i].chain, pipeline.sinks[i].chain);
    CHECK(again.sinks[i].from == pipeline.sinks[i].from);
    CHECK(again.sinks[i].commit.every == pipeline.sinks[i].commit.every);
    CHECK(again.sinks[i].commit.bytes == pipeline.sinks[i].commit.bytes);
  }
  CHECK(again.unmatched == pipeline.unmatched);
  CHECK(again.queue_bytes.bytes == pipeline.queue_bytes.bytes);
}

}  // namespace

TEST_CASE("variables, merges, defaults and secrets are shown with where they come from") {
  ::setenv("SLUICE_RENDER_URL", "postgresql://shop:s3cr3t@db/shop", 1);
  ::setenv("SLUICE_RENDER_AREA", "eu # west", 1);
  const auto pipeline = load(R"(name: shop
x-often: &often {every: 5s}
source:
  postgres_cdc:
    url: ${SLUICE_RENDER_URL}
    tables: [public.orders]
transforms:
  - filter: 'this.area != "x # y"'
    when: |
      meta.op != "delete"
      && this.id > 0
sink:
  file: {path: "out/${SLUICE_RENDER_AREA}/${SLUICE_RENDER_NONE:-de}/${this.id}/", format: json}
  checkpoint:
    <<: *often
)");
  const std::string text = render(pipeline);
  INFO(text);
  const auto has = [&](const std::string& part) { return text.find(part) != std::string::npos; };
  CHECK(has("url: 'postgresql://shop:***@db/shop'  # env SLUICE_RENDER_URL (p.yaml:5)\n"));
  CHECK(has("path: 'out/eu # west/de/${this.id}/'  # env SLUICE_RENDER_AREA, default of SLUICE_RENDER_NONE (p.yaml:13)\n"));
  CHECK(has("  - filter: 'this.area != \"x # y\"'  # p.yaml:8\n"));
  CHECK(has("    when: |"));
  CHECK(has("    every: 5s  # p.yaml:2\n"));
  CHECK(has("snapshot: initial  # default\n"));
  CHECK(has("    on_error: dead_letter  # default\n"));
  CHECK(has("shutdown_timeout: 30s  # default\n"));
  CHECK_FALSE(has("s3cr3t"));
  CHECK_FALSE(has("x-often"));
  ::unsetenv("SLUICE_RENDER_URL");
  ::unsetenv("SLUICE_RENDER_AREA");
}

TEST_CASE("what is rendered validates to the same pipeline: a file with everything in it") {
  round_trip(load(R"yaml(name: all
description: "Two\nlines: and #hash"
sources:
  a:
    generator: {dataset: orders, count: 10, rate: 5/s, broken: 5%}
    transforms:
      - cast: {total: "decimal(12,3)"}
      - drop: [note]
        images: after
  b: {file: {paths: ["in/*.csv"], format: {csv: {delimiter: ";"}}, mode: once, when_done: {move: done}}, retry: {initial: 1s}}
transforms:
  - filter: {keep: this.id > 0, on_leave: delete}
    when: [this.id != 3, this.id != 4]
  - set:
      a.b: this.id
      price: 'this.currency + ": $${" + string(this.id)'
    on_error: tag
  - route:
      first: {eu: this.currency == "EUR"}
      else: rest
sinks:
  one:
    sqlite: {path: out.db, table: "${meta.source}_$${x}", mode: upsert, key: [id], deletes: soft(gone)}
    from: route.eu
    transforms: [{keep: [id, "`a.b`.c"]}]
    when: this.id > 2
  two: {file: {path: out/, format: {json: {meta: false}}, rotate: {size: 1MiB}}, from: [route.rest, route.eu], checkpoint: {records: 5}}
  three: {stdout: , from: route.rest}
retry: {give_up_after: 1h}
checkpoint: {every: 3s}
)yaml"));
}

namespace {

class Anything final : public Variables {
 public:
  std::optional<std::string> find(std::string_view) const override { return "postgresql://u@h/d"; }
  Result<std::string> read_file(std::string_view) const override { return std::string("content"); }
};

std::string example_pipeline(const Component& component) {
  std::string use = std::string(component.name) + ":\n";
  std::istringstream lines{std::string(component.example)};
  for (std::string line; std::getline(lines, line);) use += line.empty() ? "" : "      " + line + "\n";
  const bool is_source = component.kind == ComponentKind::kSource;
  std::string text = "name: p\nsource:\n    " + (is_source ? use : std::string("generator: {}\n"));
  if (component.kind == ComponentKind::kTransform) text += "transforms:\n  - " + use;
  return text + "sink:\n    " + (component.kind == ComponentKind::kSink ? use : std::string("discard: {}\n"));
}

}  // namespace

TEST_CASE("what is rendered validates to the same pipeline: the example of every component") {
  static const auto checker = expr::make_expression_checker();
  const Anything variables;
  for (const Component& component : registry().all()) {
    if (component.build_router) continue;  // needs readers of its outputs; see above
    const std::string text = example_pipeline(component);
    auto loaded = daemon::load_pipeline_text(text, "p.yaml", {registry(), variables, checker.get()});
    INFO(text << daemon::findings_text(daemon::sorted_findings(loaded.findings), loaded.texts));
    REQUIRE_FALSE(loaded.findings.has_errors());
    const std::string rendered = daemon::render_pipeline(loaded.pipelines.at(0), registry(), variables);
    auto again = daemon::load_pipeline_text(rendered, "r.yaml", {registry(), variables, checker.get()});
    INFO(rendered << daemon::findings_text(daemon::sorted_findings(again.findings), again.texts));
    CHECK_FALSE(again.findings.has_errors());
  }
}
