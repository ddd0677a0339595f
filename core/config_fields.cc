#include "core/config_fields.h"

#include <algorithm>

namespace sluice {

void unknown_keys(const ConfigNode& node, const std::vector<std::string_view>& known, BindContext& context) {
  for (const auto& [key, value] : node.entries) {
    if (std::find(known.begin(), known.end(), key.text) != known.end()) continue;
    std::string list;
    for (const std::string_view name : known) list += (list.empty() ? "" : ", ") + std::string(name);
    context.findings.add({Diagnostic::Severity::kError, key.place, key.path, "unknown_key", "unknown key \"" + key.text + "\"",
                          nearest(key.text, known), known.empty() ? "no key is allowed here" : "known here: " + list});
  }
}

void missing_key(const ConfigNode& node, std::string_view name, BindContext& context) {
  const ConfigNode* key = node.find_key(name);
  if (key != nullptr) return context.findings.error(*key, "missing_key", "the key \"" + std::string(name) + "\" has no value");
  context.findings.error(node, "missing_key", "the key \"" + std::string(name) + "\" is missing");
}

}  // namespace sluice
