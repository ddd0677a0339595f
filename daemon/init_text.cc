#include "daemon/init_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/example_text.h"
#include "daemon/yaml_loader.h"

namespace sluice::daemon {

namespace {

constexpr std::size_t kWidth = 100;  // columns of a comment

// "# ..." lines behind `indent`, broken between words.
std::string comment(std::string_view text, const std::string& indent) {
  std::string out, line = indent + "#";
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    if (line.size() + 1 + word.size() > kWidth && line.size() > indent.size() + 1) {
      out += line + "\n";
      line = indent + "#";
    }
    if (!word.empty()) line += " " + std::string(word);
    begin = end + 1;
  }
  return out + line + "\n";
}

bool is_plain(std::string_view text) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_./-()").find(c) != std::string_view::npos;
  };
  return !text.empty() && text[0] != '-' && std::all_of(text.begin(), text.end(), plain);
}

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + "\"";
}

// The node as YAML on one line.
std::string flow(const ConfigNode& node) {
  if (node.is_null()) return "null";
  if (node.is_scalar()) return node.style == ConfigNode::Style::kPlain && is_plain(node.text) ? node.text : quoted(node.text);
  std::string result;
  for (const ConfigNode& item : node.items) result += (result.empty() ? "" : ", ") + flow(item);
  for (const auto& [key, value] : node.entries) result += (result.empty() ? "" : ", ") + flow(key) + ": " + flow(value);
  return node.is_sequence() ? "[" + result + "]" : "{" + result + "}";
}

std::string facts(const FieldDoc& field) {
  std::string result = " (" + field.type;
  if (field.required) result += ", required";
  return result + ")";
}

// What the commented line of a field that is not set shows.
std::string unset_value(const FieldDoc& field) {
  if (!field.default_text.empty()) return field.default_text;
  return field.nested.empty() ? "..." : "{}";
}

// An address is better taken from the environment: the example is what stands there without it.
std::string value_text(const FieldDoc& field, const ConfigNode& value, std::string_view role) {
  if (field.shape.kind != ValueShape::Kind::kUrl) return flow(value);
  std::string variable(role);
  std::transform(variable.begin(), variable.end(), variable.begin(), [](char c) { return static_cast<char>(c - 'a' + 'A'); });
  return quoted("${" + variable + "_URL:-" + value.text + "}");
}

std::string fields_text(const std::vector<FieldDoc>& fields, const ConfigNode& example, std::string_view role) {
  const std::string indent(4, ' ');
  std::string out;
  for (const FieldDoc& field : fields) {
    if (field.beside) continue;
    const ConfigNode* value = example.find(field.name);
    out += comment(field.doc + facts(field), indent);
    if (value != nullptr) {
      out += fmt::format("{}{}: {}\n", indent, field.name, value_text(field, *value, role));
    } else {
      out += fmt::format("{}# {}: {}\n", indent, field.name, unset_value(field));
    }
  }
  return out;
}

std::string use_text(const Component& component, std::string_view role, std::string_view example_text) {
  Diagnostics ignored;
  const auto tree = load_yaml(example_text, "example", ignored);
  const bool has_fields = tree && tree->is_mapping() && !tree->entries.empty() && !component.fields().empty();
  std::string out = fmt::format("{}:\n{}", role, comment(component.summary, "  "));
  if (!has_fields) return out + fmt::format("  {}: {{}}\n", component.name);
  return out + fmt::format("  {}:\n{}", component.name, fields_text(component.fields(), tree->entries[0].second, role));
}

// A source without tables has no meta.table, so the sink's example must do without.
std::string sink_example(const Component& source, const Component& sink) {
  std::string text = example_file(sink);
  if (std::find(source.meta.begin(), source.meta.end(), "table") != source.meta.end()) return text;
  constexpr std::string_view kTable = "${meta.table}";
  for (std::size_t at = text.find(kTable); at != std::string::npos; at = text.find(kTable)) text.replace(at, kTable.size(), "records");
  return text;
}

}  // namespace

std::string init_text(const std::string& name, const Component& source, const Component& sink) {
  std::string out = fmt::format(
      "# Lines that begin with # are fields with their default: take the # away to change one.\n"
      "#\n"
      "#   sluice validate {0}.yaml    checks this file\n"
      "#   sluice explain {0}.yaml     says what it does and what it promises\n"
      "#   sluice run {0}.yaml         runs it\n"
      "name: {0}\n"
      "# description: what it is for\n\n",
      name);
  out += use_text(source, "source", example_file(source));
  out +=
      "\n# Steps, one after the other; sluice components lists them.\n"
      "# transforms:\n"
      "#   - filter: this.status != \"test\"\n"
      "#   - set: {seen: meta.ingest_time}\n"
      "#   - drop: [note]\n\n";
  out += use_text(sink, "sink", sink_example(source, sink));
  return out +
         "\n# How long a failing source or sink is tried again, and when sinks commit: sluice components pipeline.\n"
         "# retry: {initial: 200ms, max: 30s, give_up_after: never}\n"
         "# checkpoint: {every: 1s, records: 10000, bytes: 16MiB}\n";
}

}  // namespace sluice::daemon
