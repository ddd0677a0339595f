#pragma once
// The bytes of a YAML file: checked, and with byte offsets turned into lines and columns.  One thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/diagnostic.h"

namespace sluice::daemon {

// Keeps a view: the text must outlive it.
class YamlText {
 public:
  YamlText(std::string_view text, std::string file);

  std::string_view text() const { return text_; }
  const std::string& file() const { return file_; }

  // 1-based line, 1-based column in code points.
  std::pair<std::uint32_t, std::uint32_t> line_column(std::size_t offset) const;
  Place place(std::size_t begin, std::size_t end) const;
  // The line that holds the offset, without its line break; and where it begins.
  std::string_view line_at(std::size_t offset, std::size_t& begin) const;

 private:
  std::string_view text_;
  std::string file_;
  std::vector<std::size_t> line_begins_;
};

// A finding when the bytes are no text: not UTF-8, or control characters (the YAML parser would stop at U+0004 without a word).
// False then.
bool check_bytes(const YamlText& text, Diagnostics& findings, std::string_view code = "yaml_syntax");

// Appends a finding of severity error without a path.
void add_text_error(const YamlText& text, std::size_t begin, std::size_t end, std::string_view code, std::string message, std::string hint,
                    Diagnostics& findings);

}  // namespace sluice::daemon
