// CONFIG.md rules 1-7, 16, 17.
#include <catch2/catch.hpp>

#include <map>

#include "daemon/findings.h"
#include "daemon/load_pipelines.h"
#include "tests/daemon/test_registry.h"

using namespace sluice;

namespace {

class FakeVariables final : public Variables {
 public:
  std::optional<std::string> find(std::string_view name) const override {
    if (name == "SET") return "value: [x";  // would be structure if it were substituted before parsing
    if (name == "EMPTY") return "";
    return std::nullopt;
  }
  Result<std::string> read_file(std::string_view path) const override {
    if (path == "/secret") return std::string("s3cret");
    return Error(ErrorKind::kInvalidConfig, "unreadable_file", "cannot read \"" + std::string(path) + "\"");
  }
};

daemon::LoadedPipelines load(const std::string& text, bool allow_unset = false) {
  static const Registry registry = test::test_registry();
  static const FakeVariables variables;
  return daemon::load_pipeline_text(text, "orders.yaml", {registry, variables, nullptr, allow_unset});
}

daemon::PipelineConfig good(const std::string& text) {
  auto loaded = load(text);
  INFO(daemon::findings_text(daemon::sorted_findings(loaded.findings), loaded.texts));
  REQUIRE(loaded.findings.findings().empty());
  REQUIRE(loaded.pipelines.size() == 1);
  return std::move(loaded.pipelines[0]);
}

// "3:5 unknown_key", one a line, in the order of the file.
std::string findings(const std::string& text) {
  const auto loaded = load(text);
  std::string result;
  for (const Diagnostic& d : daemon::sorted_findings(loaded.findings)) {
    result +=
        (result.empty() ? "" : "\n") + std::to_string(d.place.line) + ":" + std::to_string(d.place.column) + " " + std::string(d.code);
  }
  return result;
}

std::string only_message(const std::string& text) {
  const auto loaded = load(text);
  REQUIRE(loaded.findings.findings().size() == 1);
  const Diagnostic& d = loaded.findings.findings()[0];
  return d.message + "|" + d.suggestion + "|" + d.hint;
}

const std::string kEnds = "source: {feed: {path: a}}\nsink: {void: {}}\n";

std::string joined(const std::vector<std::string>& names) {
  std::string result;
  for (const auto& name : names) result += (result.empty() ? "" : ",") + name;
  return result;
}

}  // namespace

TEST_CASE("a small pipeline: names and readers by default") {
  const auto pipeline = good(
      "source: {feed: {path: a}}\ntransforms:\n  - pick: this.x\n  - put: {a: this.b}\n    when: [this.c, this.d]\n    on_error: "
      "tag\nsink: {store: {path: b}}\n");
  CHECK(pipeline.name == "orders");
  CHECK(pipeline.sources[0].name == "feed");
  CHECK(joined(pipeline.steps[0].from) == "feed");
  CHECK(joined(pipeline.steps[1].from) == "pick");
  CHECK(pipeline.steps[1].when.size() == 2);
  CHECK(pipeline.steps[1].on_error == pipeline::OnError::kTag);
  CHECK(joined(pipeline.sinks[0].from) == "put");
  CHECK(pipeline.hash.size() == 16);
}

TEST_CASE("settings: units, inheritance, per sink and per source") {
  const auto pipeline = good(R"(name: p-1
description: text
sources:
  a: {feed: {path: a}, retry: {initial: 1s}}
  b: {feed: {path: b}, transforms: [{pick: this.x}, {pick: this.y, name: second}]}
sinks:
  one: {store: {path: a}, when: this.x, checkpoint: {every: 5s}}
  two: {void: {}, when: this.y, transforms: [{sample: 5%}]}
unmatched: dead_letter
shards: 2
queue_bytes: 1MiB
checkpoint: {every: 2s, records: 7, bytes: 1kB}
retry: {max: 1m, give_up_after: 1h}
shutdown_timeout: 10s
)");
  CHECK(pipeline.name == "p-1");
  CHECK(pipeline.sources[0].retry.initial == std::chrono::seconds(1));
  CHECK(pipeline.sources[0].retry.max == std::chrono::minutes(1));
  CHECK(pipeline.sources[0].retry.give_up_after == std::chrono::hours(1));
  CHECK(pipeline.sources[1].chain[0].name == "b.pick");
  CHECK(pipeline.sources[1].chain[1].name == "b.second");
  CHECK(pipeline.sinks[0].commit.every == std::chrono::seconds(5));
  CHECK(pipeline.sinks[0].commit.records == 7);
  CHECK(pipeline.sinks[1].commit.bytes == 1000);
  CHECK(pipeline.sinks[1].chain[0].name == "two.sample");
  CHECK(joined(pipeline.sinks[1].from) == "a,b");
  CHECK(pipeline.unmatched == pipeline::Unmatched::kDeadLetter);
  CHECK(pipeline.shutdown_timeout == std::chrono::seconds(10));
}

