// Any bytes: the loader neither crashes nor hangs, places lie inside the file, and the tree keeps its promises.
#include <cstdint>
#include <cstdlib>

#include "daemon/findings.h"
#include "daemon/load_pipelines.h"
#include "daemon/yaml_loader.h"

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

class NoVariables final : public Variables {
 public:
  std::optional<std::string> find(std::string_view) const override { return std::nullopt; }
  Result<std::string> read_file(std::string_view) const override { return Error(ErrorKind::kInvalidConfig, "unreadable_file", "no"); }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  Diagnostics findings;
  daemon::YamlLimits limits;
  limits.nodes = 2000;
  const auto root = daemon::load_yaml(text, "f.yaml", findings, limits);
  std::size_t lines = 1;
  for (const char c : text) lines += c == '\n' ? 1U : 0U;
  if (root) check_tree(*root, lines);
  require(root.has_value() || findings.has_errors());
  for (const Diagnostic& finding : findings.findings()) check_place(finding.place, lines);

  const Registry registry;
  const NoVariables variables;
  const auto loaded = daemon::load_pipeline_text(text, "f.yaml", {registry, variables});
  require(!daemon::findings_text(daemon::sorted_findings(loaded.findings), loaded.texts).empty());
  require(!daemon::findings_json(daemon::sorted_findings(loaded.findings)).empty());
  return 0;
}
