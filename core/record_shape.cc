#include "core/record_shape.h"

#include <algorithm>

#include "core/config_types.h"

namespace sluice {

const FieldShape* RecordShape::find(std::string_view name) const {
  const auto found = std::find_if(fields.begin(), fields.end(), [&](const FieldShape& field) { return field.name == name; });
  return found == fields.end() ? nullptr : &*found;
}

FieldShape* RecordShape::find(std::string_view name) {
  const auto found = std::find_if(fields.begin(), fields.end(), [&](const FieldShape& field) { return field.name == name; });
  return found == fields.end() ? nullptr : &*found;
}

void RecordShape::remove(std::string_view name) {
  std::erase_if(fields, [&](const FieldShape& field) { return field.name == name; });
}

std::vector<std::string_view> RecordShape::names() const {
  std::vector<std::string_view> result;
  for (const FieldShape& field : fields) result.push_back(field.name);
  return result;
}

KnownShape either(const KnownShape& a, const KnownShape& b) {
  if (!a || !b) return std::nullopt;
  RecordShape result = *a;
  if (a->origin != b->origin) result.origin += (result.origin.empty() || b->origin.empty() ? "" : ", ") + b->origin;
  result.whole = a->whole && b->whole;
  for (FieldShape& field : result.fields) {
    const FieldShape* other = b->find(field.name);
    if (other == nullptr) {
      field.optional = true;
      continue;
    }
    if (field.type != other->type) field.type.reset();
    field.nullable = field.nullable || other->nullable;
    field.optional = field.optional || other->optional;
  }
  for (const FieldShape& field : b->fields) {
    if (a->find(field.name) != nullptr) continue;
    result.fields.push_back(field);
    result.fields.back().optional = true;
  }
  return result;
}

FieldShape* Reshaping::expect(const FieldPath& path) const {
  if (path.steps.empty() || path.steps.front().name.empty()) return nullptr;
  const std::string& name = path.steps.front().name;
  FieldShape* const field = shape.find(name);
  if (field != nullptr) return field;
  findings.add({Diagnostic::Severity::kError, path.node.place, path.node.path, "expression_unknown_field",
                "there is no field \"" + name + "\" here, so the path matches nothing", nearest(name, shape.names()),
                shape.origin.empty() ? "" : "the fields are known from " + shape.origin});
  return nullptr;
}

}  // namespace sluice
