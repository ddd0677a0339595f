#include "daemon/yaml_text.h"

#include <fmt/format.h>

#include <algorithm>

namespace sluice::daemon {

namespace {

bool continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U; }

// Length of the UTF-8 sequence at the front, or 0 if it is none (overlong forms, surrogates and beyond U+10FFFF included).
std::size_t sequence_length(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xc2 && lead < 0xe0 ? 2 : lead >= 0xe0 && lead < 0xf0 ? 3 : lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
  if (length == 0 || text.size() < length) return 0;
  if (!std::all_of(text.begin() + 1, text.begin() + static_cast<std::ptrdiff_t>(length), continuation)) return 0;
  const auto second = static_cast<unsigned char>(text[1]);
  const bool bad = (lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) || (lead == 0xf0 && second < 0x90) ||
                   (lead == 0xf4 && second > 0x8f);
  return bad ? 0 : length;
}

std::string not_utf8(std::string_view all, std::size_t at) {
  const bool utf16 = at == 0 && (all.starts_with("\xff\xfe") || all.starts_with("\xfe\xff"));
  return utf16 ? "the file is UTF-16" : "the file is not UTF-8 here";
}

// Empty: the character is good.
std::string bad_character(std::string_view all, std::size_t at) {
  const auto byte = static_cast<unsigned char>(all[at]);
  if (byte == 0 && at < 2) return "the file is UTF-16, or no text at all";
  if (byte == '\r' && (at + 1 == all.size() || all[at + 1] != '\n')) return "a carriage return stands here alone";
  const bool control = (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7f;
  return control ? fmt::format("the control character U+{:04X} is not allowed here", byte) : "";
}

}  // namespace

YamlText::YamlText(std::string_view text, std::string file) : text_(text), file_(std::move(file)), line_begins_{0} {
  for (std::size_t i = 0; i < text_.size(); ++i) {
    if (text_[i] == '\n') line_begins_.push_back(i + 1);
  }
}

std::pair<std::uint32_t, std::uint32_t> YamlText::line_column(std::size_t offset) const {
  offset = std::min(offset, text_.size());
  const auto after = std::upper_bound(line_begins_.begin(), line_begins_.end(), offset);
  const auto line = static_cast<std::uint32_t>(after - line_begins_.begin());
  const std::string_view before = text_.substr(*std::prev(after), offset - *std::prev(after));
  const auto wide = std::count_if(before.begin(), before.end(), continuation);
  return {line, static_cast<std::uint32_t>(before.size() - static_cast<std::size_t>(wide)) + 1U};
}

Place YamlText::place(std::size_t begin, std::size_t end) const {
  const auto [line, column] = line_column(begin);
  const auto [end_line, end_column] = line_column(std::max(begin, end));
  return {file_, line, column, end_line, end_column};
}

std::string_view YamlText::line_at(std::size_t offset, std::size_t& begin) const {
  offset = std::min(offset, text_.size());
  begin = *std::prev(std::upper_bound(line_begins_.begin(), line_begins_.end(), offset));
  std::string_view line = text_.substr(begin, text_.find('\n', begin) - begin);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

bool check_bytes(const YamlText& text, Diagnostics& findings, std::string_view code) {
  const std::string_view all = text.text();
  for (std::size_t i = 0; i < all.size();) {
    const std::size_t length = sequence_length(all.substr(i));
    const std::string problem = length == 0 ? not_utf8(all, i) : bad_character(all, i);
    if (!problem.empty()) {
      const std::string hint = length == 0                          ? "save it as UTF-8"
                               : all[i] == '\r'                     ? "save it with line ends of LF or CR LF"
                               : problem.starts_with("the file is") ? "save it as UTF-8"
                                                                    : "in double quotes it can be written as an escape";
      add_text_error(text, i, i + 1, code, problem, hint, findings);
      return false;
    }
    i += length;
  }
  return true;
}

void add_text_error(const YamlText& text, std::size_t begin, std::size_t end, std::string_view code, std::string message, std::string hint,
                    Diagnostics& findings) {
  findings.add({Diagnostic::Severity::kError, text.place(begin, end), {}, code, std::move(message), {}, std::move(hint)});
}

}  // namespace sluice::daemon
