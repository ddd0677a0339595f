#include "daemon/yaml_emitter.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace sluice::daemon {

namespace {

bool plain_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("_./+-@%$=").find(c) != std::string_view::npos;
}

// No more than what nobody has to think about.
bool plain_is_safe(std::string_view text) {
  constexpr std::string_view kNull[] = {"null", "Null", "NULL", "~"};
  if (text.empty() || std::find(std::begin(kNull), std::end(kNull), text) != std::end(kNull)) return false;
  const char first = text.front();
  if (first == '-' || first == '@' || first == '%' || first == '=' || first == '+') return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool inner = i > 0 && i + 1 < text.size();
    const bool colon = text[i] == ':' && inner && text[i + 1] != ' ';
    const bool space = text[i] == ' ' && inner && text[i + 1] != ' ' && text[i + 1] != '#';
    if (!plain_char(text[i]) && !colon && !space) return false;
  }
  return true;
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::string double_quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    switch (c) {
      case '"': result += "\\\""; break;
      case '\\': result += "\\\\"; break;
      case '\n': result += "\\n"; break;
      case '\t': result += "\\t"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          fmt::format_to(std::back_inserter(result), "\\x{:02x}", static_cast<unsigned char>(c));
        } else {
          result += c;
        }
    }
  }
  return result + "\"";
}

std::string single_quoted(std::string_view text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("''") : std::string(1, c);
  return result + "'";
}

// Several lines that a literal block gives back as they are, with one line break at the end or none.
bool block_is_safe(std::string_view text) {
  const bool breaks = text.find('\n') < text.size() - 1 && text.front() != '\n' && text.front() != ' ';
  return !text.empty() && breaks && text.find_first_of("\r\t") == std::string_view::npos && text.find("\n\n") == std::string_view::npos;
}

}  // namespace

std::string yaml_scalar_text(std::string_view text) {
  if (plain_is_safe(text)) return std::string(text);
  return has_control(text) ? double_quoted(text) : single_quoted(text);
}

void YamlEmitter::begin_line() {
  out_.append(static_cast<std::size_t>(2 * std::max(0, depth_ - (dash_ ? 1 : 0))), ' ');
  if (dash_) out_ += "- ";
  dash_ = false;
}

void YamlEmitter::open(std::string_view key) {
  if (!key.empty()) {
    begin_line();
    out_ += yaml_scalar_text(key) + ":\n";
  }
  ++depth_;
}

void YamlEmitter::scalar(std::string_view key, std::string_view text, std::string_view comment) {
  if (block_is_safe(text)) return literal_block(key, text, comment);
  raw(key, yaml_scalar_text(text), comment);
}

void YamlEmitter::raw(std::string_view key, std::string_view yaml, std::string_view comment) {
  begin_line();
  if (!key.empty()) out_ += yaml_scalar_text(key) + ": ";
  out_ += yaml;
  if (!comment.empty()) fmt::format_to(std::back_inserter(out_), "  # {}", comment);
  out_ += '\n';
}

void YamlEmitter::literal_block(std::string_view key, std::string_view text, std::string_view comment) {
  raw(key, text.ends_with('\n') ? "|" : "|-", comment);
  const std::string indent(static_cast<std::size_t>(2 * (depth_ + 1)), ' ');
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    out_ += indent;
    out_ += text.substr(0, end);
    out_ += '\n';
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

void YamlEmitter::comment(std::string_view text) {
  begin_line();
  fmt::format_to(std::back_inserter(out_), "# {}\n", text);
}

}  // namespace sluice::daemon
