// CONFIG.md rule 15: located errors instead of silent damage.
#include <catch2/catch.hpp>

#include "daemon/yaml_loader.h"

using namespace sluice;

namespace {

struct Loaded {
  std::optional<ConfigNode> root;
  Diagnostics findings;
  const Diagnostic& only() const {
    REQUIRE(findings.findings().size() == 1);
    return findings.findings()[0];
  }
};

Loaded load(std::string_view text, const daemon::YamlLimits& limits = {}) {
  Loaded loaded;
  loaded.root = daemon::load_yaml(text, "t.yaml", loaded.findings, limits);
  return loaded;
}

std::string where(const Place& place) {
  return std::to_string(place.line) + ":" + std::to_string(place.column) + "-" + std::to_string(place.end_line) + ":" +
         std::to_string(place.end_column);
}

std::string shown(const ConfigNode& node) {
  switch (node.kind) {
    case ConfigNode::Kind::kNull: return "null";
    case ConfigNode::Kind::kScalar: return node.text;
    case ConfigNode::Kind::kSequence: {
      std::string result = "[";
      for (const ConfigNode& item : node.items) result += (result.size() == 1 ? "" : ",") + shown(item);
      return result + "]";
    }
    case ConfigNode::Kind::kMapping: {
      std::string result = "{";
      for (const auto& [key, value] : node.entries) result += (result.size() == 1 ? "" : ",") + key.text + ":" + shown(value);
      return result + "}";
    }
  }
  return {};
}

std::string good(std::string_view text) {
  const Loaded loaded = load(text);
  for (const Diagnostic& finding : loaded.findings.findings()) INFO(finding.message);
  REQUIRE(loaded.findings.findings().empty());
  REQUIRE(loaded.root);
  return shown(*loaded.root);
}

struct BadCase {
  std::string_view text, code, place;
  std::string_view in_message;
};

}  // namespace

TEST_CASE("values stay text; only null, ~ and nothing are null") {
  CHECK(good("a: yes\nb: 010\nc: 1e3\nd: null\ne: ~\nf:\ng: \"null\"\nh: 'x'\n") == "{a:yes,b:010,c:1e3,d:null,e:null,f:null,g:null,h:x}");
  CHECK(load("g: \"null\"").root->entries[0].second.is_scalar());
  CHECK(good("") == "null");
  CHECK(good("# only a comment\n") == "null");
  CHECK(good("\xef\xbb\xbf"
             "a: 1\r\nb: [x, {c: d}]\r\n") == "{a:1,b:[x,{c:d}]}");
}

TEST_CASE("anchors, aliases and merges; x- keys are left out") {
  CHECK(good("x-base: &b {p: 1, q: 2}\nuse: {<<: *b, q: 3}\n") == "{use:{q:3,p:1}}");
  CHECK(good("x-1: &a {p: 1}\nx-2: &b {p: 2, r: 4}\nuse:\n  <<: [*a, *b]\n  s: *a\n") == "{use:{s:{p:1},p:1,r:4}}");
  CHECK(good("a: &n\nb: *n\n") == "{a:null,b:null}");
  CHECK(good("'<<': text\n") == "{<<:text}");
  CHECK(good("a:\n  x-inner: 1\n") == "{a:{x-inner:1}}");
  const Loaded loaded = load("x-base: &b\n  p: 1\nuse:\n  <<: *b\n");
  const ConfigNode& merged = loaded.root->entries[0].second.entries[0].second;
  CHECK(merged.path == "use.p");
  CHECK(where(merged.place) == "2:6-2:7");
}

TEST_CASE("paths and places count code points from 1") {
  const Loaded loaded = load("ä: [ö, {k: v}]\nlist:\n  - name: x\n    'a.b': y\n");
  const ConfigNode& root = *loaded.root;
  CHECK(where(root.entries[0].first.place) == "1:1-1:2");
  CHECK(where(root.entries[0].second.items[0].place) == "1:5-1:6");
  CHECK(root.entries[0].second.items[1].entries[0].second.path == "`ä`[1].k");
  const ConfigNode& item = root.entries[1].second.items[0];
  CHECK(item.entries[0].second.path == "list[0].name");
  CHECK(where(item.entries[0].second.place) == "3:11-3:12");
  CHECK(item.entries[1].second.path == "list[0].`a.b`");
  CHECK(where(item.entries[1].first.place) == "4:5-4:10");
}

