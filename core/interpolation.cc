// ${NAME}, ${NAME:-default}, ${file:PATH} and $${ in scalars (CONFIG.md rule 9).  One pass over the text that the file holds: what a
// variable gives is never looked at again.
#include "core/interpolation.h"

#include <algorithm>

#include "core/config_binding.h"

namespace sluice {

namespace {

bool upper(char c) { return c == '_' || (c >= 'A' && c <= 'Z'); }
bool name_part(char c) { return upper(c) || (c >= '0' && c <= '9'); }

// Length of the variable's name at the front; 0 if there is none.
std::size_t name_length(std::string_view text) {
  if (text.empty() || !upper(text[0])) return 0;
  std::size_t length = 1;
  while (length < text.size() && name_part(text[length])) ++length;
  return length;
}

bool is_variable_name(std::string_view name) { return !name.empty() && name_length(name) == name.size(); }

std::string_view trimmed(std::string_view text, std::string_view of = " \t") {
  const std::size_t begin = text.find_first_not_of(of);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(of) - begin + 1);
}

struct Substitution {
  enum class Outcome : std::uint8_t { kText, kFailed, kExpression } outcome;
  std::string text = {};
};

// One ${...} of a scalar.
struct Use {
  const ConfigNode& node;
  std::string_view body;   // between the braces
  std::size_t offset = 0;  // of the ${ in the text

