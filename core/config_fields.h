#pragma once
// The one list that binds a component's YAML keys to the members of its configuration struct.  Parsing, unknown-key errors,
// required checks, reference docs and the redacted dump are all derived from it.
//
//   const auto kFields = ConfigFields<FileSinkConfig>{}
//       .required("path", &FileSinkConfig::path, "Where the file goes; a template.")
//       .optional("rotate", &FileSinkConfig::rotate, "When a file is finished.")     // a struct with its own ConfigFields
//       .check([](const FileSinkConfig& c, const ConfigNode& node, BindContext& context) { ... });

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/config_binding.h"

namespace sluice {

void unknown_keys(const ConfigNode& node, const std::vector<std::string_view>& known, BindContext& context);
void missing_key(const ConfigNode& node, std::string_view name, BindContext& context);

template <typename C>
class ConfigFields {
 public:
  using Check = std::function<void(const C&, const ConfigNode&, BindContext&)>;

  template <typename T>
  ConfigFields& required(std::string name, T C::*member, std::string doc) {
    return add(std::move(name), member, std::move(doc), true, false);
  }
  // Its default is the member's initialiser.
  template <typename T>
  ConfigFields& optional(std::string name, T C::*member, std::string doc) {
    return add(std::move(name), member, std::move(doc), false, false);
  }
  // Stands beside the component's key instead of inside it.
  template <typename T>
  ConfigFields& beside(std::string name, T C::*member, std::string doc) {
    return add(std::move(name), member, std::move(doc), false, true);
  }
  // The field added last may be given directly where a mapping of fields is expected: `filter: <expr>`.
  ConfigFields& direct() {
    direct_ = entries_.size() - 1;
    entries_.back().doc.form = FieldDoc::Form::kDirect;
    return *this;
  }
  // The field added last is the whole value, whatever its shape: `set: {field: <expr>}`.
  ConfigFields& whole() {
    direct();
    whole_ = true;
    entries_.back().doc.form = FieldDoc::Form::kWhole;
    return *this;
  }
  // Rules between fields; called only when every field was good.
  ConfigFields& check(Check rule) {
    checks_.push_back(std::move(rule));
    return *this;
  }

  // `value`: what stands under the component's key.  `around`: the mapping that holds that key, for beside fields; may be null.
  // False when anything was wrong.
  bool bind(const ConfigNode& value, const ConfigNode* around, C& out, BindContext& context) const {
    const std::size_t unset = context.unset_values;
    bool good = bind_value(value, out, context);
    for (const Entry& entry : entries_) {
      const ConfigNode* node = entry.doc.beside && around != nullptr ? around->find(entry.doc.name) : nullptr;
      if (node != nullptr) good = entry.bind(*node, out, context) && good;
    }
    if (!good) return false;
    if (context.unset_values != unset) return true;  // some values are not known, so rules between fields say nothing
    const std::size_t before = context.findings.findings().size();
    for (const Check& rule : checks_) rule(out, value, context);
    return !context.findings.has_errors_since(before);
  }

  std::vector<FieldDoc> docs() const {
    std::vector<FieldDoc> result;
    const C defaults{};
    for (const Entry& entry : entries_) {
      result.push_back(entry.doc);
      if (!entry.doc.required) result.back().default_text = entry.show(defaults);
    }
    return result;
  }

  // The redacted dump: each field and its value; secrets as ***.
  std::vector<std::pair<std::string, std::string>> show(const C& config) const {
    std::vector<std::pair<std::string, std::string>> result;
    for (const Entry& entry : entries_) result.emplace_back(entry.doc.name, entry.show(config));
    return result;
  }

 private:
  struct Entry {
    FieldDoc doc;
    std::function<bool(const ConfigNode&, C&, BindContext&)> bind;
    std::function<std::string(const C&)> show;
  };

  template <typename T>
  ConfigFields& add(std::string name, T C::*member, std::string doc, bool required, bool beside) {
    FieldDoc field = shapes::field(std::move(name), ConfigType<T>::type_name(), std::move(doc), shape_of<T>());
    field.required = required;
    field.beside = beside;
    field.nested = shapes::nested_fields(field.shape);
    entries_.push_back(
        {std::move(field),
         [member](const ConfigNode& node, C& out, BindContext& context) { return ConfigType<T>::bind(node, out.*member, context); },
         [member](const C& config) { return ConfigType<T>::show(config.*member); }});
    return *this;
  }

  bool bind_value(const ConfigNode& value, C& out, BindContext& context) const {
    if (direct_ && (whole_ || !(value.is_mapping() || value.is_null()))) return entries_[*direct_].bind(value, out, context);
    if (!value.is_mapping() && !value.is_null()) return wrong_type(value, "a mapping of fields", context), false;
    return bind_mapping(value, out, context);
  }

  bool bind_mapping(const ConfigNode& value, C& out, BindContext& context) const {
    bool good = true;
    std::vector<std::string_view> known;
    for (const Entry& entry : entries_) {
      if (entry.doc.beside) continue;
      known.push_back(entry.doc.name);
      const ConfigNode* node = value.find(entry.doc.name);
      if (node != nullptr) {
        good = entry.bind(*node, out, context) && good;
      } else if (entry.doc.required) {
        missing_key(value, entry.doc.name, context);
        good = false;
      }
    }
    const std::size_t before = context.findings.findings().size();
    unknown_keys(value, known, context);
    return good && context.findings.findings().size() == before;
  }

  std::vector<Entry> entries_;
  std::vector<Check> checks_;
  std::optional<std::size_t> direct_;
  bool whole_ = false;
};

// A struct inside a configuration: give it `static const ConfigFields<T>& fields();`.
template <typename T>
requires requires { T::fields(); }
struct ConfigType<T> {
  static bool bind(const ConfigNode& node, T& out, BindContext& context) { return T::fields().bind(node, nullptr, out, context); }
  static std::string type_name() { return "mapping"; }
  static ValueShape shape() { return shapes::mapping_of(T::fields().docs()); }
  static std::string show(const T& value) {
    std::string result;
    for (const auto& [name, text] : T::fields().show(value)) result += (result.empty() ? "" : ", ") + name + ": " + text;
    return "{" + result + "}";
  }
};

}  // namespace sluice
