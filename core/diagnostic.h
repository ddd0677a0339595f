#pragma once
// A finding about a configuration: what is wrong, where, and what helps.

#include <string>
#include <string_view>
#include <vector>

#include "core/config_node.h"

namespace sluice {

struct Diagnostic {
  enum class Severity : std::uint8_t { kError, kWarning };
  Severity severity = Severity::kError;
  Place place;
  std::string path;
  std::string_view code;  // of the closed list in COMPONENTS.md; static storage
  std::string message;
  std::string suggestion;  // "paths": what was probably meant; empty: none
  std::string hint;        // what to do; empty: none
};

// Collects all findings of a run, so that they come back at once.  One thread.
class Diagnostics {
 public:
  void add(Diagnostic finding) { findings_.push_back(std::move(finding)); }
  void error(const ConfigNode& node, std::string_view code, std::string message, std::string hint = {}) {
    findings_.push_back({Diagnostic::Severity::kError, node.place, node.path, code, std::move(message), {}, std::move(hint)});
  }
  void warning(const ConfigNode& node, std::string_view code, std::string message, std::string hint = {}) {
    findings_.push_back({Diagnostic::Severity::kWarning, node.place, node.path, code, std::move(message), {}, std::move(hint)});
  }
  const std::vector<Diagnostic>& findings() const { return findings_; }
  bool has_errors() const { return has_errors_since(0); }
  // Whether any of the findings from index `first` on is an error.
  bool has_errors_since(std::size_t first) const;

 private:
  std::vector<Diagnostic> findings_;
};

// The candidate nearest to `word` by edit distance (with transpositions), or "" if none is near enough to be meant.
std::string nearest(std::string_view word, const std::vector<std::string_view>& candidates);

}  // namespace sluice