TEST_CASE("dead_letters: how long, how many, and where to") {
  const auto pipeline = good(R"(source: {feed: {path: a}}
sink: {void: {}}
dead_letters: {keep: 7d, keep_bytes: 1GiB, budget: {count: 10, share: 5%, within: 2m}, copy_to: {store: {path: b}, retry: {max: 5s}}}
)");
  CHECK(pipeline.dead_letters.retention.keep == std::chrono::hours(24 * 7));
  CHECK(pipeline.dead_letters.retention.keep_bytes == 1ULL << 30U);
  REQUIRE(pipeline.dead_letters.budget);
  CHECK(pipeline.dead_letters.budget->count == 10);
  CHECK(pipeline.dead_letters.budget->share == Approx(0.05));
  CHECK(pipeline.dead_letters.budget->within == std::chrono::minutes(2));
  REQUIRE(pipeline.dead_letter_copy);
  CHECK(pipeline.dead_letter_copy->type() == "store");
  CHECK(pipeline.dead_letter_copy->retry.max == std::chrono::seconds(5));
  const auto wrong = [](const std::string& value) {
    return findings("source: {feed: {path: a}}\nsink: {void: {}}\ndead_letters: " + value + "\n");
  };
  CHECK(wrong("{keep_bytes: 1kB}") == "3:28 out_of_range");
  CHECK(wrong("{budget: {within: 1m}}") == "3:24 missing_key");
  CHECK(wrong("{budget: {count: 1, within: 0s}}") == "3:43 out_of_range");
  CHECK(wrong("{copy_to: {stor: {path: b}}}") == "3:26 unknown_component");
  CHECK(wrong("{copy_to: {store: {path: b}, when: this.x}}") == "3:44 unknown_key");
}

TEST_CASE("from: forks and sources, brought into reading order") {
  const auto pipeline = good(R"(sources: {a: {feed: {path: a}}, b: {feed: {path: b}}}
transforms:
  - pick: this.late
    name: late
    from: early
  - put: {x: this.y}
    name: early
    from: a
sinks:
  one: {void: {}, from: late}
  two: {void: {}, from: [b]}
  three: {void: {}, from: [a, b]}
)");
  REQUIRE(pipeline.steps.size() == 2);
  CHECK(pipeline.steps[0].name == "early");
  CHECK(pipeline.steps[1].name == "late");
  CHECK(joined(pipeline.sinks[2].from) == "a,b");
}

TEST_CASE("what is wrong with the graph") {
  const std::string head = "source: {feed: {path: a}}\n";
  CHECK(findings(head + "transforms:\n  - pick: this.a\n    from: fed\nsink: {void: {}}\n") == "4:11 unknown_reference");
  CHECK(only_message(head + "transforms:\n  - pick: this.a\n    from: fed\nsink: {void: {}}\n") ==
        "there is no step or source \"fed\"|feed|");
  CHECK(findings(head + "transforms:\n  - pick: this.a\nsink: {void: {}, from: pick.rest}\n") == "4:24 unknown_reference");
  CHECK(findings(head + "transforms:\n  - pick: this.a\n    from: b\n  - pick: this.b\n    name: b\n    from: pick\nsink: {void: {}}\n") ==
        "4:11 cycle");
  CHECK(findings(head + "transforms:\n  - pick: this.a\n    from: pick\nsink: {void: {}}\n") == "4:11 cycle");
  CHECK(findings(head + "transforms:\n  - pick: this.a\nsink: {void: {}, from: feed}\n") == "3:5 unread_step");
  CHECK(findings("sources: {a: {feed: {path: a}}, b: {feed: {path: b}}}\nsink: {void: {}, from: a}\n") == "1:36 unread_step");
  CHECK(findings(head + "transforms:\n  - pick: this.a\n  - put: {a: this.b}\nsink: {void: {}, from: [pick, put]}\n") == "5:25 conflict");
  CHECK(findings(head + "sink: {void: {}, from: [feed, feed]}\n") == "2:31 conflict");
  CHECK(findings(head + "transforms:\n  - pick: this.a\n    name: feed\nsink: {void: {}, from: feed}\n") == "3:5 conflict");
}