TEST_CASE("places inside scalars follow folding, indentation and escapes") {
  const auto at = [](std::string_view yaml, std::string_view word) {
    const Loaded loaded = load(yaml);
    REQUIRE(loaded.root);
    const ConfigNode& node = loaded.root->entries[0].second;
    INFO(node.text);
    const std::size_t offset = node.text.find(word);
    REQUIRE(offset != std::string::npos);
    return where(node.place_in_text(offset, word.size()));
  };
  CHECK(at("a: one two", "two") == "1:8-1:11");
  CHECK(at("a: 'one two'", "two") == "1:9-1:12");
  CHECK(at("a: 'it''s two'", "two") == "1:11-1:14");
  CHECK(at("a: \"\\t\\u00e9\\\\ two\"", "two") == "1:16-1:19");
  CHECK(at("a: \"one\n  two\n\n  three\"", "three") == "4:3-4:8");
  CHECK(at("a: \"one\\\n  two\"", "two") == "2:3-2:6");
  CHECK(at("a: one\n  two\n  three\n", "three") == "3:3-3:8");
  CHECK(at("a: |\n  one\n  two\n\n    three\n", "three") == "5:5-5:10");
  CHECK(at("a: |2-\n    one\n  two\n", "one") == "2:5-2:8");
  CHECK(at("a: >  # note\n  one\n  two\n\n  three\n", "three") == "5:3-5:8");
  CHECK(at("a: |\r\n  one\r\n  two\r\n", "two") == "3:3-3:6");
  CHECK(at("a: &x\n  one two\n", "two") == "2:7-2:10");
}

TEST_CASE("styles") {
  const Loaded loaded = load("a: x\nb: 'x'\nc: \"x\"\nd: |\n  x\ne: >\n  x\nf: x # note\ng: x#y\n");
  const auto& entries = loaded.root->entries;
  CHECK(entries[0].second.style == ConfigNode::Style::kPlain);
  CHECK(entries[1].second.style == ConfigNode::Style::kSingleQuoted);
  CHECK(entries[2].second.style == ConfigNode::Style::kDoubleQuoted);
  CHECK(entries[3].second.style == ConfigNode::Style::kLiteral);
  CHECK(entries[4].second.style == ConfigNode::Style::kFolded);
  CHECK(entries[5].second.comment_follows);
  CHECK_FALSE(entries[6].second.comment_follows);
}

TEST_CASE("what YAML would take in silence is a finding") {
  const BadCase cases[] = {
      {"a: 1\nb: 2\na: 3\n", "duplicate_key", "3:1-3:2", "first in line 1"},
      {"f: !this.x\n", "yaml_trap", "1:4-1:11", "tag"},
      {"f: !has(this.b) && this.c\n", "yaml_trap", "1:4-1:26", "tag"},
      {"f: !!str 1\n", "yaml_trap", "1:4-1:11", "tag"},
      {"f: !x {a: 1}\n", "yaml_trap", "1:4-1:6", "tag"},
      {"a: \"abc\n", "yaml_syntax", "1:4-2:1", "not closed"},
      {"a: 1\nbcd\n", "yaml_syntax", "2:1-2:4", "no colon"},
      {"a: 1\nb:2\n", "yaml_syntax", "2:1-2:4", "no colon"},
      {"c: {t: decimal(10,2)}\n", "yaml_trap", "1:8-1:21", "splits"},
      {"c: [f(a, b)]\n", "yaml_trap", "1:5-1:12", "splits"},
      {"a: 1\n---\nb: 2\n", "yaml_syntax", "2:1-2:4", "second document"},
      {"<<: 3\na: 1\n", "yaml_syntax", "1:1-1:3", "<<"},
      {": x\n", "yaml_syntax", "1:1-1:2", "key is missing"},
      {"a: x\x04\nb: 1\n", "yaml_syntax", "1:5-1:6", "U+0004"},
      {"a: \xff\n", "yaml_syntax", "1:4-1:5", "UTF-8"},
      {"a: \xed\xa0\x80\n", "yaml_syntax", "1:4-1:5", "UTF-8"},
  };
  for (const BadCase& bad : cases) {
    INFO(bad.text);
    const Loaded loaded = load(bad.text);
    for (const Diagnostic& finding : loaded.findings.findings()) UNSCOPED_INFO(finding.code << " " << finding.message);
    CHECK(loaded.only().code == bad.code);
    CHECK(where(loaded.only().place) == bad.place);
    CHECK(loaded.only().message.find(bad.in_message) != std::string::npos);
  }
}

