// cast: changes the type of fields in every image of a record; the rules are in cast_value.h.

#include "core/registry.h"
#include "transforms/cast_value.h"
#include "transforms/path_list.h"
#include "transforms/row_plan.h"

namespace sluice {

namespace {

using transforms::CastTarget;
using transforms::EditNode;
using transforms::EditTree;
using transforms::Images;

struct CastConfig {
  std::vector<std::pair<FieldPath, CastTarget>> fields;
  Images images = Images::kBoth;
};

class CastEdit final : public transforms::ValueEdit {
 public:
  CastEdit(std::string path, const CastTarget& target) : path_(std::move(path)), target_(target) {}

  Result<Value> edit(const Value& value, Arena& arena) const override {
    Result<Value> result = transforms::cast_value(value, target_, arena);
    if (!result) return std::move(result).error().context(path_);
    return result;
  }
  std::optional<Value::Type> type() const override { return target_.type(); }
  std::string origin_type() const override { return target_.kind == CastTarget::Kind::kDecimal ? target_.name() : std::string(); }

 private:
  std::string path_;
  CastTarget target_;
};

void check_cast(const CastConfig& config, const ConfigNode& node, BindContext& context) {
  if (config.fields.empty()) context.findings.error(node, "bad_value", "nothing is cast", "write field: type, or remove the step");
  std::vector<FieldPath> paths;
  for (const auto& [path, target] : config.fields) paths.push_back(path);
  transforms::check_no_prefixes(paths, context);
}

const ConfigFields<CastConfig>& cast_fields() {
  static const auto kFields =
      ConfigFields<CastConfig>()
          .required("fields", &CastConfig::fields,
                    "Field: type, where the type is int, double, decimal(p,s), string, bool, date or timestamp.  "
                    "What would lose something is rejected (cast_failed); decimals are rounded to s digits, ties away from zero.")
          .whole()
          .beside("images", &CastConfig::images, std::string(transforms::kImagesDoc))
          .check(check_cast);
  return kFields;
}

Result<std::unique_ptr<Transform>> build_cast(const CastConfig& config, const BuildContext& context) {
  EditTree tree(EditTree::Mode::kTouch);
  for (const auto& [path, target] : config.fields) {
    EditNode& node = tree.add(path);
    node.action = EditNode::Action::kReplace;
    node.edit = std::make_unique<CastEdit>(transforms::path_text(path), target);
  }
  return std::unique_ptr<Transform>(std::make_unique<transforms::RowEditTransform>(std::move(tree), config.images, context));
}

void reshape_cast(const CastConfig& config, Reshaping& reshaping) {
  for (const auto& [path, target] : config.fields) {
    FieldShape* field = reshaping.expect(path);
    if (field != nullptr && path.steps.size() == 1) field->type = path.steps[0].every_item ? Value::Type::kList : target.type();
  }
}

}  // namespace

void register_cast_transform(Registry& registry) {
  TransformType<CastConfig> type;
  type.name = "cast";
  type.summary = "Changes the type of fields; a value that does not fit rejects its record.";
  type.example = "{total: \"decimal(10,2)\", placed: timestamp, \"items[].count\": int}";
  type.fields = &cast_fields();
  type.build = build_cast;
  type.reshape = reshape_cast;
  registry.add(type);
}

}  // namespace sluice
