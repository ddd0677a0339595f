#include "expr/regex_cache.h"

#include <re2/re2.h>

namespace sluice::expr {

RegexCache::RegexCache() = default;
RegexCache::~RegexCache() = default;

const re2::RE2& RegexCache::find(std::string_view pattern) {
  const auto found = patterns_.find(pattern);
  if (found != patterns_.end()) return *found->second;
  if (patterns_.size() >= kMaxPatterns) patterns_.clear();
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);  // bytes; a pattern that needs more is refused
  auto compiled = std::make_unique<re2::RE2>(re2::StringPiece(pattern.data(), pattern.size()), options);
  return *patterns_.emplace(std::string(pattern), std::move(compiled)).first->second;
}

bool RegexCache::matches(std::string_view pattern, std::string_view text, bool& result, std::string_view& problem) {
  const re2::RE2& regex = find(pattern);
  if (!regex.ok()) {
    problem = regex.error();
    return false;
  }
  result = re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), regex);
  return true;
}

}  // namespace sluice::expr
