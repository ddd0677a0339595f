// drop: takes fields out of every image of a record.

#include "core/registry.h"
#include "transforms/path_list.h"
#include "transforms/row_plan.h"

namespace sluice {

namespace {

using transforms::EditNode;
using transforms::EditTree;
using transforms::Images;

struct DropConfig {
  std::vector<FieldPath> paths;
  Images images = Images::kBoth;
};

const ConfigFields<DropConfig>& drop_fields() {
  static const auto kFields = ConfigFields<DropConfig>()
                                  .required("paths", &DropConfig::paths, "Fields to take out: a, a.b, items[].price.")
                                  .direct()
                                  .beside("images", &DropConfig::images, std::string(transforms::kImagesDoc))
                                  .check([](const DropConfig& config, const ConfigNode& node, BindContext& context) {
                                    transforms::check_path_list(config.paths, node, context);
                                  });
  return kFields;
}

Result<std::unique_ptr<Transform>> build_drop(const DropConfig& config, const BuildContext& context) {
  EditTree tree(EditTree::Mode::kTouch);
  for (const FieldPath& path : config.paths) tree.add(path).action = EditNode::Action::kRemove;
  return std::unique_ptr<Transform>(std::make_unique<transforms::RowEditTransform>(std::move(tree), config.images, context));
}

void reshape_drop(const DropConfig& config, Reshaping& reshaping) {
  for (const FieldPath& path : config.paths) {
    const FieldShape* field = reshaping.expect(path);
    if (field != nullptr && path.steps.size() == 1) reshaping.shape.remove(std::string(field->name));
  }
}

}  // namespace

void register_drop_transform(Registry& registry) {
  TransformType<DropConfig> type;
  type.name = "drop";
  type.summary = "Takes fields out; a field that is not there is counted, not an error.";
  type.example = "[internal_note, customer.phone, \"items[].cost\"]";
  type.fields = &drop_fields();
  type.build = build_drop;
  type.reshape = reshape_drop;
  registry.add(type);
}

}  // namespace sluice