TEST_CASE("syntax errors say what was probably meant") {
  const BadCase cases[] = {
      {"a:\n\tb: 1\n", "yaml_syntax", "2:1-2:2", "tab"},
      {"a: b\n\tc\n", "yaml_syntax", "2:1-2:2", "tab"},
      {"a: this.x ? 1 : 2\n", "yaml_syntax", "1:15-1:16", "second \": \""},
      {"a: \"x\" == this.y\n", "yaml_syntax", "1:4-1:17", "closing quote"},
      {"a: @b\n", "yaml_syntax", "1:4-1:6", "cannot begin with @"},
      {"a: *b\n", "yaml_syntax", "1:4-1:6", "no anchor &b"},
      {"a: {u: ${X}}\n", "yaml_syntax", "1:8-1:10", "must be quoted"},
      {"a: [1, 2\nb: 1\n", "yaml_syntax", "1:4-1:5", "not closed"},
      {"a: &x [*x]\n", "yaml_syntax", "1:8-1:9", "inside the value"},
      {"? [a]\n: b\n", "yaml_syntax", "1:3-1:5", "a key must be text"},
      {"%YAML 2.0\n---\na: b\n", "yaml_syntax", "1:1-1:10", "%"},
  };
  for (const BadCase& bad : cases) {
    INFO(bad.text);
    const Loaded loaded = load(bad.text);
    CHECK_FALSE(loaded.root);
    for (const Diagnostic& finding : loaded.findings.findings()) UNSCOPED_INFO(finding.code << " " << finding.message);
    CHECK(loaded.only().code == bad.code);
    CHECK(where(loaded.only().place) == bad.place);
    CHECK(loaded.only().message.find(bad.in_message) != std::string::npos);
  }
}

TEST_CASE("limits: depth, values, aliases, size") {
  std::string deep;
  for (int i = 0; i < 65; ++i) deep += "[";
  CHECK(load(deep).only().code == "yaml_limit");
  std::string fits = "a: ";
  for (int i = 0; i < 63; ++i) fits += "[";
  for (int i = 0; i < 63; ++i) fits += "]";
  CHECK(load(fits).findings.findings().empty());

  std::string laughs = "x-0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    laughs += "x-" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) laughs += (j == 0 ? "*a" : ", *a") + std::to_string(i - 1);
    laughs += "]\n";
  }
  CHECK(load(laughs).only().code == "yaml_limit");

  std::string wide = "x-list: &a [x";  // few levels, and as much work
  for (int i = 0; i < 999; ++i) wide += ", x";
  wide += "]\n";
  for (int i = 0; i < 9; ++i) wide += "x-" + std::to_string(i) + ": *a\n";
  CHECK(load(wide).only().message.find("anchors and aliases") != std::string::npos);
  CHECK(load(laughs).only().message.find("anchors and aliases") != std::string::npos);

  daemon::YamlLimits small;
  small.bytes = 4;
  CHECK(load("a: 12", small).only().code == "yaml_limit");
  small = {};
  small.nodes = 3;
  CHECK(load("a: 1", small).findings.findings().empty());
  CHECK(load("a: 1\nb: 2", small).only().code == "yaml_limit");
}
