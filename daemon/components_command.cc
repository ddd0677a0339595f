// `sluice components [NAME]` and `sluice version`: what this binary is made of.
#include <fmt/format.h>

#include <iterator>
#include <ostream>

#include "core/diagnostic.h"
#include "daemon/command_line.h"
#include "daemon/pipeline_config.h"
#include "daemon/version.h"

namespace sluice::daemon {

namespace {

std::string_view kind_word(ComponentKind kind) {
  switch (kind) {
    case ComponentKind::kSource: return "source";
    case ComponentKind::kTransform: return "transform";
    case ComponentKind::kSink: return "sink";
  }
  return "";
}

void list_all(const Registry& registry, std::ostream& out) {
  for (const ComponentKind kind : {ComponentKind::kSource, ComponentKind::kTransform, ComponentKind::kSink}) {
    out << kind_word(kind) << "s\n";
    for (const Component& component : registry.all()) {
      if (component.kind == kind) out << fmt::format("  {:<16} {}\n", component.name, component.summary);
    }
  }
}

void list_fields(const std::vector<FieldDoc>& fields, const std::string& indent, std::string& out) {
  for (const FieldDoc& field : fields) {
    fmt::format_to(std::back_inserter(out), "{}{}: {}", indent, field.name, field.type);
    if (field.required) out += ", required";
    if (!field.default_text.empty() && field.nested.empty()) out += ", default " + field.default_text;
    if (field.beside) out += ", beside the component's key";
    out += "\n" + indent + "    " + field.doc + "\n";
    list_fields(field.nested, indent + "    ", out);
  }
}

std::string indented(std::string_view text) {
  std::string result;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    result += "  " + std::string(text.substr(begin, end - begin)) + "\n";
    begin = end + 1;
  }
  return result;
}

// Examples are written as raw strings, which may begin and end with a line break.
std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  while (text.starts_with('\n')) text.remove_prefix(1);
  return text;
}

std::string description(const Component& component) {
  std::string out = fmt::format("{} ({})\n  {}\n\nfields\n", component.name, kind_word(component.kind), component.summary);
  list_fields(component.fields(), "  ", out);
  const std::string_view example = trimmed(component.example);
  const bool block =
      example.find('\n') != std::string_view::npos || (!example.starts_with('{') && example.find(": ") != std::string_view::npos);
  out += "\nexample\n";
  if (block) return out + "  " + std::string(component.name) + ":\n" + indented(indented(example));
  return out + fmt::format("  {}: {}\n", component.name, example);
}

}  // namespace

int components_command(const std::string& name, const Registry& registry, Streams streams) {
  if (name.empty()) {
    list_all(registry, streams.out);
    return kOk;
  }
  bool found = false;
  std::vector<std::string_view> names = {"pipeline"};
  for (const Component& component : registry.all()) {
    names.push_back(component.name);
    if (component.name != name) continue;
    streams.out << (found ? "\n" : "") << description(component);
    found = true;
  }
  if (name == "pipeline") {
    std::string out = "pipeline (file)\n\nkeys\n";
    list_fields(pipeline_fields(), "  ", out);
    streams.out << out;
    return kOk;
  }
  if (found) return kOk;
  const std::string meant = nearest(name, names);
  streams.err << fmt::format("there is no component \"{}\"{}\n", name, meant.empty() ? "" : "; did you mean \"" + meant + "\"?");
  return kUsage;
}

int version_command(Streams streams) {
  streams.out << "sluice " << product_version() << "\ncompiler " << compiler() << "\nlibraries\n" << indented(libraries());
  return kOk;
}

}  // namespace sluice::daemon
