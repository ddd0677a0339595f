#pragma once
// Compiled regular expressions of one Program: those written in the source for good, the others up to a bound.  One thread.

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace re2 {
class RE2;
}

namespace sluice::expr {

class RegexCache {
 public:
  RegexCache();
  ~RegexCache();
  RegexCache(const RegexCache&) = delete;
  RegexCache& operator=(const RegexCache&) = delete;

  // Whether `text` has a match anywhere.  False with `problem` set (static or owned here) when the pattern is bad.
  bool matches(std::string_view pattern, std::string_view text, bool& result, std::string_view& problem);

 private:
  static constexpr std::size_t kMaxPatterns = 64;

  const re2::RE2& find(std::string_view pattern);

  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  std::unordered_map<std::string, std::unique_ptr<re2::RE2>, Hash, std::equal_to<>> patterns_;
};

}  // namespace sluice::expr
