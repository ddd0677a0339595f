#include "daemon/findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <tuple>

namespace sluice::daemon {

namespace {

constexpr std::size_t kExcerptWidth = 160;  // code points; longer lines are cut

bool continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U; }

// Replaces the password of each user:password@ by an asterisk for each of its characters, so that the caret still fits.
std::string hide_passwords(std::string_view line) {
  std::string result(line);
  for (std::size_t at = result.find("://"); at != std::string::npos; at = result.find("://", at + 3)) {
    const std::size_t end = std::min(result.find_first_of(" \t\"'/?#", at + 3), result.size());
    const std::size_t user_end = result.rfind('@', end);
    const std::size_t colon = result.find(':', at + 3);
    if (user_end == std::string::npos || user_end < at || colon == std::string::npos || colon > user_end) continue;
    const auto points = std::count_if(result.begin() + static_cast<std::ptrdiff_t>(colon) + 1,
                                      result.begin() + static_cast<std::ptrdiff_t>(user_end), [](char c) { return !continuation(c); });
    result.replace(colon + 1, user_end - colon - 1, static_cast<std::size_t>(points), '*');
  }
  return result;
}

std::string excerpt(const Place& place, const SourceTexts& texts) {
  std::string line = hide_passwords(texts.line(place.file, place.line));
  if (line.empty()) return {};
  std::replace(line.begin(), line.end(), '\t', ' ');
  const auto width = static_cast<std::size_t>(std::count_if(line.begin(), line.end(), [](char c) { return !continuation(c); }));
  const std::size_t begin = std::min<std::size_t>(place.column == 0 ? 0 : place.column - 1, width);
  const std::size_t end = place.end_line == place.line ? std::min<std::size_t>(place.end_column - 1, width) : width;
  if (begin >= kExcerptWidth) return {};
  if (width > kExcerptWidth) {
    std::size_t bytes = 0;
    for (std::size_t points = 0; bytes < line.size() && (points < kExcerptWidth || continuation(line[bytes])); ++bytes)
      points += continuation(line[bytes]) ? 0U : 1U;
    line.resize(bytes);
  }
  const std::size_t marked = std::max<std::size_t>(std::min(end, kExcerptWidth), begin + 1) - begin;
  return fmt::format("  {:>4} | {}\n       | {}^{}\n", place.line, line, std::string(begin, ' '), std::string(marked - 1, '~'));
}

auto identity(const Diagnostic& d) { return std::tie(d.place.file, d.place.line, d.place.column, d.code, d.path, d.message); }

std::string_view severity_name(const Diagnostic& finding) { return finding.severity == Diagnostic::Severity::kError ? "error" : "warning"; }

// About the text itself, before it meant anything.
bool about_yaml(const Diagnostic& d) { return d.severity == Diagnostic::Severity::kError && d.code.starts_with("yaml_"); }

// `other` begins inside of what `yaml` is about.
bool follows_from(const Diagnostic& other, const Diagnostic& yaml) {
  if (about_yaml(other) || other.place.file != yaml.place.file) return false;
  const auto begin = std::pair(other.place.line, other.place.column);
  return begin >= std::pair(yaml.place.line, yaml.place.column) && begin < std::pair(yaml.place.end_line, yaml.place.end_column);
}

void drop_consequences(std::vector<Diagnostic>& findings) {
  std::vector<Diagnostic> causes;
  std::copy_if(findings.begin(), findings.end(), std::back_inserter(causes), about_yaml);
  std::erase_if(findings, [&](const Diagnostic& finding) {
    return std::any_of(causes.begin(), causes.end(), [&](const Diagnostic& cause) { return follows_from(finding, cause); });
  });
}

}  // namespace

std::vector<Diagnostic> sorted_findings(const Diagnostics& findings) {
  std::vector<Diagnostic> result = findings.findings();
  std::stable_sort(result.begin(), result.end(), [](const Diagnostic& a, const Diagnostic& b) { return identity(a) < identity(b); });
  result.erase(
      std::unique(result.begin(), result.end(), [](const Diagnostic& a, const Diagnostic& b) { return identity(a) == identity(b); }),
      result.end());
  drop_consequences(result);
  return result;
}

std::string findings_text(const std::vector<Diagnostic>& findings, const SourceTexts& texts) {
  std::string out;
  for (const Diagnostic& finding : findings) {
    const Place& place = finding.place;
    fmt::format_to(std::back_inserter(out), "{}:{}:{}: {}[{}]: {}\n", place.file, place.line, place.column, severity_name(finding),
                   finding.code, finding.message);
    if (!finding.path.empty()) out += "  at " + finding.path + "\n";
    out += excerpt(place, texts);
    if (!finding.suggestion.empty()) out += "  did you mean \"" + finding.suggestion + "\"?\n";
    if (!finding.hint.empty()) out += "  hint: " + finding.hint + "\n";
  }
  return out;
}

std::string findings_json(const std::vector<Diagnostic>& findings) {
  auto list = nlohmann::ordered_json::array();
  for (const Diagnostic& finding : findings) {
    nlohmann::ordered_json item = {{"severity", severity_name(finding)},
                                   {"file", finding.place.file},
                                   {"line", finding.place.line},
                                   {"column", finding.place.column},
                                   {"end_line", finding.place.end_line},
                                   {"end_column", finding.place.end_column},
                                   {"path", finding.path},
                                   {"code", finding.code},
                                   {"message", finding.message}};
    if (!finding.suggestion.empty()) item["suggestion"] = finding.suggestion;
    if (!finding.hint.empty()) item["hint"] = finding.hint;
    list.push_back(std::move(item));
  }
  const nlohmann::ordered_json all = {{"version", 1}, {"findings", std::move(list)}};
  return all.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace sluice::daemon
