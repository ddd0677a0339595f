// Any bytes: the loader neither crashes nor hangs, places lie inside the file, and the tree keeps its promises.  Bound to components
// with a field of every type, with expressions checked, and with a variable that holds the file itself: what is put in is not read.
#include <cstdint>
#include <cstdlib>

#include "daemon/environment_file.h"
#include "daemon/findings.h"
#include "daemon/load_pipelines.h"
#include "daemon/yaml_loader.h"
#include "expr/expression.h"
#include "tests/daemon/test_registry.h"

using namespace sluice;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void check_place(const Place& place, std::size_t lines) {
  require(place.line >= 1 && place.column >= 1 && place.line <= lines + 1);
  require(place.end_line > place.line || (place.end_line == place.line && place.end_column >= place.column));
}

void check_tree(const ConfigNode& node, std::size_t lines) {
  check_place(node.place, lines);
  for (std::size_t i = 0; i <= node.text.size(); i += 1 + node.text.size() / 7) check_place(node.place_in_text(i, 2), lines);
  for (const ConfigNode& item : node.items) check_tree(item, lines);
  for (std::size_t i = 0; i < node.entries.size(); ++i) {
    require(node.entries[i].first.is_scalar());
    require(node.find_key(node.entries[i].first.text) == &node.entries[i].first);  // keys are unique
    check_tree(node.entries[i].second, lines);
  }
}

class OneVariable final : public Variables {
 public:
  explicit OneVariable(const std::string& text) : text_(text) {}
  std::optional<std::string> find(std::string_view name) const override {
    if (name == "TEXT") return text_;
    return std::nullopt;
  }
  Result<std::string> read_file(std::string_view path) const override {
    if (path == "text") return text_;
    return Error(ErrorKind::kInvalidConfig, "unreadable_file", "no");
  }

 private:
  const std::string& text_;
};

std::size_t line_count(const std::string& text) {
  std::size_t lines = 1;
  for (const char c : text) lines += c == '\n' ? 1U : 0U;
  return lines;
}

void check_findings(const Diagnostics& findings, std::size_t lines) {
  for (const Diagnostic& finding : findings.findings()) {
    require(!finding.code.empty() && !finding.message.empty());
    check_place(finding.place, lines);
  }
}

void check_tree_of(const std::string& text) {
  Diagnostics findings;
  daemon::YamlLimits limits;
  limits.nodes = 2000;
  limits.copies = 500;
  const auto root = daemon::load_yaml(text, "f.yaml", findings, limits);
  if (root) check_tree(*root, line_count(text));
  require(root.has_value() || findings.has_errors());
  check_findings(findings, line_count(text));
}

void check_pipeline_of(const std::string& text) {
  static const Registry registry = test::test_registry();
  static const auto expressions = expr::make_expression_checker([](std::string_view) { return std::optional<std::string>(); });
  const OneVariable variables(text);
  const auto loaded = daemon::load_pipeline_text(text, "f.yaml", {registry, variables, expressions.get()});
  check_findings(loaded.findings, line_count(text));
  const auto findings = daemon::sorted_findings(loaded.findings);
  require(loaded.findings.findings().empty() == findings.empty());
  require(findings.empty() == daemon::findings_text(findings, loaded.texts).empty());
  require(!daemon::findings_json(findings).empty());
}

void check_environment_of(const std::string& text) {
  Diagnostics findings;
  const auto variables = daemon::parse_environment_file(text, "f.env", findings);
  check_findings(findings, line_count(text));
  for (const auto& [name, value] : variables) {
    require(!name.empty() && name.find('=') == std::string::npos);
    require(value.find('\0') == std::string::npos);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  check_tree_of(text);
  check_pipeline_of(text);
  check_environment_of(text);
  return 0;
}
