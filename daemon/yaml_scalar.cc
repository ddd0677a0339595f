#include "daemon/yaml_scalar.h"

#include <algorithm>

namespace sluice::daemon {

namespace {

using Style = ConfigNode::Style;

bool blank(char c) { return c == ' ' || c == '\t'; }
bool line_break(char c) { return c == '\n' || c == '\r'; }
bool space(char c) { return blank(c) || line_break(c); }

std::size_t skip_while(std::string_view text, std::size_t at, bool (*wanted)(char)) {
  while (at < text.size() && wanted(text[at])) ++at;
  return at;
}

// Bytes of the file that the escape at `at` (a backslash) takes, and bytes of text it gives.
std::pair<std::size_t, std::size_t> escape_sizes(std::string_view source, std::size_t at) {
  if (at + 1 >= source.size()) return {1, 0};
  const char kind = source[at + 1];
  if (line_break(kind)) return {skip_while(source, at + 1, space) - at, 0};
  const std::size_t digits = kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
  if (digits == 0) return {2, kind == 'N' || kind == '_' ? 2U : kind == 'L' || kind == 'P' ? 3U : 1U};
  std::uint32_t code = 0;
  for (std::size_t i = 0; i < digits && at + 2 + i < source.size(); ++i) {
    const char c = source[at + 2 + i];
    code = code * 16 + static_cast<std::uint32_t>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
  }
  return {2 + digits, code < 0x80 ? 1U : code < 0x800 ? 2U : code < 0x10000 ? 3U : 4U};
}

// Walks the text and the file side by side; gives up quietly where they differ in a way it does not know (places are then those
// of the last run, never wrong lines of code).
class Walk {
 public:
  Walk(const YamlText& source, std::string_view text, std::size_t begin) : source_(source), file_(source.text()), text_(text), at_(begin) {}

  ScalarScan flow(Style style) {
    scan_.style = style;
    const std::size_t begin = at_;
    if (style != Style::kPlain) ++at_;
    run();
    while (step(style)) {
    }
    scan_.end = at_;
    if (style != Style::kPlain) close(begin, style == Style::kSingleQuoted ? '\'' : '"');
    drop_trivial_runs();
    return std::move(scan_);
  }

  ScalarScan block(Style style) {
    scan_.style = style;
    const std::size_t header_line = at_;
    at_ = std::min(file_.find('\n', at_), file_.size());
    const std::size_t header_end = at_;
    std::size_t indent = explicit_indent(file_.substr(header_line, header_end - header_line), header_line);
    while (at_ < file_.size() && done_ < text_.size()) block_line(indent);
    scan_.end = at_ > header_end ? at_ : header_end;
    return std::move(scan_);
  }

 private:
  static constexpr std::size_t kUnknown = static_cast<std::size_t>(-1);

  void run() {
    const auto [line, column] = source_.line_column(at_);
    if (!scan_.runs.empty() && scan_.runs.back().offset == done_) scan_.runs.pop_back();
    scan_.runs.push_back({done_, line, column});
  }

  // One run that begins where the scalar does needs no list.
  void drop_trivial_runs() {
    if (scan_.runs.size() == 1) scan_.runs.clear();
  }

  bool step(Style style) {
    if (at_ >= file_.size()) return false;
    if (style == Style::kDoubleQuoted && file_[at_] == '\\') return escape();
    if (done_ >= text_.size()) return false;
    if (style == Style::kSingleQuoted && file_.substr(at_).starts_with("''")) {
      if (text_[done_] != '\'') return false;
      ++done_, at_ += 2;
      return run(), true;
    }
    if (space(file_[at_]) && fold()) return true;
    if (text_[done_] != file_[at_]) return false;
    ++done_, ++at_;
    return true;
  }

  bool escape() {
    const auto [in_file, in_text] = escape_sizes(file_, at_);
    if (done_ + in_text > text_.size()) return false;
    at_ = std::min(at_ + in_file, file_.size());
    done_ += in_text;
    return run(), true;
  }