  void report(BindContext& context, std::string_view code, std::string message, std::string suggestion, std::string hint,
              Diagnostic::Severity severity = Diagnostic::Severity::kError) const {
    context.findings.add({severity, node.place_in_text(offset, body.size() + 3), node.path, code, std::move(message), std::move(suggestion),
                          std::move(hint)});
  }
};

std::string braced(std::string_view body) { return "${" + std::string(body) + "}"; }

// What other tools would take for a variable: ${NAME:default}, ${NAME-default}, ${NAME:?message}, ${ NAME }, ${FILE:/x}.
std::string meant_variable(std::string_view body) {
  const std::string_view text = trimmed(body);
  if (is_variable_name(text)) return body == text ? "" : braced(text);
  const std::size_t length = name_length(text);
  if (length == 0 || length == text.size()) return {};
  const std::string_view name = text.substr(0, length);
  std::string_view rest = text.substr(length);
  if (rest.starts_with(":?") || rest.starts_with("?")) return braced(name);
  if (name == "FILE" && rest.starts_with(":")) return braced("file:" + std::string(rest.substr(1)));
  if (name == "ENV" && rest.starts_with(":")) return braced(rest.substr(1));
  if (rest.starts_with(":=") || rest.starts_with(":-")) return braced(std::string(name) + ":-" + std::string(rest.substr(2)));
  const bool other_sign = rest.starts_with(":") || rest.starts_with("-") || rest.starts_with("=");
  return other_sign ? braced(std::string(name) + ":-" + std::string(rest.substr(1))) : "";
}

// In a field without expressions also ${db_url}, ${env:DB_URL}, ${env.DB_URL} and ${{ DB_URL }} can only be meant as one.
std::string meant_in_plain_field(std::string_view body) {
  std::string_view text = trimmed(body, " \t{}.");
  for (const std::string_view prefix : {"env.", "env:", "Env.", "secrets.", "vars."}) {
    if (text.starts_with(prefix)) text.remove_prefix(prefix.size());
  }
  std::string name(text);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return is_variable_name(name) ? braced(name) : "";
}

Substitution failed(const Use& use, BindContext& context, std::string message, std::string suggestion, std::string hint) {
  use.report(context, "bad_value", std::move(message), std::move(suggestion), std::move(hint));
  return {Substitution::Outcome::kFailed};
}

Substitution substitute_variable(const Use& use, BindContext& context) {
  const std::string_view body = use.body;
  const std::size_t default_at = body.find(":-");
  const std::string_view name = body.substr(0, default_at);
  if (!is_variable_name(name)) {
    std::string meant = meant_variable(body);
    if (meant.empty()) return {Substitution::Outcome::kExpression};
    return failed(use, context, "\"" + braced(body) + "\" is no way to write a variable", std::move(meant),
                  "${NAME} must be set, ${NAME:-text} has a default, ${file:PATH} is a file's content");
  }
  if (default_at != std::string_view::npos && body.find("${", default_at) != std::string_view::npos) {
    return failed(use, context, "the default of " + std::string(name) + " is plain text, so the ${ } in it would not be replaced", {},
                  "give the default where the variable is set");
  }
  const auto value = context.variables.find(name);
  const bool use_default = default_at != std::string_view::npos && (!value || value->empty());
  if (use_default) return {Substitution::Outcome::kText, std::string(body.substr(default_at + 2))};
  if (value) return {Substitution::Outcome::kText, *value};
  use.report(context, "unset_variable", "the environment variable " + std::string(name) + " is not set", {},
             "set it, or give a default: ${" + std::string(name) + ":-value}",
             context.allow_unset ? Diagnostic::Severity::kWarning : Diagnostic::Severity::kError);
  if (!context.allow_unset) return {Substitution::Outcome::kFailed};
  ++context.unset_values;
  return {Substitution::Outcome::kText};
}

Substitution substitute(const Use& use, BindContext& context) {
  if (!use.body.starts_with("file:")) return substitute_variable(use, context);
  auto content = context.variables.read_file(use.body.substr(5));
  if (content) return {Substitution::Outcome::kText, std::move(content).value()};
  use.report(context, "unreadable_file", content.error().message(), {}, {});
  return {Substitution::Outcome::kFailed};
}

// The end of ${ ... } whose inside begins at `from`: the matching brace.  Quotes hide braces in an expression; in a default or a
// file's name they are text like any other.
std::size_t closing_brace(std::string_view text, std::size_t from) {
  const std::string_view inside = text.substr(from);
  const std::size_t name = name_length(inside);
  const bool quotes = !inside.starts_with("file:") && !(name > 0 && inside.substr(name).starts_with(":"));
  int depth = 0;
  char quote = 0;
  for (std::size_t i = from; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != 0) {
      if (c == '\\') ++i;
      if (c == quote) quote = 0;
    } else if (quotes && (c == '"' || c == '\'')) {
      quote = c;
    } else if (c == '{') {
      ++depth;
    } else if (c == '}') {
      if (depth == 0) return i;
      --depth;
    }
  }
  return std::string_view::npos;
}

void add_literal(std::vector<TemplateText::Part>& parts, std::string_view text, std::size_t offset) {
  if (text.empty()) return;
  if (parts.empty() || parts.back().is_expression) parts.push_back({false, {}, offset});
  parts.back().text += text;
}

void not_closed(const ConfigNode& node, std::size_t at, BindContext& context) {
  const bool cut = node.comment_follows;
  context.findings.add({Diagnostic::Severity::kError,
                        node.place_in_text(at, 2),
                        node.path,
                        cut ? "yaml_trap" : "bad_value",
                        cut ? "YAML takes \" #\" as the begin of a comment, so \"${\" has no closing brace" : "\"${\" has no closing brace",
                        {},
                        cut ? "put the whole value in quotes" : "write $${ for a literal ${"});
}

// $NAME and $(NAME) are variables elsewhere; here they are text, and hardly ever meant so.
void warn_of_bare_variable(const ConfigNode& node, BindContext& context) {
  std::string_view name = node.text;
  if (!name.starts_with('$')) return;
  name.remove_prefix(1);
  if (name.starts_with('(') && name.ends_with(')')) name = name.substr(1, name.size() - 2);
  if (name.size() < 2 || !is_variable_name(name)) return;
  context.findings.add({Diagnostic::Severity::kWarning, node.place, node.path, "bad_value", "\"" + node.text + "\" is taken as it stands",
                        braced(name), "a variable is written " + braced(name)});
}

