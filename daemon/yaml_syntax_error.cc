#include "daemon/yaml_syntax_error.h"

#include <algorithm>
#include <optional>

namespace sluice::daemon {

namespace {

struct Explanation {
  std::size_t begin = 0, end = 0;  // offsets in the file
  std::string_view code;
  std::string message, hint;
};

struct Line {
  std::size_t begin = 0;
  std::string_view text;
  std::size_t value = 0;  // where the value begins: behind "- " and "key: "
};

Line split_line(const YamlText& text, std::size_t offset) {
  Line line;
  line.text = text.line_at(offset, line.begin);
  std::size_t at = std::min(line.text.find_first_not_of(" \t"), line.text.size());
  while (line.text.substr(at).starts_with("- ")) at = std::min(line.text.find_first_not_of(' ', at + 1), line.text.size());
  const std::size_t colon = line.text.find(": ", at);
  const std::size_t quote = line.text.find_first_of("\"'", at);
  if (colon != std::string_view::npos && colon < quote) at = std::min(line.text.find_first_not_of(' ', colon + 1), line.text.size());
  line.value = at;
  return line;
}

std::optional<Explanation> tab_indentation(const YamlText& text, const Line& line) {
  // The library may notice a tab only on a later line; the nearest one above is the cause.
  std::size_t begin = line.begin;
  for (int looked_at = 0; looked_at < 3; ++looked_at) {
    const std::string_view current = text.line_at(begin, begin);
    const std::size_t indentation = std::min(current.find_first_not_of(" \t"), current.size());
    const std::size_t tab = current.substr(0, indentation).find('\t');
    if (tab != std::string_view::npos && indentation < current.size()) {
      return Explanation{begin + tab, begin + indentation, "yaml_syntax", "a tab stands in the indentation", "indent with spaces"};
    }
    if (begin == 0) break;
    --begin;
  }
  return std::nullopt;
}

std::optional<Explanation> explain_value(const YamlText&, const Line& line) {
  const std::string_view value = line.text.substr(line.value);
  const std::size_t begin = line.begin + line.value, end = begin + value.size();
  if (value.empty()) return std::nullopt;
  switch (value.front()) {
    case '!':
      return Explanation{begin, end, "yaml_trap", "YAML reads a value that begins with ! as a tag",
                         "quote the expression: '" + std::string(value) + "'"};
    case '"':
    case '\'':
      if (value.find(value.front(), 1) + 1 < value.size() && value.find(value.front(), 1) != std::string_view::npos) {
        return Explanation{begin, end, "yaml_syntax", "text stands after the closing quote, which ends the value",
                           "put the whole value into quotes of the other kind, or after | on a line of its own"};
      }
      return std::nullopt;
    case '@':
    case '`':
    case '%':
    case '*':
    case '&':
      return Explanation{begin, end, "yaml_syntax", std::string("a value cannot begin with ") + value.front() + " unless it is quoted",
                         value.front() == '*' ? "an alias *name needs an anchor &name above it" : "put it in single quotes"};
    default: break;
  }
  return std::nullopt;
}

std::optional<Explanation> explain_brackets(const Line& line) {
  const std::size_t open = line.text.find_first_of("{[");
  if (open == std::string_view::npos) return std::nullopt;
  const std::size_t variable = line.text.find("${", open);
  if (variable != std::string_view::npos) {
    return Explanation{line.begin + variable, line.begin + variable + 2, "yaml_syntax", "inside { } and [ ] a value with ${ must be quoted",
                       "for example [\"${NAME}\"]"};
  }
  return std::nullopt;
}

Explanation explain(const YamlText& text, std::size_t offset, const std::string& message) {
  const Line line = split_line(text, offset);
  if (auto found = tab_indentation(text, line)) return *found;
  if (auto found = explain_value(text, line)) return *found;
  if (auto found = explain_brackets(line)) return *found;
  Explanation result{offset, offset + 1, "yaml_syntax", message, {}};
  if (message == "illegal map value") {
    result.message = "a second \": \" stands in this value, or the line is indented wrongly";
    result.hint = "quote the value, for example 'this.a ? 1 : 2'";
  } else if (message.find("flow not found") != std::string::npos) {
    result.message = "a { or [ is not closed here";
    result.hint = "a value with brackets or commas in it must be quoted";
  } else if (message == "end of map not found") {
    result.message = "this line does not continue the mapping above it";
    result.hint = "check its indentation";
  } else if (message == "end of sequence not found") {
    result.message = "this line does not continue the list above it";
    result.hint = "check its indentation";
  }
  return result;
}

}  // namespace

void explain_syntax_error(const YamlText& text, int offset, const std::string& message, Diagnostics& findings) {
  const std::size_t at = offset < 0 ? 0 : std::min(static_cast<std::size_t>(offset), text.text().size());
  Explanation explanation = explain(text, at, message);
  add_text_error(text, explanation.begin, explanation.end, explanation.code, std::move(explanation.message), std::move(explanation.hint),
                 findings);
}

}  // namespace sluice::daemon
