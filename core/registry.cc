#include "core/registry.h"

namespace sluice {

const Component* Registry::find(ComponentKind kind, std::string_view name) const {
  for (const Component& component : components_) {
    if (component.kind == kind && component.name == name) return &component;
  }
  return nullptr;
}

std::vector<std::string_view> Registry::names(ComponentKind kind) const {
  std::vector<std::string_view> result;
  for (const Component& component : components_) {
    if (component.kind == kind) result.push_back(component.name);
  }
  return result;
}

}  // namespace sluice
