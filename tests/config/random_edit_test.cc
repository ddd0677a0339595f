// A slip in a good configuration leaves it good, or is found where it was made.  SLUICE_TEST_SEEDS: how many slips per 10.
#include <catch2/catch.hpp>

#include <cstdlib>
#include <map>
#include <set>
#include <sstream>

#include "daemon/findings.h"
#include "tests/config/corpus.h"
#include "tests/config/edits.h"

using namespace sluice;

namespace {

int edits_to_try() {
  const char* const seeds = std::getenv("SLUICE_TEST_SEEDS");
  return std::max(2000, seeds == nullptr ? 0 : std::atoi(seeds) * 10);
}

bool touches(const Diagnostic& finding, std::uint32_t line) {
  return finding.place.line <= line && line <= std::max(finding.place.line, finding.place.end_line);
}

// Who reads whom is wrong where a name is used, which may be far from where it was misspelt; so is a field that nothing makes any more.
bool about_names(const Diagnostic& finding) {
  static const std::set<std::string_view> kCodes = {"unknown_reference", "unread_step", "cycle", "conflict", "expression_unknown_field"};
  return kCodes.contains(finding.code) || (finding.code == "yaml_syntax" && finding.message.starts_with("no anchor"));
}

// The line may have held what stands around it together: its owner lacks a key, a bracket or a quote has lost its partner, a block
// its head.
bool follows_from_removal(const Diagnostic& finding, const test::Edit& edit) {
  if (touches(finding, edit.line) || touches(finding, edit.line - 1)) return true;
  if (finding.code == "missing_key") return finding.place.line <= edit.line;
  return finding.code == "yaml_syntax" && finding.place.line <= edit.block_end;
}

// What a merge brings is placed where it is written, which is not where it does not fit.
bool in_extension(const Diagnostic& finding, const std::string& text) {
  std::istringstream stream(text);
  bool extension = false;
  std::string line;
  for (std::uint32_t number = 1; number <= finding.place.line && std::getline(stream, line); ++number) {
    if (!line.empty() && line[0] != ' ') extension = line.starts_with("x-");
  }
  return extension;
}

bool located(const test::Edit& edit, const Diagnostic& finding) {
  if (about_names(finding) || in_extension(finding, edit.text)) return true;
  switch (edit.kind) {
    case test::Edit::Kind::kLineRemoved: return follows_from_removal(finding, edit);
    case test::Edit::Kind::kMisspeltKey:  // `sinks` without its s is a key too, and what stands below it does not fit
      return edit.line <= finding.place.line && finding.place.line <= edit.block_end;
    case test::Edit::Kind::kOtherType:  // nothing is as good as no line at all
      return touches(finding, edit.line) || (finding.code == "missing_key" && finding.place.line <= edit.line);
    case test::Edit::Kind::kUnitRemoved: break;
  }
  return touches(finding, edit.line);
}

}  // namespace

TEST_CASE("one random slip leaves a configuration good or is found on its line (CONFIG.md rule 17)") {
  std::vector<test::Case> good;
  for (const auto& path : test::corpus_files("good")) good.push_back(test::read_case(path));
  std::mt19937 random(20240229);
  std::map<std::string_view, int> codes;
  int found = 0, still_good = 0;
  const int wanted = edits_to_try();
  for (int tried = 0; tried < wanted;) {
    const test::Case& original = good[static_cast<std::size_t>(tried) % good.size()];
    const auto edit = test::random_edit(original.text, random);
    ++tried;
    if (!edit) continue;
    const auto loaded = test::load_case({original.name, edit->text, {}});
    if (!loaded.findings.has_errors()) {
      ++still_good;
      continue;
    }
    ++found;
    const auto findings = daemon::sorted_findings(loaded.findings);
    for (const Diagnostic& finding : findings) ++codes[finding.code];
    const bool any = std::any_of(findings.begin(), findings.end(), [&](const Diagnostic& finding) { return located(*edit, finding); });
    if (any) continue;
    UNSCOPED_INFO(original.name << ":" << edit->line << "  " << edit->what << "\n" << daemon::findings_text(findings, loaded.texts));
    CHECK(any);
  }
  INFO(found << " found, " << still_good << " still good");
  CHECK(found > wanted / 3);
  CHECK(still_good > wanted / 50);
  CHECK(codes.size() >= 8);
}