TEST_CASE("names (CONFIG.md rule 3)") {
  CHECK(findings("name: Orders\n" + kEnds) == "1:7 bad_value");
  CHECK(findings("name: replay\n" + kEnds) == "1:7 bad_value");
  CHECK(findings("name: lock\n" + kEnds) == "1:7 bad_value");
  CHECK(findings("sources: {replay: {feed: {path: a}}}\nsink: {void: {}}\n") == "1:11 bad_value");
  CHECK(findings("source: {feed: {path: a}}\ntransforms:\n  - pick: this.a\n  - pick: this.b\nsink: {void: {}}\n") == "4:5 conflict");
  CHECK(findings("source: {feed: {path: a}}\ntransforms:\n  - pick: this.a\n  - pick: this.b\n    name: pick\nsink: {void: {}}\n") ==
        "5:11 conflict");
  CHECK(findings("sources: {a: {feed: {path: a}, name: x}}\nsink: {void: {}}\n") == "1:32 unknown_key");
  const Registry registry = test::test_registry();
  const FakeVariables variables;
  const auto loaded = daemon::load_pipeline_text(kEnds, "/x/My Orders.yaml", {registry, variables});
  CHECK(loaded.findings.findings().at(0).code == "missing_key");
}

TEST_CASE("components: unknown, missing, two, misplaced keys") {
  CHECK(only_message("source: {fed: {path: a}}\nsink: {void: {}}\n") == "there is no source \"fed\"|feed|known: feed");
  CHECK(only_message("source: {store: {path: a}}\nsink: {void: {}}\n") == "there is no source \"store\"||\"store\" is a sink");
  CHECK(findings("source: feed\nsink: {void: {}}\n") == "1:9 wrong_type");
  CHECK(findings("source: {name: x}\nsink: {void: {}}\n") == "1:9 missing_key");
  CHECK(findings("source: {feed: {path: a}}\nsink: {void: {}, store: {path: x}}\n") == "2:18 conflict");
  CHECK(only_message("source: {feed: {path: a}, count: 3}\nsink: {void: {}}\n") == "unknown key \"count\"||it belongs inside \"feed:\"");
  CHECK(findings("source: {feed: {path: a}, when: this.a}\nsink: {void: {}}\n") == "1:27 unknown_key");
  CHECK(good("source: {feed: {path: a}}\ntransforms:\n  - pick: this.a\n    images: false\nsink: {void: }\n").steps.size() == 1);
  CHECK(findings("source: {feed: {path: a}}\ntransforms:\n  - pick: this.a\n    imags: false\nsink: {void: {}}\n") == "4:5 unknown_key");
}

TEST_CASE("the frame of the file") {
  CHECK(findings("") == "1:1 missing_key");
  CHECK(findings("name:orders") == "1:1 wrong_type");
  CHECK(findings("- a\n") == "1:1 wrong_type");
  CHECK(findings("name: x\n") == "1:1 missing_key\n1:1 missing_key");
  CHECK(findings(kEnds + "sources: {a: {feed: {path: a}}}\n") == "3:1 conflict");
  CHECK(findings(kEnds + "sorce: 1\n") == "3:1 unknown_key");
  CHECK(findings(kEnds + "shards: 0\n") == "3:9 out_of_range");
  CHECK(findings(kEnds + "queue_bytes: 0\n") == "3:14 out_of_range");
  CHECK(findings(kEnds + "checkpoint: {every: 0s}\n") == "3:21 out_of_range");
  CHECK(findings(kEnds + "retry: {initial: 1m, max: 1s}\n") == "3:8 conflict");
  CHECK(findings(kEnds + "shutdown_timeout: 30\n") == "3:19 bad_value");
  CHECK(findings(kEnds + "unmatched: drop\n") == "3:12 conflict");
  CHECK(findings("source: {feed: {path: a}}\nsink: {void: {}, when: this.a}\n") == "2:1 missing_key");
}

