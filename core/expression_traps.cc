#include "core/expression_traps.h"

namespace sluice {

namespace {

constexpr std::size_t kNone = std::string_view::npos;

// As much of the expression's lexical form as is needed to tell strings from the rest.
struct Outline {
  std::size_t comment = kNone;       // offset of the first // outside of strings
  bool open_string = false;          // ends inside a string
  std::ptrdiff_t open_brackets = 0;  // ( [ { without their partner
};

// The end of the string that begins at `at` (a quote), or npos.
std::size_t string_end(std::string_view text, std::size_t at, bool raw) {
  const char quote = text[at];
  const std::string_view triple = text.substr(at, 3);
  const bool is_triple = triple.size() == 3 && triple[1] == quote && triple[2] == quote;
  for (std::size_t i = at + (is_triple ? 3U : 1U); i < text.size(); ++i) {
    if (text[i] == '\\' && !raw) {
      ++i;
    } else if (is_triple ? text.substr(i).starts_with(triple) : text[i] == quote) {
      return i + (is_triple ? 3U : 1U);
    }
  }
  return kNone;
}

Outline outline(std::string_view text) {
  Outline result;
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (c == '"' || c == '\'') {
      const bool raw = i > 0 && (text[i - 1] == 'r' || text[i - 1] == 'R');
      const std::size_t end = string_end(text, i, raw);
      if (end == kNone) return result.open_string = true, result;
      i = end;
      continue;
    }
    if (text.substr(i).starts_with("//") && result.comment == kNone) result.comment = i;
    if (c == '(' || c == '[' || c == '{') ++result.open_brackets;
    if (c == ')' || c == ']' || c == '}') --result.open_brackets;
    ++i;
  }
  return result;
}

void trap(const ConfigNode& node, Place place, std::string message, std::string hint, BindContext& context) {
  context.findings.add({Diagnostic::Severity::kError, std::move(place), node.path, "yaml_trap", std::move(message), {}, std::move(hint)});
}

}  // namespace

bool expression_trap(const ConfigNode& node, BindContext& context) {
  if (node.style == ConfigNode::Style::kFolded) {
    trap(node, node.place, "the expression is folded (>): its lines become one, and // would comment out the rest", "write | instead of >",
         context);
    return true;
  }
  const Outline seen = outline(node.text);
  if (node.comment_follows && (seen.open_string || seen.open_brackets > 0)) {
    trap(node, node.place, "YAML takes \" #\" as the begin of a comment, which cuts the expression to: " + node.text,
         "put the whole expression in quotes", context);
    return true;
  }
  if (seen.comment == kNone || node.style == ConfigNode::Style::kLiteral) return false;
  trap(node, node.place_in_text(seen.comment, node.text.size() - seen.comment),
       "\"//\" begins a comment in an expression, so the rest is not read",
       "write a YAML comment with #, or the expression after | on lines of its own", context);
  return true;
}

}  // namespace sluice
