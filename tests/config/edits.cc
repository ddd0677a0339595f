#include "tests/config/edits.h"

#include <algorithm>
#include <array>
#include <regex>
#include <sstream>
#include <vector>

namespace sluice::test {

namespace {

struct Span {
  std::size_t line = 0;  // 0-based
  std::size_t begin = 0, length = 0;
};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string result;
  for (const std::string& line : lines) result += line + "\n";
  return result;
}

std::size_t indentation(const std::string& line) { return std::min(line.find_first_not_of(' '), line.size()); }

// 1-based, in a text that has lost line `at`; of one that has not, the block's last line.
std::uint32_t block_end(const std::vector<std::string>& lines, std::size_t at) {
  std::size_t end = at + 1;
  while (end < lines.size() && indentation(lines[end]) > indentation(lines[at])) ++end;
  return static_cast<std::uint32_t>(end);
}

// Lines that are keys and values: neither comments nor inside of a block scalar.
std::vector<bool> structure(const std::vector<std::string>& lines) {
  static const std::regex kBlockBegins(R"([:-] (&\S+ )?[|>][-+0-9]*\s*(#.*)?$)");
  std::vector<bool> result(lines.size(), true);
  std::size_t block = std::string::npos;  // indentation of the line that began one
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::size_t indent = indentation(lines[i]);
    const bool blank = indent == lines[i].size();
    if (block != std::string::npos && (blank || indent > block)) {
      result[i] = false;
      continue;
    }
    block = std::regex_search(lines[i], kBlockBegins) ? indent : std::string::npos;
    if (blank || lines[i][indent] == '#') result[i] = false;
  }
  return result;
}

// All matches of the pattern's first group in lines of structure.
std::vector<Span> matches(const std::vector<std::string>& lines, const std::regex& pattern) {
  std::vector<Span> spans;
  const auto wanted = structure(lines);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (!wanted[i]) continue;
    for (std::sregex_iterator it(lines[i].begin(), lines[i].end(), pattern), end; it != end; ++it)
      spans.push_back({i, static_cast<std::size_t>(it->position(1)), static_cast<std::size_t>(it->length(1))});
  }
  return spans;
}

std::size_t below(std::size_t bound, std::mt19937& random) { return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random); }

std::string misspelt(std::string word, std::mt19937& random) {
  const std::size_t at = below(word.size(), random);
  switch (below(3, random)) {
    case 0: return word.insert(at, 1, word[at]);
    case 1: return word.size() > 1 ? word.erase(at, 1) : word + "x";
    default: break;
  }
  if (at + 1 < word.size()) std::swap(word[at], word[at + 1]);
  return word;
}

std::string of_other_type(std::mt19937& random) {
  static constexpr std::array<const char*, 6> kValues = {"[some, list]", "{some: mapping}", "nonsense", "", "-7", "'quoted text'"};
  return kValues[below(kValues.size(), random)];
}

}  // namespace

std::optional<Edit> random_edit(const std::string& text, std::mt19937& random) {
  static const std::regex kKey(R"((?:^\s*(?:- )*|[{,] ?)([A-Za-z_][A-Za-z0-9_-]+):(?=\s|$))");
  static const std::regex kValue(R"([A-Za-z0-9_]: ([A-Za-z0-9][A-Za-z0-9_./%]*)(?=$|[,}]| #))");
  static const std::regex kUnit(R"(: [0-9.]+( ?(?:ms|s|m|h|d|%|/s|/m|kB|KiB|MiB|GiB))(?=$|[,}]| #))");
  Edit edit;
  edit.kind = static_cast<Edit::Kind>(below(Edit::kKinds, random));
  std::vector<std::string> lines = lines_of(text);
  if (edit.kind == Edit::Kind::kLineRemoved) {
    const std::size_t at = below(lines.size(), random);
    edit.what = "removed: " + lines[at];
    edit.line = static_cast<std::uint32_t>(at) + 1;
    edit.block_end = block_end(lines, at);
    lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(at));
    edit.text = joined(lines);
    return edit;
  }
  const auto spans = matches(lines, edit.kind == Edit::Kind::kMisspeltKey ? kKey : edit.kind == Edit::Kind::kOtherType ? kValue : kUnit);
  if (spans.empty()) return std::nullopt;
  const Span span = spans[below(spans.size(), random)];
  std::string& line = lines[span.line];
  const std::string before = line;
  std::string replacement;
  if (edit.kind == Edit::Kind::kMisspeltKey) replacement = misspelt(line.substr(span.begin, span.length), random);
  if (edit.kind == Edit::Kind::kOtherType) replacement = of_other_type(random);
  line.replace(span.begin, span.length, replacement);
  edit.what = before + "  ->  " + line;
  edit.line = static_cast<std::uint32_t>(span.line) + 1;
  edit.block_end = block_end(lines, span.line);
  edit.text = joined(lines);
  return edit;
}

}  // namespace sluice::test