TEST_CASE("all findings come at once (CONFIG.md rule 17)") {
  CHECK(findings("source: {feed: {pth: a}}\ntransforms:\n  - pik: this.a\n  - sample: 200%\n    on_error: skip\nsink: {store: {path: "
                 "[x]}}\nextra: 1\n") ==
        "1:16 missing_key\n1:17 unknown_key\n3:5 unknown_component\n4:13 out_of_range\n5:15 bad_value\n6:22 wrong_type\n7:1 unknown_key");
}

TEST_CASE("variables are substituted after parsing (CONFIG.md rule 9)") {
  const auto path = [](const std::string& value) {
    return good("source: {feed: {path: " + value + "}}\nsink: {void: {}}\n")
        .sources[0]
        .component->show(good("source: {feed: {path: " + value + "}}\nsink: {void: {}}\n").sources[0].config)[0]
        .second;
  };
  CHECK(path("\"${SET}\"") == "value: [x");
  CHECK(path("\"${UNSET:-other}\"") == "other");
  CHECK(path("\"${EMPTY:-other}\"") == "other");
  CHECK(path("\"$${SET}\"") == "${SET}");
  CHECK(path("\"${file:/secret}\"") == "s3cret");
  CHECK(findings("source: {feed: {path: \"${UNSET}\"}}\nsink: {void: {}}\n") == "1:24 unset_variable");
  CHECK(findings("source: {feed: {path: \"x${this.a}\"}}\nsink: {void: {}}\n") == "1:25 bad_value");
  CHECK(findings("source: {feed: {path: \"${file:/none}\"}}\nsink: {void: {}}\n") == "1:24 unreadable_file");
  const auto allowed = load("source: {feed: {path: \"${UNSET}\"}}\nsink: {void: {}}\n", true);
  CHECK_FALSE(allowed.findings.has_errors());
  CHECK(allowed.findings.findings().size() == 1);
}

TEST_CASE("expressions that YAML damaged are refused (CONFIG.md rule 15)") {
  const auto step = [](const std::string& value) {
    return findings("source: {feed: {path: a}}\ntransforms:\n  - pick: " + value + "\nsink: {void: {}}\n");
  };
  CHECK(step("this.a == 1 # fine") == "");
  CHECK(step("this.a == \"x #1\"") == "3:11 yaml_trap");
  CHECK(step("size(this.a # b)") == "3:11 yaml_trap");
  CHECK(step("this.a // 2") == "3:18 yaml_trap");
  CHECK(step("this.a == \"http://x\"") == "");
  CHECK(step("this.a == r'\\'") == "");
  CHECK(step(">\n      this.a\n      && this.b") == "3:11 yaml_trap");
  CHECK(step("|\n      this.a // note\n      && this.b") == "");
  CHECK(step("this.a\n      && this.b") == "");
}

TEST_CASE("findings for people and for programs") {
  const auto loaded = load("source:\n  feed: {path: a}\nsink: {store: {path: x, url: 'postgres://u:pässw@h/d', scret: y}}\n");
  const auto sorted = daemon::sorted_findings(loaded.findings);
  CHECK(daemon::findings_text(sorted, loaded.texts) ==
        "orders.yaml:3:56: error[unknown_key]: unknown key \"scret\"\n  at sink.store.scret\n"
        "     3 | sink: {store: {path: x, url: 'postgres://u:*****@h/d', scret: y}}\n       |" +
            std::string(56, ' ') + "^~~~~\n  did you mean \"secret\"?\n  hint: known here: path, secret, url\n");
  CHECK(daemon::findings_json(sorted) ==
        "{\"version\":1,\"findings\":[{\"severity\":\"error\",\"file\":\"orders.yaml\",\"line\":3,\"column\":56,\"end_line\":3,\"end_"
        "column\":61,"
        "\"path\":\"sink.store.scret\",\"code\":\"unknown_key\",\"message\":\"unknown key \\\"scret\\\"\",\"suggestion\":\"secret\","
        "\"hint\":\"known here: path, secret, url\"}]}\n");
}