  // A line break inside the scalar: one space in the text, or as many line breaks as there are empty lines.
  bool fold() {
    const std::size_t breaks = skip_while(file_, at_, blank);
    if (breaks >= file_.size() || !line_break(file_[breaks])) return false;
    at_ = skip_while(file_, breaks, space);
    if (text_[done_] == ' ') {
      ++done_;
    } else {
      done_ = skip_while(text_, done_, line_break);
    }
    return run(), true;
  }

  // Independent of the walk, so that a text it does not understand is never called unclosed.
  void close(std::size_t begin, char quote) {
    std::size_t at = begin + 1;
    while (at < file_.size() && (file_[at] != quote || (quote == '\'' && file_.substr(at).starts_with("''")))) {
      at += quote == '\'' && file_[at] == '\'' ? 2U : quote == '"' && file_[at] == '\\' ? 2U : 1U;
    }
    scan_.closed = at < file_.size();
    scan_.end = std::min(at + 1, file_.size());
  }

  // Columns before the content of a block scalar: given by a digit in its header, or by its first line that is not empty.
  std::size_t explicit_indent(std::string_view header, std::size_t header_at) const {
    for (const char c : header.substr(0, header.find_first_of(" \t#"))) {
      if (c < '1' || c > '9') continue;
      std::size_t line_begin = 0;
      const std::string_view line = source_.line_at(header_at, line_begin);
      return std::min(line.find_first_not_of(" -"), line.size()) + static_cast<std::size_t>(c - '0');
    }
    return kUnknown;
  }

  // at_ stands on the line break before the line.
  void block_line(std::size_t& indent) {
    const std::size_t begin = at_ + 1;
    std::size_t end = std::min(file_.find('\n', begin), file_.size());
    at_ = end;
    if (begin > file_.size()) return;
    std::string_view line = file_.substr(begin, end - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const std::size_t first = std::min(line.find_first_not_of(' '), line.size());
    if (first == line.size()) return;
    if (indent == kUnknown) indent = first;
    const std::string_view content = line.substr(std::min(indent, first));
    std::size_t found = done_;
    while (found < text_.size() && !text_.substr(found).starts_with(content) && (text_[found] == ' ' || line_break(text_[found]))) ++found;
    if (!text_.substr(found).starts_with(content)) return;
    const auto [line_number, column] = source_.line_column(begin + std::min(indent, first));
    scan_.runs.push_back({found, line_number, column});
    done_ = found + content.size();
  }

  const YamlText& source_;
  std::string_view file_, text_;
  std::size_t at_;        // in the file
  std::size_t done_ = 0;  // in the text
  ScalarScan scan_;
};

bool comment_after(std::string_view source, std::size_t at) {
  const std::size_t next = skip_while(source, at, blank);
  return next > at && next < source.size() && source[next] == '#';
}

}  // namespace

NodeProperties skip_properties(std::string_view source, std::size_t at) {
  NodeProperties result;
  at = std::min(at, source.size());
  while (at < source.size() && (source[at] == '&' || source[at] == '!')) {
    const std::size_t begin = at;
    at = skip_while(source, at, [](char c) { return !space(c) && c != ',' && c != '[' && c != ']' && c != '{' && c != '}'; });
    if (source[begin] == '!') {
      result.has_tag = true;
      result.tag_begin = begin;
      result.tag_end = at;
    }
    at = skip_while(source, at, space);
    while (at < source.size() && source[at] == '#') {
      at = std::min(source.find('\n', at), source.size());
      at = skip_while(source, at, space);
    }
  }
  result.content = at;
  return result;
}

ScalarScan scan_scalar(const YamlText& source, std::size_t begin, std::string_view text) {
  const std::string_view file = source.text();
  const char first = begin < file.size() ? file[begin] : '\0';
  Walk walk(source, text, begin);
  if (first == '|' || first == '>') return walk.block(first == '|' ? Style::kLiteral : Style::kFolded);
  if (first == '\'' || first == '"') return walk.flow(first == '"' ? Style::kDoubleQuoted : Style::kSingleQuoted);
  ScalarScan scan = walk.flow(Style::kPlain);
  scan.comment_follows = comment_after(file, scan.end);
  return scan;
}

}  // namespace sluice::daemon