class Expansion {
 public:
  Expansion(const ConfigNode& node, BindContext& context) : node_(node), text_(node.text), context_(context) {}

  std::optional<std::vector<TemplateText::Part>> run() {
    for (std::size_t at = text_.find("${"); at != std::string_view::npos; at = text_.find("${", done_)) {
      if (!take_dollars(at)) continue;
      const std::size_t end = closing_brace(text_, at + 2);
      if (end == std::string_view::npos) return not_closed(node_, at, context_), std::nullopt;
      take_use({node_, text_.substr(at + 2, end - at - 2), at});
      done_ = end + 1;
    }
    add_literal(parts_, text_.substr(done_), done_);
    if (!good_) return std::nullopt;
    warn_of_bare_variable(node_, context_);
    return std::move(parts_);
  }

 private:
  // What stands before the brace at `at` + 1: each two $ are one; false when none is left, which makes it a literal ${.
  bool take_dollars(std::size_t at) {
    std::size_t first = at;
    while (first > done_ && text_[first - 1] == '$') --first;
    const std::size_t dollars = at + 1 - first;
    add_literal(parts_, text_.substr(done_, first - done_), done_);
    add_literal(parts_, std::string(dollars / 2, '$'), first);
    if (dollars % 2 == 1) return true;
    add_literal(parts_, "{", at + 1);
    done_ = at + 2;
    return false;
  }

  void take_use(const Use& use) {
    auto substitution = substitute(use, context_);
    switch (substitution.outcome) {
      case Substitution::Outcome::kText: add_literal(parts_, substitution.text, use.offset); break;
      case Substitution::Outcome::kExpression: parts_.push_back({true, std::string(use.body), use.offset + 2}); break;
      case Substitution::Outcome::kFailed: good_ = false; break;
    }
  }

  const ConfigNode& node_;
  std::string_view text_;
  BindContext& context_;
  std::vector<TemplateText::Part> parts_;
  std::size_t done_ = 0;
  bool good_ = true;
};

}  // namespace

std::string quoted_text(std::string_view text) {
  constexpr std::size_t kLongest = 80;  // bytes
  std::size_t length = std::min(text.size(), kLongest);
  while (length < text.size() && length > 0 && (static_cast<unsigned char>(text[length]) & 0xc0U) == 0x80U) --length;
  return "\"" + std::string(text.substr(0, length)) + (length < text.size() ? "...\"" : "\"");
}

std::string shown_text(const ConfigNode& node, const std::string& text) {
  if (node.text.find("${file:") != std::string::npos) return "the content of " + quoted_text(node.text);
  return quoted_text(text);
}

std::optional<std::vector<TemplateText::Part>> expand_template(const ConfigNode& node, BindContext& context) {
  if (!node.is_scalar()) return wrong_type(node, "text", context), std::nullopt;
  return Expansion(node, context).run();
}

std::optional<std::string> expand_text(const ConfigNode& node, BindContext& context) {
  auto parts = expand_template(node, context);
  if (!parts) return std::nullopt;
  std::string result;
  for (const TemplateText::Part& part : *parts) {
    if (part.is_expression) {
      Use{node, part.text, part.offset - 2}.report(
          context, "bad_value", "\"" + braced(part.text) + "\" is an expression, and this field takes none",
          meant_in_plain_field(part.text), "variables are written ${UPPER_CASE}; write $${ for a literal ${");
      return std::nullopt;
    }
    result += part.text;
  }
  return result;
}

std::optional<ExpandedText> expand_known(const ConfigNode& node, BindContext& context) {
  const std::size_t before = context.unset_values;
  auto text = expand_text(node, context);
  if (!text) return std::nullopt;
  return ExpandedText{std::move(*text), context.unset_values != before};
}

}  // namespace sluice
