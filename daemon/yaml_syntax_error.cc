#include "daemon/yaml_syntax_error.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

namespace sluice::daemon {

namespace {

struct Explanation {
  std::size_t begin = 0, end = 0;  // offsets in the file
  std::string_view code;
  std::string message, hint, suggestion = {};
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

std::optional<Explanation> explain_value(const Line& line) {
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
        return Explanation{
            begin, end, "yaml_syntax", "text stands after the closing quote, which ends the value",
            "put the whole value into quotes of the other kind, or after | on a line of its own; in '...' a ' is written ''"};
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

constexpr std::size_t kNone = std::string_view::npos;

bool at_line_begin(const Line& line, std::size_t offset) {
  return line.text.substr(0, offset - line.begin).find_first_not_of(" \t") == kNone;
}

// `filter: this.a  # why` and on the next line `&& this.b`.
std::optional<Explanation> cut_by_comment(const YamlText& text, const Line& line) {
  const std::size_t first = line.text.find_first_not_of(" \t");
  if (first == kNone || line.begin == 0) return std::nullopt;
  static constexpr std::array<std::string_view, 12> kOperators = {"&&", "||", "==", "!=", "? ", ": ", "+ ", "* ", "&& ", "<", ">", ")"};
  const std::string_view content = line.text.substr(first);
  if (std::none_of(kOperators.begin(), kOperators.end(), [&](std::string_view mark) { return content.starts_with(mark); }))
    return std::nullopt;
  std::size_t begin = 0;
  const std::string_view above = text.line_at(line.begin - 1, begin);
  const std::size_t hash = above.find(" #");
  if (hash == kNone) return std::nullopt;
  return Explanation{begin + hash + 1, begin + above.size(), "yaml_trap", "the comment ends the value, so the next line is no part of it",
                     "leave it out, or write the expression after | on lines of its own, with // for comments"};
}

// From `open` on: where its partner stands.
std::optional<std::size_t> closing_bracket(std::string_view text, std::size_t open) {
  int depth = 0;
  char quote = 0;
  for (std::size_t i = open; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != 0) {
      if (c == quote) quote = 0;
      continue;
    }
    if (c == '"' || c == '\'') quote = c;
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && --depth == 0) return i;
  }
  return std::nullopt;
}

Explanation in_flow(const YamlText& text, std::size_t offset, std::optional<std::size_t> open) {
  const std::string_view all = text.text();
  const Line line = split_line(text, offset);
  const std::size_t variable = line.text.find("${", line.text.find_first_of("{["));
  if (variable != kNone && line.begin + variable < offset + 2) {
    return {line.begin + variable, line.begin + variable + 2, "yaml_syntax", "inside { } and [ ] a value with ${ must be quoted",
            "for example [\"${NAME}\"]"};
  }
  const char here = offset < all.size() ? all[offset] : '\0';
  const bool open_here = here == '{' || here == '[' || here == '?';
  if (!open_here && open && !closing_bracket(all, *open)) {
    return {*open, *open + 1, "yaml_syntax", std::string("this ") + all[*open] + " is not closed",
            "a value with brackets or commas in it must be quoted"};
  }
  if (here == ':') {
    return {offset, offset + 1, "yaml_syntax", "a second colon stands in this value",
            "a comma is missing before the key, or the value must be quoted"};
  }
  return {offset, offset + 1, "yaml_syntax",
          open_here ? std::string("the value ends at this ") + here + ", because it stands inside { } or [ ]"
                    : "something is missing before this: a comma, or a closing bracket",
          "a value with brackets or commas in it must be quoted"};
}

std::size_t indentation(std::string_view line) { return std::min(line.find_first_not_of(" \t"), line.size()); }

// A line that is no key, with the keys going on below it: YAML notices at the next key.
std::optional<Explanation> line_without_colon(const YamlText& text, const Line& line) {
  if (line.begin == 0) return std::nullopt;
  std::size_t begin = line.begin;
  std::string_view above;
  do {
    above = text.line_at(begin - 1, begin);
  } while (begin > 0 && indentation(above) == above.size());
  const std::size_t first = indentation(above);
  if (first == above.size() || above[first] == '-' || first < indentation(line.text)) return std::nullopt;
  const bool has_colon = above.find(": ") != kNone || above.ends_with(':');
  if (has_colon || above[first] == '#') return std::nullopt;
  return Explanation{begin + first, begin + above.size(), "yaml_syntax", "this line has no colon, so it is no key",
                     above.find(':') != kNone ? "put a space after the colon" : "write \"key: value\""};
}

Explanation second_colon(const YamlText& text, std::size_t offset) {
  const Line line = split_line(text, offset);
  std::size_t key = indentation(line.text);
  while (line.text.substr(key).starts_with("- ")) key = std::min(line.text.find_first_not_of(' ', key + 1), line.text.size());
  const std::size_t colon = line.text.find(": ");
  const bool ends_line = line.begin + line.text.size() == offset + 1;
  if (key < line.text.size() && (colon == kNone ? ends_line : line.begin + colon == offset)) {
    if (auto found = line_without_colon(text, line)) return *found;
    constexpr std::size_t kLongestKey = 1024;  // YAML 1.2, 7.4.2
    if (offset - line.begin - key > kLongestKey) return {line.begin + key, offset, "yaml_syntax", "a key has at most 1024 characters", {}};
    return {line.begin + key, offset, "yaml_syntax", "this line is indented deeper than the key above it, which has a value already",
            "begin it in the column of that key"};
  }
  return {offset, offset + 1, "yaml_syntax", "a second \": \" stands in this value",
          "quote the value, for example 'this.a ? 1 : 2'; a mapping begins on a line of its own"};
}

// At the backslash; the library points behind the escape.
Explanation bad_escape(const YamlText& text, std::size_t offset, std::string_view message, std::string_view hint) {
  std::size_t begin = text.text().rfind('\\', offset);
  if (begin == kNone || offset - begin > 12) begin = offset;
  return {begin, begin + 2, "yaml_syntax", std::string(message), std::string(hint)};
}

Explanation not_continued(const YamlText& text, std::size_t offset, std::string_view what) {
  const Line line = split_line(text, offset);
  if (!at_line_begin(line, offset)) {
    return {offset, line.begin + line.text.size(), "yaml_syntax", "text stands behind a closing bracket or quote, which ends the value",
            "put the whole value into quotes"};
  }
  const bool item = line.text.substr(offset - line.begin).starts_with("- ");
  return {offset, line.begin + line.text.size(), "yaml_syntax", "this line does not continue the " + std::string(what) + " above it",
          item ? "a list item begins in the column of the item before it" : "check its indentation"};
}

Explanation unknown_alias(const YamlText& text, std::size_t offset) {
  const std::string_view all = text.text();
  const auto name_at = [&](std::size_t at) { return all.substr(at, all.find_first_of(" \t\r\n,]}", at) - at); };
  const std::size_t star = all.find('*', offset);
  const std::size_t begin = star == kNone ? offset : star;
  const std::string_view name = name_at(std::min(begin + 1, all.size()));
  std::vector<std::string_view> known;
  for (std::size_t at = all.find('&'); at != kNone && known.size() < 1000; at = all.find('&', at + 1)) {
    if (!name_at(at + 1).empty()) known.push_back(name_at(at + 1));
  }
  return {begin,
          begin + 1 + name.size(),
          "yaml_syntax",
          "no anchor &" + std::string(name) + " stands above this alias",
          "a value that begins with * must be quoted unless it is an alias",
          nearest(name, known)};
}

struct Wording {
  std::string_view library, ours, hint;  // `library`: how its message begins
};
constexpr std::array kWordings = {
    Wording{"illegal flow end", "a } or ] stands here without its opening bracket", "a value with brackets in it must be quoted"},
    Wording{"illegal block entry", "a list item cannot begin here", "the items of a list stand on lines of their own below its key"},
    Wording{"illegal map key", "a key cannot stand here", "check the indentation, and that quotes are closed"},
    Wording{"unknown escape character", "this is no escape of YAML", "in single quotes a backslash is itself; in double quotes it is \\\\"},
    Wording{"bad character found while scanning hex", "an escape has too few digits", "\\x takes two, \\u four, \\U eight of them"},
    Wording{"invalid unicode", "an escape names no Unicode character", ""},
    Wording{"illegal EOF in scalar", "a quote is not closed", "close it with the same kind of quote"},
    Wording{"illegal document indicator in scalar", "a quote above this line is not closed", "close it with the same kind of quote"},
    Wording{"unexpected character in block scalar", "behind | or > nothing can stand but a comment", "the text begins on the next line"},
    Wording{"cannot set zero indentation", "a block cannot be indented by 0", "leave the 0 out"},
    Wording{"cannot assign multiple anchors", "a value has two anchors", "leave one out"},
    Wording{"cannot assign multiple tags", "a value has two tags", "leave them out"},
    Wording{"aliases can't have any content", "something stands behind an alias",
            "to change a merged mapping write <<: *name and the keys"},
    Wording{"unknown token", "no value can begin with this character", "put the value in quotes"}};

Explanation by_message(const YamlText& text, std::size_t offset, const YamlComplaint& complaint) {
  const std::string& message = complaint.message;
  if (message.find("flow not found") != std::string::npos) return in_flow(text, offset, complaint.open_bracket);
  if (message.starts_with("illegal flow end") && complaint.open_bracket) {
    const std::string_view all = text.text();
    return {offset, offset + 1, "yaml_syntax",
            std::string("this ") + all[std::min(offset, all.size() - 1)] + " does not close the " + all[*complaint.open_bracket] +
                " in line " + std::to_string(text.line_column(*complaint.open_bracket).first),
            "brackets are closed in pairs; a value with brackets in it must be quoted"};
  }
  if (message.starts_with("illegal flow end")) {
    const Line line = split_line(text, offset);
    const std::size_t equals = line.text.find(" = ");
    const std::size_t colon = line.text.find(':');
    if (equals < colon && colon != kNone)
      return {line.begin + equals + 1, line.begin + equals + 2, "yaml_syntax",
              "a key is followed by a colon, not by =", "write key: value"};
  }
  if (message.starts_with("illegal map value")) return second_colon(text, offset);
  if (message.starts_with("end of map not found")) return not_continued(text, offset, "mapping");
  if (message.starts_with("end of sequence not found")) return not_continued(text, offset, "list");
  for (const Wording& wording : kWordings) {
    if (!message.starts_with(wording.library)) continue;
    const bool escape =
        wording.library.find("escape") != kNone || wording.library.find("hex") != kNone || wording.library.find("unicode") != kNone;
    if (escape) return bad_escape(text, offset, wording.ours, wording.hint);
    return {offset, offset + 1, "yaml_syntax", std::string(wording.ours), std::string(wording.hint)};
  }
  return {offset, offset + 1, "yaml_syntax", message, {}};
}

// A quote that was left open takes all up to the next one, which was to open another text.
std::optional<Explanation> quote_ends_elsewhere(const YamlText& text, std::size_t offset, const YamlComplaint& complaint) {
  if (!complaint.long_quote) return std::nullopt;
  const auto [begin, end] = *complaint.long_quote;
  const std::uint32_t line = text.line_column(end).first;
  if (offset + 1 < end || text.line_column(offset).first != line) return std::nullopt;
  return Explanation{begin, begin + 1, "yaml_syntax",
                     "the quote that opens here ends in line " + std::to_string(line) + ", where text stands behind it",
                     "close it where its value ends"};
}

Explanation explain(const YamlText& text, std::size_t offset, const YamlComplaint& complaint) {
  if (auto found = quote_ends_elsewhere(text, offset, complaint)) return *found;
  if (complaint.message.starts_with("the referenced anchor")) return unknown_alias(text, offset);
  const Line line = split_line(text, offset);
  if (auto found = tab_indentation(text, line)) return *found;
  if (auto found = cut_by_comment(text, line)) return *found;
  const bool escape = complaint.message.starts_with("unknown escape") || complaint.message.starts_with("bad character found") ||
                      complaint.message.starts_with("invalid unicode");
  if (escape) return by_message(text, offset, complaint);
  if (auto found = explain_value(line)) return *found;
  return by_message(text, offset, complaint);
}

// The tree's builder may have said the same before the parser gave up.
void add(const YamlText& text, Explanation explanation, Diagnostics& findings) {
  const Place place = text.place(explanation.begin, explanation.end);
  for (const Diagnostic& known : findings.findings()) {
    if (known.code == explanation.code && known.place.line == place.line && known.place.column == place.column) return;
  }
  findings.add({Diagnostic::Severity::kError,
                text.place(explanation.begin, explanation.end),
                {},
                explanation.code,
                std::move(explanation.message),
                std::move(explanation.suggestion),
                std::move(explanation.hint)});
}

}  // namespace

void explain_syntax_error(const YamlText& text, const YamlComplaint& complaint, Diagnostics& findings) {
  const std::size_t at = complaint.offset < 0 ? 0 : std::min(static_cast<std::size_t>(complaint.offset), text.text().size());
  add(text, explain(text, at, complaint), findings);
}

void explain_second_document(const YamlText& text, std::size_t offset, Diagnostics& findings) {
  const Line line = split_line(text, offset);
  std::size_t begin = line.begin;
  std::string_view above = line.text;
  bool marked = line.text.starts_with("---");
  while (!marked && begin > 0) {
    above = text.line_at(begin - 1, begin);
    const std::size_t first = above.find_first_not_of(" \t");
    if (first != kNone && above[first] != '#') break;
  }
  marked = marked || above.starts_with("---") || above.starts_with("...") || above.starts_with('%');
  const std::size_t first = std::min(line.text.find_first_not_of(' '), line.text.size());
  const std::size_t end = line.begin + line.text.size();
  if (marked)
    return add(text, {line.begin + first, end, "yaml_syntax", "a second document begins here", "one file is one pipeline: leave --- out"},
               findings);
  add(text,
      {line.begin + first, end, "yaml_syntax", "this line does not continue what stands above it",
       "all keys of the file begin in the same column"},
      findings);
}

}  // namespace sluice::daemon
