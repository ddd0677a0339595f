#pragma once
// What the tests of the file source share: its configuration, and numbered rows.

#include <string>
#include <utility>
#include <vector>

#include "source_harness.h"

namespace sluice::testing {

using Strings = std::vector<std::string>;

inline ConfigNode config(const std::string& pattern, const std::string& mode, std::vector<std::pair<std::string, ConfigNode>> more = {}) {
  more.emplace_back("paths", list({pattern}));
  more.emplace_back("mode", scalar(mode));
  return mapping(std::move(more));
}

inline std::string line(int i) { return "{\"i\":" + std::to_string(i) + "}\n"; }
inline std::string row(int i) { return "{\"i\":" + std::to_string(i) + "}"; }

inline std::string lines(int first, int last) {
  std::string text;
  for (int i = first; i <= last; ++i) text += line(i);
  return text;
}
inline Strings rows(int first, int last) {
  Strings result;
  for (int i = first; i <= last; ++i) result.push_back(row(i));
  return result;
}

inline BatchLimits small_batches(std::size_t records) {
  BatchLimits limits;
  limits.records = records;
  return limits;
}

}  // namespace sluice::testing
