#pragma once
// The files of a run, kept for excerpts in findings.  One thread.

#include <map>
#include <string>
#include <string_view>

#include "core/result.h"

namespace sluice::daemon {

// A whole file.  kInvalidConfig unreadable_file when it cannot be read or is larger than `limit` bytes.
Result<std::string> read_whole_file(const std::string& path, std::size_t limit);

class SourceTexts {
 public:
  void add(const std::string& file, std::string text) { texts_.insert_or_assign(file, std::move(text)); }
  std::string_view text(const std::string& file) const;
  // Line `number` (1-based) without its line break; empty when unknown.
  std::string_view line(const std::string& file, std::uint32_t number) const;

 private:
  std::map<std::string, std::string> texts_;
};

}  // namespace sluice::daemon
