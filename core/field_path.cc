// Parsing of FieldPath: a.b, items[].price, `a.b`.c
#include "core/config_binding.h"

namespace sluice {

namespace {

struct PathParser {
  std::string_view text;
  std::size_t at = 0;
  std::string problem = {};

  bool done() const { return at >= text.size(); }

  bool name(std::string& out) {
    if (!done() && text[at] == '`') return quoted(out);
    const std::size_t begin = at;
    while (!done() && text[at] != '.' && text[at] != '[' && text[at] != '`') ++at;
    out = text.substr(begin, at - begin);
    if (out.empty()) problem = "a name is missing";
    return !out.empty();
  }

  bool quoted(std::string& out) {
    const std::size_t end = text.find('`', at + 1);
    if (end == std::string_view::npos) return problem = "the ` is not closed", false;
    out = text.substr(at + 1, end - at - 1);
    at = end + 1;
    return true;
  }

  bool step(FieldPath::Step& out) {
    if (!name(out.name)) return false;
    if (text.substr(at).starts_with("[]")) {
      out.every_item = true;
      at += 2;
    }
    if (done()) return true;
    if (text[at] != '.') return problem = "expected . or [] after \"" + out.name + "\"", false;
    ++at;
    if (done()) return problem = "a name is missing after the last dot", false;
    return true;
  }
};

}  // namespace

bool ConfigType<FieldPath>::bind(const ConfigNode& node, FieldPath& out, BindContext& context) {
  const auto expanded = expand_known(node, context);
  if (!expanded) return false;
  if (expanded->unset) return true;
  const std::string* text = &expanded->text;
  PathParser parser{*text};
  FieldPath path;
  path.node = node;
  do {
    FieldPath::Step step;
    if (!parser.step(step)) {
      context.findings.error(node, "bad_value", "\"" + *text + "\" is no field path: " + parser.problem,
                             "for example customer.name, items[].price, `a.b`.c");
      return false;
    }
    path.steps.push_back(std::move(step));
  } while (!parser.done());
  out = std::move(path);
  return true;
}

}  // namespace sluice
