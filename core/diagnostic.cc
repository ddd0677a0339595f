#include "core/diagnostic.h"

#include <algorithm>
#include <numeric>

namespace sluice {

namespace {

// Damerau-Levenshtein with adjacent transpositions (optimal string alignment).
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substitution = last[j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, substitution});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

// What hands mix up: capitals, and - for _.
std::string plain(std::string_view word) {
  std::string result(word);
  for (char& c : result) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c == '-' || c == ' ' ? '_' : c;
  return result;
}

}  // namespace

bool Diagnostics::has_errors_since(std::size_t first) const {
  first = std::min(first, findings_.size());
  return std::any_of(findings_.begin() + static_cast<std::ptrdiff_t>(first), findings_.end(),
                     [](const Diagnostic& d) { return d.severity == Diagnostic::Severity::kError; });
}

std::string nearest(std::string_view word, const std::vector<std::string_view>& candidates) {
  if (word.empty() || word.size() > 64) return {};
  const std::string wanted = plain(word);
  // Two slips in a long word, one in a short one: more would suggest unrelated words.
  std::size_t best_distance = wanted.size() <= 3 ? 2 : 3;
  std::string best;
  for (const std::string_view candidate : candidates) {
    const std::size_t distance = edit_distance(wanted, plain(candidate));
    const bool prefix = (wanted.size() >= 3 && candidate.starts_with(wanted)) || (candidate.size() >= 4 && wanted.starts_with(candidate));
    // Of two that are as near, the one of the same length: letters are exchanged more often than left out.
    const bool tie = distance == best_distance && !best.empty() && candidate.size() == word.size() && best.size() != word.size();
    if (distance < best_distance || tie || (prefix && best.empty())) {
      best_distance = std::min(best_distance, distance);
      best = candidate;
    }
  }
  return best;
}

}  // namespace sluice
