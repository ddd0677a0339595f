// CONFIG.md rules 15 to 17 over the corpus: every mistake is found, at its place, quickly, and nothing else is.
#include <time.h>
#include <catch2/catch.hpp>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "daemon/findings.h"
#include "tests/config/corpus.h"

using namespace sluice;

namespace {

// COMPONENTS.md `validate --json`: the closed list.
const std::set<std::string_view> kCodes = {"unknown_key",
                                           "unknown_component",
                                           "unknown_reference",
                                           "missing_key",
                                           "wrong_type",
                                           "bad_value",
                                           "out_of_range",
                                           "duplicate_key",
                                           "conflict",
                                           "unset_variable",
                                           "unread_step",
                                           "cycle",
                                           "yaml_syntax",
                                           "yaml_limit",
                                           "yaml_trap",
                                           "expression_syntax",
                                           "expression_type",
                                           "expression_unknown_field",
                                           "expression_unknown_function",
                                           "constant_condition",
                                           "template_maybe_null",
                                           "renamed_pipeline",
                                           "unreadable_file"};

std::string sorted_lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  std::sort(lines.begin(), lines.end());
  std::string result;
  for (const std::string& line : lines) result += line + "\n";
  return result;
}

bool lies_in(const Place& place, const std::string& text) {
  const auto lines = static_cast<std::uint32_t>(std::count(text.begin(), text.end(), '\n')) + 1;
  return place.line >= 1 && place.line <= lines && place.column >= 1 &&
         std::pair(place.end_line, place.end_column) >= std::pair(place.line, place.column);
}

// Of this thread: how busy the machine is does not count.
std::chrono::nanoseconds processor_time() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

// The bound is for a plain build; a sanitizer takes many times as long.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr auto kLongest = std::chrono::milliseconds(2000);
#else
constexpr auto kLongest = std::chrono::milliseconds(50);
#endif

}  // namespace

TEST_CASE("every mistake of the corpus is found where it is (CONFIG.md rule 17)") {
  const auto files = test::corpus_files("wrong");
  CHECK(files.size() >= 300);
  std::set<std::string_view> met;
  for (const auto& path : files) {
    const test::Case one = test::read_case(path);
    INFO(one.name);
    const auto begin = processor_time();
    const auto loaded = test::load_case(one);
    CHECK(processor_time() - begin < kLongest);
    CHECK_FALSE(one.expected.empty());
    if (const char* record = std::getenv("SLUICE_RECORD_FINDINGS"); record != nullptr) {
      const auto shown = daemon::findings_text(daemon::sorted_findings(loaded.findings), loaded.texts);
      std::ofstream(record, std::ios::app) << "== " << one.name << "\n-- expected\n"
                                           << one.expected << "-- found\n"
                                           << test::findings_of(loaded) << shown;
    }
    CHECK(sorted_lines(test::findings_of(loaded)) == sorted_lines(one.expected));
    for (const Diagnostic& finding : loaded.findings.findings()) {
      CHECK(kCodes.contains(finding.code));
      CHECK_FALSE(finding.message.empty());
      CHECK(lies_in(finding.place, one.text));
      met.insert(finding.code);
    }
  }
  // It needs a daemon that ran before.
  met.insert("renamed_pipeline");
  CHECK(met == kCodes);
}

TEST_CASE("findings of the corpus can be shown and written as JSON") {
  for (const auto& path : test::corpus_files("wrong")) {
    const auto loaded = test::load_case(test::read_case(path));
    INFO(path.stem().string());
    const auto findings = daemon::sorted_findings(loaded.findings);
    const std::string text = daemon::findings_text(findings, loaded.texts);
    CHECK(text.find(path.stem().string() + ".yaml:") == 0);
    CHECK(text.find("s3cret") == std::string::npos);
    CHECK(daemon::findings_json(findings).starts_with("{\"version\":1,\"findings\":[{"));
  }
}

TEST_CASE("good configurations give the tree that is written beside them") {
  const auto files = test::corpus_files("good");
  CHECK(files.size() >= 20);
  for (const auto& path : files) {
    const test::Case one = test::read_case(path);
    INFO(one.name);
    const auto loaded = test::load_case(one);
    UNSCOPED_INFO(daemon::findings_text(daemon::sorted_findings(loaded.findings), loaded.texts));
    CHECK(test::findings_of(loaded) == one.expected);
    REQUIRE_FALSE(loaded.findings.has_errors());
    auto tree = path;
    tree.replace_extension(".tree");
    const std::string given = test::tree_of(one, loaded.pipelines.at(0));
    if (std::getenv("SLUICE_WRITE_TREES") != nullptr) std::ofstream(tree, std::ios::binary) << given;
    CHECK(given == test::read_file(tree));
  }
}
