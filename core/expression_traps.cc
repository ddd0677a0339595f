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

void report(const ConfigNode& node, Place place, std::string_view code, std::string message, std::string suggestion, std::string hint,
            BindContext& context) {
  context.findings.add(
      {Diagnostic::Severity::kError, std::move(place), node.path, code, std::move(message), std::move(suggestion), std::move(hint)});
}

void trap(const ConfigNode& node, Place place, std::string message, std::string hint, BindContext& context) {
  report(node, std::move(place), "yaml_trap", std::move(message), {}, std::move(hint), context);
}

bool upper(char c) { return c == '_' || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

// The variable's name of NAME and NAME:-default; empty if it is none.
std::string_view variable_name(std::string_view body) {
  std::size_t length = 0;
  while (length < body.size() && upper(body[length])) ++length;
  return length == body.size() || body.substr(length).starts_with(":-") ? body.substr(0, length) : std::string_view();
}

bool begins_with_root(std::string_view body) {
  for (const std::string_view root : {"this.", "before.", "key.", "meta.", "env."}) {
    if (body.starts_with(root)) return true;
  }
  return false;
}

// A ${...} that would be a variable or an expression in another field; here it is text, or nothing that can be read.
bool interpolation(const ConfigNode& node, BindContext& context) {
  const std::string_view text = node.text;
  for (std::size_t at = text.find("${"); at != kNone; at = text.find("${", at + 2)) {
    const std::size_t end = text.find('}', at);
    if (end == kNone) return false;
    const std::string_view body = text.substr(at + 2, end - at - 2);
    const std::string_view name = variable_name(body);
    const bool file = body.starts_with("file:");
    if (name.empty() && !file && !begins_with_root(body)) continue;
    std::string hint = "the whole field is an expression: a text and a value are put together with +";
    if (!name.empty()) hint = "in an expression the variable's value is the text env." + std::string(name);
    if (file) hint = "an expression reads no file; a variable's value is the text env.NAME";
    report(node, node.place_in_text(at, end + 1 - at), "bad_value",
           "\"" + std::string(text.substr(at, end + 1 - at)) + "\" is not replaced inside an expression",
           name.empty() ? "" : "env." + std::string(name), std::move(hint), context);
    return true;
  }
  return false;
}

void eaten(const ConfigNode& node, std::size_t offset, std::size_t length, BindContext& context) {
  trap(node, node.place_in_text(offset, length), "\"//\" begins a comment in an expression, so the rest is not read",
       "write a YAML comment with #, or the expression after | on lines of its own", context);
}

}  // namespace

void cut_by_comment(const ConfigNode& node, BindContext& context) {
  trap(node, node.place, "YAML takes \" #\" as the begin of a comment, which cuts the expression to: " + node.text,
       "put the whole expression in quotes", context);
}

bool expression_trap(const ConfigNode& node, BindContext& context) {
  if (node.style == ConfigNode::Style::kFolded) {
    trap(node, node.place, "the expression is folded (>): its lines become one, and // would comment out the rest", "write | instead of >",
         context);
    return true;
  }
  if (interpolation(node, context)) return true;
  const Outline seen = outline(node.text);
  if (node.comment_follows && (seen.open_string || seen.open_brackets > 0)) return cut_by_comment(node, context), true;
  if (seen.comment == kNone || node.style == ConfigNode::Style::kLiteral) return false;
  eaten(node, seen.comment, node.text.size() - seen.comment, context);
  return true;
}

bool template_trap(const ConfigNode& node, const TemplateText::Part& part, BindContext& context) {
  const Outline seen = outline(part.text);
  if (seen.comment == kNone || node.style == ConfigNode::Style::kLiteral) return false;
  eaten(node, part.offset + seen.comment, part.text.size() - seen.comment, context);
  return true;
}

}  // namespace sluice
