// Where names lead: roots, given variables, types.
#include <algorithm>
#include <array>
#include <cstdlib>

#include "expr/compile.h"
#include "expr/parser.h"

namespace sluice::expr {

namespace {

constexpr std::array<std::string_view, 17> kTypes = {"bool",
                                                     "int",
                                                     "uint",
                                                     "double",
                                                     "string",
                                                     "bytes",
                                                     "list",
                                                     "map",
                                                     "null_type",
                                                     "type",
                                                     "decimal",
                                                     "date",
                                                     "optional_type",
                                                     "google.protobuf.Timestamp",
                                                     "google.protobuf.Duration",
                                                     "uuid",
                                                     "json"};

constexpr std::array<std::string_view, kMetaNames> kMeta = {"op",   "source",      "database",    "schema",    "table",  "topic",
                                                            "file", "source_time", "ingest_time", "partition", "offset", "lsn",
                                                            "gtid", "tx",          "xid",         "headers",   "tags",   "id"};

std::optional<std::uint32_t> find_variable(std::string_view name, const CompileOptions& options) {
  const auto found = std::find(options.variables.begin(), options.variables.end(), name);
  if (found == options.variables.end()) return std::nullopt;
  return static_cast<std::uint32_t>(found - options.variables.begin());
}

// In the namespace a.b.c the name x may be a.b.c.x, a.b.x, a.x or x, in this order.
std::optional<std::uint32_t> find_in_container(std::string_view name, bool absolute, const CompileOptions& options) {
  std::string container = absolute ? "" : options.container;
  while (!container.empty()) {
    if (const auto found = find_variable(container + "." + std::string(name), options)) return found;
    const std::size_t dot = container.rfind('.');
    container.resize(dot == std::string::npos ? 0 : dot);
  }
  return find_variable(name, options);
}

}  // namespace

std::span<const std::string_view> meta_names() { return kMeta; }

Resolution resolve(std::string_view name, bool absolute, const CompileOptions& options) {
  using Kind = Resolution::Kind;
  if (const auto variable = find_in_container(name, absolute, options)) return {Kind::kVariable, Root::kThis, *variable, {}};
  if (options.records) {
    if (name == "this") return {Kind::kRoot, Root::kThis, 0, {}};
    if (name == "before") return {Kind::kRoot, Root::kBefore, 0, {}};
    if (name == "key") return {Kind::kRoot, Root::kKey, 0, {}};
    if (name == "meta") return {Kind::kMeta, Root::kThis, 0, {}};
    if (name == "env") return {Kind::kEnv, Root::kThis, 0, {}};
  }
  const auto* const type = std::find(kTypes.begin(), kTypes.end(), name);
  if (type != kTypes.end()) return {Kind::kType, Root::kThis, 0, *type};
  return {};
}

const Node& chain_head(const Node& node) {
  const Node* head = &node;
  while (head->kind == Node::Kind::kSelect && !head->optional) head = head->children[0].get();
  return *head;
}

std::string dotted_name(const Node& node) {
  if (node.kind == Node::Kind::kIdentifier) return node.name;
  if (node.kind != Node::Kind::kSelect || node.optional) return {};
  const std::string prefix = dotted_name(*node.children[0]);
  return prefix.empty() ? prefix : prefix + "." + node.name;
}

std::optional<std::string> environment_variable(const CompileOptions& options, std::string_view name) {
  if (options.environment) return options.environment(name);
  const char* const value = std::getenv(std::string(name).c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

CompileResult compile_source(std::string_view source, const CompileOptions& options) {
  CompileResult result;
  std::optional<CompileError> error;
  const std::optional<Ast> ast = parse(source, error);
  if (!ast) {
    result.errors.push_back(std::move(*error));
    return result;
  }
  if (options.checked) result.errors = check(*ast, options);
  if (result.errors.empty()) result.code = lower(*ast, options);
  return result;
}

}  // namespace sluice::expr
