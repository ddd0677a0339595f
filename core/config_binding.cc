#include "core/config_binding.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/interpolation.h"

namespace sluice {

namespace {

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

// "1,000" and "1_000" as digits alone; empty when that is not all that is wrong.
std::string plain_digits(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (c >= '0' && c <= '9') digits += c;
    if ((c < '0' || c > '9') && c != '_' && c != ',' && c != ' ' && c != '\'') return {};
  }
  return digits == text ? "" : digits;
}

std::string meant_bool(std::string_view text) {
  std::string small(text);
  std::transform(small.begin(), small.end(), small.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  for (const std::string_view yes : {"yes", "on", "y", "t", "1", "enabled", "true"}) {
    if (small == yes) return "true";
  }
  for (const std::string_view no : {"no", "off", "n", "f", "0", "disabled", "false"}) {
    if (small == no) return "false";
  }
  return nearest(small, {"true", "false"});
}

void not_of_type(const ConfigNode& node, std::string_view expected, const std::string& text, std::string suggestion, BindContext& context) {
  context.findings.add({Diagnostic::Severity::kError,
                        node.place,
                        node.path,
                        "wrong_type",
                        "expected " + std::string(expected) + ", got " + shown_text(node, text),
                        std::move(suggestion),
                        {}});
}

}  // namespace

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
  std::string hint;
  if (node.is_scalar()) {
    message += " " + quoted_text(node.text);
    if (node.text.find("${") != std::string::npos) {
      hint = "what a variable gives is text, never a list or a mapping";
    } else if (expected.starts_with("a list") && !node.text.empty()) {
      hint = "a list of one is written [" + node.text + "]";
    } else if (expected.starts_with("a mapping")) {
      hint = node.text.find(" = ") != std::string::npos ? "write a colon instead of =" : "";
      if (node.style == ConfigNode::Style::kPlain && node.text.find(':') != std::string::npos) hint = "put a space after the colon";
    }
  } else if (node.is_mapping() && expected.starts_with("a list")) {
    hint = "each item of a list begins with \"- \"";
  } else if (node.is_sequence() && expected.starts_with("a mapping")) {
    hint = "leave out the \"- \" before the keys";
  }
  context.findings.error(node, "wrong_type", std::move(message), std::move(hint));
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
    not_of_type(node, "an integer", *text, plain_digits(*text), context);
    return false;
  }
  if (error == std::errc::result_out_of_range || value < low || value > high) {
    context.findings.error(node, "out_of_range",
                           shown_text(node, *text) + " is not between " + std::to_string(low) + " and " + std::to_string(high));
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
  context.findings.add({Diagnostic::Severity::kError,
                        node.place,
                        node.path,
                        "bad_value",
                        shown_text(node, *text) + " is not one of " + list,
                        nearest(*text, names),
                        {}});
  return false;
}

bool ConfigType<bool>::bind(const ConfigNode& node, bool& out, BindContext& context) {
  if (!node.is_scalar()) return wrong_type(node, "true or false", context), false;
  const auto expanded = expand_known(node, context);
  if (!expanded) return false;
  if (expanded->unset) return true;
  const std::string* text = &expanded->text;
  if (*text == "true" || *text == "false") return out = *text == "true", true;
  not_of_type(node, "true or false", *text, meant_bool(*text), context);
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
  if (error == std::errc() && end == text->data() + text->size() && std::isfinite(value)) return out = value, true;
  not_of_type(node, "a number", *text, plain_digits(*text), context);
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

bool ConfigType<Secret>::bind(const ConfigNode& node, Secret& out, BindContext& context) {
  auto text = expand_text(node, context);
  if (!text) return false;
  out = Secret(std::move(*text), reread_of(node, context));
  return true;
}

// The text may hold a password, so it is not shown.
bool ConfigType<ConnectionUrl>::bind(const ConfigNode& node, ConnectionUrl& out, BindContext& context) {
  const auto expanded = expand_known(node, context);
  if (!expanded) return false;
  if (expanded->unset) return true;
  const std::string& text = expanded->text;
  if (text.find("://") == std::string::npos) {
    context.findings.error(node, "bad_value", "expected a URL such as postgresql://user@host/database");
    return false;
  }
  if (text.find_first_of("\r\n") != std::string::npos) {
    context.findings.error(node, "yaml_trap", "the URL holds a line break", "write it on the key's line, or after >- instead of | or >");
    return false;
  }
  out = ConnectionUrl(text, reread_of(node, context));
  return true;
}

}  // namespace sluice
