#pragma once
// Configuration types that are made of others: what may be left out, lists, mappings with the user's keys.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/config_scalars.h"

namespace sluice {

template <typename T>
struct ConfigType<std::optional<T>> {
  static bool bind(const ConfigNode& node, std::optional<T>& out, BindContext& context) {
    T value{};
    if (!ConfigType<T>::bind(node, value, context)) return false;
    out = std::move(value);
    return true;
  }
  static std::string type_name() { return ConfigType<T>::type_name(); }
  static ValueShape shape() { return shape_of<T>(); }
  static std::string show(const std::optional<T>& value) { return value ? ConfigType<T>::show(*value) : std::string(); }
};

template <typename T>
struct ConfigType<std::vector<T>> {
  static bool bind(const ConfigNode& node, std::vector<T>& out, BindContext& context) {
    if (!node.is_sequence()) return wrong_type(node, "a list", context), false;
    std::vector<T> values;
    bool good = true;
    for (const ConfigNode& item : node.items) {
      T value{};
      if (ConfigType<T>::bind(item, value, context)) {
        values.push_back(std::move(value));
      } else {
        good = false;
      }
    }
    if (good) out = std::move(values);
    return good;
  }
  static std::string type_name() { return "list of " + ConfigType<T>::type_name(); }
  static ValueShape shape() { return shapes::list_of(shape_of<T>()); }
  static std::string show(const std::vector<T>& values) {
    std::string result = "[";
    for (const T& value : values) result += (result.size() == 1 ? "" : ", ") + ConfigType<T>::show(value);
    return result + "]";
  }
};

// A mapping whose keys are the user's: order kept.
template <typename K, typename V>
struct ConfigType<std::vector<std::pair<K, V>>> {
  static bool bind(const ConfigNode& node, std::vector<std::pair<K, V>>& out, BindContext& context) {
    if (!node.is_mapping()) return wrong_type(node, "a mapping", context), false;
    std::vector<std::pair<K, V>> values;
    bool good = true;
    for (const auto& [key_node, value_node] : node.entries) {
      std::pair<K, V> entry;
      const bool key_good = ConfigType<K>::bind(key_node, entry.first, context);
      const bool value_good = ConfigType<V>::bind(value_node, entry.second, context);
      good = good && key_good && value_good;
      values.push_back(std::move(entry));
    }
    if (good) out = std::move(values);
    return good;
  }
  static std::string type_name() { return "mapping of " + ConfigType<K>::type_name() + " to " + ConfigType<V>::type_name(); }
  static ValueShape shape() { return shapes::map_of(shape_of<K>(), shape_of<V>()); }
  static std::string show(const std::vector<std::pair<K, V>>&) { return {}; }
};

}  // namespace sluice
