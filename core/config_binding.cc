#include "core/config_binding.h"

#include <charconv>
#include <cmath>
#include <span>

#include "core/expression_traps.h"

namespace sluice {

namespace {

bool is_variable_name(std::string_view name) {
  if (name.empty() || !(name[0] == '_' || (name[0] >= 'A' && name[0] <= 'Z'))) return false;
  for (const char c : name) {
    if (!(c == '_' || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))) return false;
  }
  return true;
}

// Replaces what stands between ${ and }; nullopt: it is no variable, so it is an expression.
struct Substitution {
  enum class Outcome : std::uint8_t { kText, kFailed, kExpression } outcome;
  std::string text;
};

void placed_error(const ConfigNode& node, std::size_t offset, std::size_t length, std::string_view code, std::string message,
                  std::string hint, Diagnostic::Severity severity, BindContext& context) {
  context.findings.add({severity, node.place_in_text(offset, length), node.path, code, std::move(message), {}, std::move(hint)});
}

Substitution substitute_variable(const ConfigNode& node, std::string_view body, std::size_t offset, BindContext& context) {
  const std::size_t default_at = body.find(":-");
  const std::string_view name = body.substr(0, default_at);
  if (!is_variable_name(name)) return {Substitution::Outcome::kExpression, {}};
  const auto value = context.variables.find(name);
  const bool use_default = default_at != std::string_view::npos && (!value || value->empty());
  if (use_default) return {Substitution::Outcome::kText, std::string(body.substr(default_at + 2))};
  if (value) return {Substitution::Outcome::kText, *value};
  const auto severity = context.allow_unset ? Diagnostic::Severity::kWarning : Diagnostic::Severity::kError;
  placed_error(node, offset, body.size() + 3, "unset_variable", "the environment variable " + std::string(name) + " is not set",
               "set it, or give a default: ${" + std::string(name) + ":-value}", severity, context);
  if (context.allow_unset) return ++context.unset_values, Substitution{Substitution::Outcome::kText, {}};
  return {Substitution::Outcome::kFailed, {}};
}

Substitution substitute(const ConfigNode& node, std::string_view body, std::size_t offset, BindContext& context) {
  if (!body.starts_with("file:")) return substitute_variable(node, body, offset, context);
  auto content = context.variables.read_file(body.substr(5));
  if (content) return {Substitution::Outcome::kText, std::move(content).value()};
  placed_error(node, offset, body.size() + 3, "unreadable_file", content.error().message(), {}, Diagnostic::Severity::kError, context);
  return {Substitution::Outcome::kFailed, {}};
}

// The end of ${ ... } that begins before `from`: the matching brace, with strings of an expression skipped.
std::size_t closing_brace(std::string_view text, std::size_t from) {
  int depth = 0;
  char quote = 0;
  for (std::size_t i = from; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != 0) {
      if (c == '\\') ++i;
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
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

// "30s" -> number and unit; false if it does not begin with a number.
bool split_number(std::string_view text, double& number, std::string_view& unit) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || !std::isfinite(number) || number < 0) return false;
  unit = text.substr(static_cast<std::size_t>(end - text.data()));
  while (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
  return true;
}

struct Unit {
  std::string_view name;
  double factor;
};

// nullopt with `unset` true: the value is not known, which is no error.
std::optional<double> with_unit(const ConfigNode& node, std::span<const Unit> units, std::string_view expected, bool& unset,
                                BindContext& context) {
  const auto expanded = expand_known(node, context);
  unset = expanded && expanded->unset;
  if (!expanded || unset) return std::nullopt;
  const std::string* text = &expanded->text;
  double number = 0;
  std::string_view unit;
  if (split_number(*text, number, unit)) {
    for (const Unit& known : units) {
      if (known.name == unit) return number * known.factor;
    }
  }
  std::string names;
  for (const Unit& known : units) {
    if (!known.name.empty()) names += (names.empty() ? "" : ", ") + std::string(known.name);
  }
  context.findings.error(node, "bad_value", "expected " + std::string(expected) + ", got \"" + *text + "\"",
                         "a number with a unit: " + names);
  return std::nullopt;
}

template <typename T>
bool bind_expression(const ConfigNode& node, T& out, ExpressionChecker::Expected expected, BindContext& context) {
  if (!node.is_scalar()) return wrong_type(node, "an expression", context), false;
  if (expression_trap(node, context)) return false;
  const std::size_t before = context.findings.findings().size();
  if (context.expressions != nullptr) context.expressions->check(node, node.text, 0, expected, context.findings);
  out.node = node;
  return !context.findings.has_errors_since(before);
}

// Empty where there is nothing to read again.
Reread reread_of(const ConfigNode& node, BindContext& context) {
  if (node.text.find("${file:") == std::string::npos) return {};
  auto variables = context.variables.lasting();
  if (!variables) return {};
  return [node, variables = std::move(variables)]() -> Result<std::string> {
    Diagnostics findings;
    BindContext again{findings, *variables};
    auto text = expand_text(node, again);
    if (text) return *std::move(text);
    return Error(ErrorKind::kTransient, "secret_unreadable", node.path + ": " + findings.findings().front().message);
  };
}

}  // namespace

std::optional<std::vector<TemplateText::Part>> expand_template(const ConfigNode& node, BindContext& context) {
  if (!node.is_scalar()) return wrong_type(node, "text", context), std::nullopt;
  const std::string_view text = node.text;
  std::vector<TemplateText::Part> parts;
  bool good = true;
  std::size_t done = 0;
  for (std::size_t at = text.find("${"); at != std::string_view::npos; at = text.find("${", done)) {
    if (at > done && text[at - 1] == '$') {  // $${ is a literal ${
      add_literal(parts, text.substr(done, at - 1 - done), done);
      add_literal(parts, "${", at);
      done = at + 2;
      continue;
    }
    add_literal(parts, text.substr(done, at - done), done);
    const std::size_t end = closing_brace(text, at + 2);
    if (end == std::string_view::npos) {
      placed_error(node, at, 2, "bad_value", "\"${\" has no closing brace", "write $${ for a literal ${", Diagnostic::Severity::kError,
                   context);
      return std::nullopt;
    }
    const std::string_view body = text.substr(at + 2, end - at - 2);
    auto substitution = substitute(node, body, at, context);
    if (substitution.outcome == Substitution::Outcome::kText) add_literal(parts, substitution.text, at);
    if (substitution.outcome == Substitution::Outcome::kExpression) parts.push_back({true, std::string(body), at + 2});
    good = good && substitution.outcome != Substitution::Outcome::kFailed;
    done = end + 1;
  }
  add_literal(parts, text.substr(done), done);
  if (!good) return std::nullopt;
  return parts;
}

std::optional<std::string> expand_text(const ConfigNode& node, BindContext& context) {
  auto parts = expand_template(node, context);
  if (!parts) return std::nullopt;
  std::string result;
  for (const TemplateText::Part& part : *parts) {
    if (part.is_expression) {
      placed_error(node, part.offset - 2, part.text.size() + 3, "bad_value",
                   "\"${" + part.text + "}\" is an expression, and this field takes none",
                   "variables are written ${UPPER_CASE}; write $${ for a literal ${", Diagnostic::Severity::kError, context);
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

std::string_view kind_name(const ConfigNode& node) {
  switch (node.kind) {
    case ConfigNode::Kind::kNull: return "nothing";
    case ConfigNode::Kind::kScalar: return "text";
    case ConfigNode::Kind::kSequence: return "a list";
    case ConfigNode::Kind::kMapping: return "a mapping";
  }
  return "";
}

void wrong_type(const ConfigNode& node, std::string_view expected, BindContext& context) {
  std::string message = "expected " + std::string(expected) + ", got " + std::string(kind_name(node));
  if (node.is_scalar()) message += " \"" + node.text + "\"";
  context.findings.error(node, "wrong_type", std::move(message));
}

bool bind_integer(const ConfigNode& node, std::int64_t low, std::int64_t high, std::int64_t& out, BindContext& context) {
  if (!node.is_scalar()) return wrong_type(node, "an integer", context), false;
  const auto expanded = expand_known(node, context);
  if (!expanded) return false;
  if (expanded->unset) return true;
  const std::string* text = &expanded->text;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  const bool whole = end == text->data() + text->size() && !text->empty();
  if (error == std::errc::invalid_argument || !whole) {
    context.findings.error(node, "wrong_type", "expected an integer, got \"" + *text + "\"");
    return false;
  }
  if (error == std::errc::result_out_of_range || value < low || value > high) {
    context.findings.error(node, "out_of_range", *text + " is not between " + std::to_string(low) + " and " + std::to_string(high));
    return false;
  }
  out = value;
  return true;
}

bool bind_enum(const ConfigNode& node, const std::vector<std::string_view>& names, std::size_t& out, BindContext& context) {
  std::string list;
  for (const std::string_view name : names) list += (list.empty() ? "" : ", ") + std::string(name);
  if (!node.is_scalar()) return wrong_type(node, "one of " + list, context), false;
  const auto expanded = expand_known(node, context);
  if (!expanded) return false;
  if (expanded->unset) return true;
  const std::string* text = &expanded->text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == *text) return out = i, true;
  }
  Diagnostic finding{Diagnostic::Severity::kError, node.place, node.path, "bad_value", "\"" + *text + "\" is not one of " + list,
                     nearest(*text, names),        {}};
  context.findings.add(std::move(finding));
  return false;
}

bool ConfigType<bool>::bind(const ConfigNode& node, bool& out, BindContext& context) {
  if (!node.is_scalar()) return wrong_type(node, "true or false", context), false;
  const auto expanded = expand_known(node, context);
  if (!expanded) return false;
  if (expanded->unset) return true;
  const std::string* text = &expanded->text;
  if (*text == "true" || *text == "false") return out = *text == "true", true;
  context.findings.error(node, "wrong_type", "expected true or false, got \"" + *text + "\"");
  return false;
}

bool ConfigType<double>::bind(const ConfigNode& node, double& out, BindContext& context) {
  if (!node.is_scalar()) return wrong_type(node, "a number", context), false;
  const auto expanded = expand_known(node, context);
  if (!expanded) return false;
  if (expanded->unset) return true;
  const std::string* text = &expanded->text;
  double value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error == std::errc() && end == text->data() + text->size()) return out = value, true;
  context.findings.error(node, "wrong_type", "expected a number, got \"" + *text + "\"");
  return false;
}

std::string ConfigType<double>::show(double value) {
  std::array<char, 32> buffer{};
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return {buffer.data(), end};
}

bool ConfigType<std::string>::bind(const ConfigNode& node, std::string& out, BindContext& context) {
  auto text = expand_text(node, context);
  if (!text) return false;
  out = std::move(*text);
  return true;
}

bool ConfigType<std::chrono::milliseconds>::bind(const ConfigNode& node, std::chrono::milliseconds& out, BindContext& context) {
  static constexpr std::array kUnits = {Unit{"ms", 1}, Unit{"s", 1000}, Unit{"m", 60'000}, Unit{"h", 3'600'000}, Unit{"d", 86'400'000}};
  if (!node.is_scalar()) return wrong_type(node, "a duration such as 30s", context), false;
  bool unset = false;
  const auto value = with_unit(node, kUnits, "a duration such as 30s", unset, context);
  if (!value) return unset;
  if (*value > 3e12) {  // 95 years: surely a slip, and 64 bits of nanoseconds end at 292 where durations are added to times
    context.findings.error(node, "out_of_range", "the duration is too long");
    return false;
  }
  out = std::chrono::milliseconds(static_cast<std::int64_t>(*value));
  return true;
}

std::string ConfigType<std::chrono::milliseconds>::show(std::chrono::milliseconds value) {
  const std::int64_t count = value.count();
  static constexpr std::array<std::pair<std::int64_t, std::string_view>, 4> kUnits = {
      {{86'400'000, "d"}, {3'600'000, "h"}, {60'000, "m"}, {1000, "s"}}};
  for (const auto& [factor, unit] : kUnits) {
    if (count != 0 && count % factor == 0) return std::to_string(count / factor) + std::string(unit);
  }
  return std::to_string(count) + "ms";
}

bool ConfigType<ByteSize>::bind(const ConfigNode& node, ByteSize& out, BindContext& context) {
  static constexpr std::array kUnits = {
      Unit{"B", 1},     Unit{"KiB", 1024}, Unit{"MiB", 1048576}, Unit{"GiB", 1073741824}, Unit{"TiB", 1099511627776},
      Unit{"kB", 1000}, Unit{"MB", 1e6},   Unit{"GB", 1e9},      Unit{"TB", 1e12},        Unit{"", 1}};
  if (!node.is_scalar()) return wrong_type(node, "a size such as 64MiB", context), false;
  bool unset = false;
  const auto value = with_unit(node, kUnits, "a size such as 64MiB", unset, context);
  if (!value) return unset;
  if (*value > 1e18) {
    context.findings.error(node, "out_of_range", "the size is beyond 1 EB");
    return false;
  }
  out.bytes = static_cast<std::uint64_t>(*value);
  return true;
}

std::string ConfigType<ByteSize>::show(ByteSize value) {
  static constexpr std::array<std::pair<std::uint64_t, std::string_view>, 4> kUnits = {
      {{1099511627776ULL, "TiB"}, {1073741824ULL, "GiB"}, {1048576ULL, "MiB"}, {1024ULL, "KiB"}}};
  for (const auto& [factor, unit] : kUnits) {
    if (value.bytes != 0 && value.bytes % factor == 0) return std::to_string(value.bytes / factor) + std::string(unit);
  }
  return std::to_string(value.bytes) + "B";
}

bool ConfigType<Rate>::bind(const ConfigNode& node, Rate& out, BindContext& context) {
  static constexpr std::array kUnits = {Unit{"/s", 1.0}, Unit{"/m", 1.0 / 60}, Unit{"/h", 1.0 / 3600}};
  if (!node.is_scalar()) return wrong_type(node, "a rate such as 1000/s", context), false;
  bool unset = false;
  const auto value = with_unit(node, kUnits, "a rate such as 1000/s", unset, context);
  if (!value) return unset;
  if (*value <= 0) {
    context.findings.error(node, "out_of_range", "a rate must be above 0");
    return false;
  }
  out.per_second = *value;
  return true;
}

std::string ConfigType<Rate>::show(Rate value) { return ConfigType<double>::show(value.per_second) + "/s"; }

bool ConfigType<Share>::bind(const ConfigNode& node, Share& out, BindContext& context) {
  static constexpr std::array kUnits = {Unit{"%", 0.01}};
  if (!node.is_scalar()) return wrong_type(node, "a share such as 5%", context), false;
  bool unset = false;
  const auto value = with_unit(node, kUnits, "a share such as 5%", unset, context);
  if (!value) return unset;
  if (*value > 1) {
    context.findings.error(node, "out_of_range", "a share cannot be above 100%");
    return false;
  }
  out.fraction = *value;
  return true;
}

std::string ConfigType<Share>::show(Share value) { return ConfigType<double>::show(value.fraction * 100) + "%"; }

bool ConfigType<Secret>::bind(const ConfigNode& node, Secret& out, BindContext& context) {
  auto text = expand_text(node, context);
  if (!text) return false;
  out = Secret(std::move(*text), reread_of(node, context));
  return true;
}

bool ConfigType<ConnectionUrl>::bind(const ConfigNode& node, ConnectionUrl& out, BindContext& context) {
  const auto expanded = expand_known(node, context);
  if (!expanded) return false;
  if (expanded->unset) return true;
  const std::string* text = &expanded->text;
  if (text->find("://") == std::string::npos) {
    context.findings.error(node, "bad_value", "expected a URL such as postgresql://user@host/database");  // the text may hold a password
    return false;
  }
  out = ConnectionUrl(*text, reread_of(node, context));
  return true;
}

bool ConfigType<Expression>::bind(const ConfigNode& node, Expression& out, BindContext& context) {
  return bind_expression(node, out, ExpressionChecker::Expected::kAny, context);
}

bool ConfigType<Condition>::bind(const ConfigNode& node, Condition& out, BindContext& context) {
  return bind_expression(node, out, ExpressionChecker::Expected::kBool, context);
}

bool ConfigType<TemplateText>::bind(const ConfigNode& node, TemplateText& out, BindContext& context) {
  auto parts = expand_template(node, context);
  if (!parts) return false;
  const std::size_t before = context.findings.findings().size();
  for (const TemplateText::Part& part : *parts) {
    if (part.is_expression && context.expressions != nullptr) {
      context.expressions->check(node, part.text, part.offset, ExpressionChecker::Expected::kAny, context.findings);
    }
  }
  if (context.findings.has_errors_since(before)) return false;
  out.parts = std::move(*parts);
  out.node = node;
  return true;
}

}  // namespace sluice
