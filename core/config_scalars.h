#pragma once
// How a scalar of the configuration becomes a value of a C++ type, and what all types have in common: see core/config_binding.h.

#include <array>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/bind_context.h"
#include "core/config_types.h"
#include "core/diagnostic.h"
#include "core/result.h"
#include "core/value_shape.h"

namespace sluice {

// Expands a scalar and tells whether its text is known; see expand_text().
struct ExpandedText {
  std::string text;
  bool unset = false;  // part of it comes from an unset variable (allow_unset): a binder accepts it and keeps its default
};
std::optional<ExpandedText> expand_known(const ConfigNode& node, BindContext& context);

// The scalar's text with ${VAR}, ${VAR:-default}, ${file:PATH} replaced and $${ unescaped; substituted text is never scanned again.
// nullopt: not a scalar, unset variable, or an expression where none is allowed; a finding was added.
std::optional<std::string> expand_text(const ConfigNode& node, BindContext& context);
// The same, keeping expressions as parts.
std::optional<std::vector<TemplateText::Part>> expand_template(const ConfigNode& node, BindContext& context);

// A finding of code wrong_type: "expected a duration such as 30s, got a list".
void wrong_type(const ConfigNode& node, std::string_view expected, BindContext& context);
std::string_view kind_name(const ConfigNode& node);  // "a list", "a mapping", "text", "nothing"

// static bool bind(const ConfigNode&, T&, BindContext&); std::string type_name(), show(const T&); ValueShape shape(), or without it: kAny.
template <typename T>
struct ConfigType;

template <typename T>
ValueShape shape_of() {
  if constexpr (requires { ConfigType<T>::shape(); }) return ConfigType<T>::shape();
  return {};
}

// Enums: specialise with `static constexpr std::array kNames = {std::pair{std::string_view{"append"}, Mode::kAppend}, ...}`.
template <typename E>
struct EnumNames;

template <typename E>
concept NamedEnum = std::is_enum_v<E> && requires {
  EnumNames<E>::kNames;
};

bool bind_integer(const ConfigNode& node, std::int64_t low, std::int64_t high, std::int64_t& out, BindContext& context);
bool bind_enum(const ConfigNode& node, const std::vector<std::string_view>& names, std::size_t& out, BindContext& context);

template <>
struct ConfigType<bool> {
  static bool bind(const ConfigNode& node, bool& out, BindContext& context);
  static std::string type_name() { return "true or false"; }
  static ValueShape shape() { return shapes::of_kind(ValueShape::Kind::kBool); }
  static std::string show(bool value) { return value ? "true" : "false"; }
};
template <>
struct ConfigType<double> {
  static bool bind(const ConfigNode& node, double& out, BindContext& context);
  static std::string type_name() { return "number"; }
  static ValueShape shape() { return shapes::of_kind(ValueShape::Kind::kNumber); }
  static std::string show(double value);
};
template <>
struct ConfigType<std::string> {
  static bool bind(const ConfigNode& node, std::string& out, BindContext& context);
  static std::string type_name() { return "text"; }
  static ValueShape shape() { return shapes::of_kind(ValueShape::Kind::kText); }
  static std::string show(const std::string& value) { return value; }
};
template <>
struct ConfigType<std::chrono::milliseconds> {
  static bool bind(const ConfigNode& node, std::chrono::milliseconds& out, BindContext& context);
  static std::string type_name() { return "duration"; }
  static ValueShape shape() { return shapes::of_kind(ValueShape::Kind::kDuration); }
  static std::string show(std::chrono::milliseconds value);
};
template <>
struct ConfigType<ByteSize> {
  static bool bind(const ConfigNode& node, ByteSize& out, BindContext& context);
  static std::string type_name() { return "size"; }
  static ValueShape shape() { return shapes::of_kind(ValueShape::Kind::kSize); }
  static std::string show(ByteSize value);
};
template <>
struct ConfigType<Rate> {
  static bool bind(const ConfigNode& node, Rate& out, BindContext& context);
  static std::string type_name() { return "rate"; }
  static ValueShape shape() { return shapes::of_kind(ValueShape::Kind::kRate); }
  static std::string show(Rate value);
};
template <>
struct ConfigType<Share> {
  static bool bind(const ConfigNode& node, Share& out, BindContext& context);
  static std::string type_name() { return "share"; }
  static ValueShape shape() { return shapes::of_kind(ValueShape::Kind::kShare); }
  static std::string show(Share value);
};
template <>
struct ConfigType<Secret> {
  static bool bind(const ConfigNode& node, Secret& out, BindContext& context);
  static std::string type_name() { return "secret"; }
  static ValueShape shape() { return shapes::of_kind(ValueShape::Kind::kSecret); }
  static std::string show(const Secret& value) { return value.empty() ? "" : "***"; }
};
template <>
struct ConfigType<ConnectionUrl> {
  static bool bind(const ConfigNode& node, ConnectionUrl& out, BindContext& context);
  static std::string type_name() { return "URL"; }
  static ValueShape shape() { return shapes::of_kind(ValueShape::Kind::kUrl); }
  static std::string show(const ConnectionUrl& value) { return value.redacted(); }
};
template <>
struct ConfigType<Expression> {
  static bool bind(const ConfigNode& node, Expression& out, BindContext& context);
  static std::string type_name() { return "expression"; }
  static ValueShape shape() { return shapes::of_kind(ValueShape::Kind::kExpression); }
  static std::string show(const Expression& value) { return value.text(); }
};
template <>
struct ConfigType<Condition> {
  static bool bind(const ConfigNode& node, Condition& out, BindContext& context);
  static std::string type_name() { return "condition"; }
  static ValueShape shape() { return shapes::of_kind(ValueShape::Kind::kCondition); }
  static std::string show(const Condition& value) { return value.text(); }
};
template <>
struct ConfigType<TemplateText> {
  static bool bind(const ConfigNode& node, TemplateText& out, BindContext& context);
  static std::string type_name() { return "template"; }
  static ValueShape shape() { return shapes::of_kind(ValueShape::Kind::kTemplate); }
  static std::string show(const TemplateText& value) { return value.node.text; }
};
template <>
struct ConfigType<FieldPath> {
  static bool bind(const ConfigNode& node, FieldPath& out, BindContext& context);
  static std::string type_name() { return "field path"; }
  static ValueShape shape() { return shapes::of_kind(ValueShape::Kind::kFieldPath); }
  static std::string show(const FieldPath& value) { return value.node.text; }
};

template <typename T>
requires(std::integral<T> && !std::same_as<T, bool>) struct ConfigType<T> {
  static bool bind(const ConfigNode& node, T& out, BindContext& context) {
    // Values beyond int64 are no configuration of ours.
    constexpr std::int64_t kHigh = std::cmp_less(std::numeric_limits<T>::max(), std::numeric_limits<std::int64_t>::max())
                                       ? static_cast<std::int64_t>(std::numeric_limits<T>::max())
                                       : std::numeric_limits<std::int64_t>::max();
    std::int64_t value = 0;
    if (!bind_integer(node, static_cast<std::int64_t>(std::numeric_limits<T>::min()), kHigh, value, context)) return false;
    out = static_cast<T>(value);
    return true;
  }
  static std::string type_name() { return "integer"; }
  static ValueShape shape() { return shapes::of_kind(ValueShape::Kind::kInteger); }
  static std::string show(T value) { return std::to_string(value); }
};

template <NamedEnum E>
struct ConfigType<E> {
  static ValueShape shape() {
    const auto all = names();
    return shapes::one_of({all.begin(), all.end()});
  }
  static std::vector<std::string_view> names() {
    std::vector<std::string_view> result;
    for (const auto& [name, value] : EnumNames<E>::kNames) result.push_back(name);
    return result;
  }
  static bool bind(const ConfigNode& node, E& out, BindContext& context) {
    std::size_t index = 0;
    if (!bind_enum(node, names(), index, context)) return false;
    out = EnumNames<E>::kNames[index].second;
    return true;
  }
  static std::string type_name() {
    std::string result;
    for (const std::string_view name : names()) result += (result.empty() ? "" : " | ") + std::string(name);
    return result;
  }
  static std::string show(E value) {
    for (const auto& [name, candidate] : EnumNames<E>::kNames) {
      if (candidate == value) return std::string(name);
    }
    return {};
  }
};

}  // namespace sluice
