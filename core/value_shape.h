#pragma once
// What a value of the configuration may look like: from it come the JSON Schema for editors, the reference pages and `components`.
// Made by ConfigType<T>::shape(); a description only, binding never looks at it.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace sluice {

struct FieldDoc;

struct ValueShape {
  enum class Kind : std::uint8_t {
    kAny,  // nothing is known: everything is accepted
    kText,
    kInteger,
    kNumber,
    kBool,
    kDuration,
    kSize,
    kRate,
    kShare,
    kSecret,
    kUrl,
    kExpression,
    kCondition,
    kTemplate,
    kFieldPath,
    kEnum,     // one of `values`
    kPattern,  // text that matches `pattern`
    kList,     // of inner[0]
    kMap,      // the user's keys, as inner[0], to inner[1]
    kFields,   // a mapping of `fields`
    kChoice,   // a mapping of exactly one of `fields`
    kAnyOf,    // one of `inner`
  };

  Kind kind = Kind::kAny;
  std::vector<std::string> values;
  std::string pattern;  // ECMA 262, as JSON Schema wants it
  std::vector<ValueShape> inner;
  std::vector<FieldDoc> fields;
};

// What docs, completion and `components NAME` say of one field.
struct FieldDoc {
  // How the field can be given without its name where a mapping of fields is expected; see ConfigFields::direct() and whole().
  enum class Form : std::uint8_t { kNamed, kDirect, kWhole };

  std::string name;
  std::string type;
  bool required = false;
  std::string default_text;  // empty: none
  std::string doc;
  std::vector<FieldDoc> nested;
  bool beside = false;  // stands beside the component's own key: `drop: [a]` with `images: after`
  Form form = Form::kNamed;
  ValueShape shape = {};
};

namespace shapes {

inline ValueShape of_kind(ValueShape::Kind kind) {
  ValueShape shape;
  shape.kind = kind;
  return shape;
}
inline ValueShape one_of(std::vector<std::string> values) {
  ValueShape shape = of_kind(ValueShape::Kind::kEnum);
  shape.values = std::move(values);
  return shape;
}
inline ValueShape matching(std::string pattern) {
  ValueShape shape = of_kind(ValueShape::Kind::kPattern);
  shape.pattern = std::move(pattern);
  return shape;
}
inline ValueShape list_of(ValueShape item) {
  ValueShape shape = of_kind(ValueShape::Kind::kList);
  shape.inner.push_back(std::move(item));
  return shape;
}
inline ValueShape map_of(ValueShape key, ValueShape value) {
  ValueShape shape = of_kind(ValueShape::Kind::kMap);
  shape.inner.push_back(std::move(key));
  shape.inner.push_back(std::move(value));
  return shape;
}
inline ValueShape mapping_of(std::vector<FieldDoc> fields) {
  ValueShape shape = of_kind(ValueShape::Kind::kFields);
  shape.fields = std::move(fields);
  return shape;
}
inline ValueShape choice_of(std::vector<FieldDoc> fields) {
  ValueShape shape = mapping_of(std::move(fields));
  shape.kind = ValueShape::Kind::kChoice;
  return shape;
}
inline ValueShape any_of(ValueShape first, ValueShape second) {
  ValueShape shape = of_kind(ValueShape::Kind::kAnyOf);
  shape.inner.push_back(std::move(first));
  shape.inner.push_back(std::move(second));
  return shape;
}
// A field of a mapping that has no list of its own.
inline FieldDoc field(std::string name, std::string type, std::string doc, ValueShape shape) {
  FieldDoc result;
  result.name = std::move(name);
  result.type = std::move(type);
  result.doc = std::move(doc);
  if (shape.kind == ValueShape::Kind::kFields) result.nested = shape.fields;
  result.shape = std::move(shape);
  return result;
}

// The fields that stand somewhere in a value of this shape: of the mapping, of the list's items, of one of the alternatives.
inline std::vector<FieldDoc> nested_fields(const ValueShape& shape) {
  if (!shape.fields.empty()) return shape.fields;
  for (const ValueShape& inner : shape.inner) {
    auto found = nested_fields(inner);
    if (!found.empty()) return found;
  }
  return {};
}

}  // namespace shapes
}  // namespace sluice
