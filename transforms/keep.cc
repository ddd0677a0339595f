// keep: takes everything out of a record but the named fields.

#include <algorithm>

#include "core/registry.h"
#include "transforms/path_list.h"
#include "transforms/row_plan.h"

namespace sluice {

namespace {

using transforms::EditNode;
using transforms::EditTree;
using transforms::Images;

struct KeepConfig {
  std::vector<FieldPath> paths;
  Images images = Images::kBoth;
};

const ConfigFields<KeepConfig>& keep_fields() {
  static const auto kFields =
      ConfigFields<KeepConfig>()
          .required("paths", &KeepConfig::paths, "Fields that stay: a, a.b, items[].price.  They keep the order of the record.")
          .direct()
          .beside("images", &KeepConfig::images, std::string(transforms::kImagesDoc))
          .check([](const KeepConfig& config, const ConfigNode& node, BindContext& context) {
            transforms::check_path_list(config.paths, node, context);
          });
  return kFields;
}

Result<std::unique_ptr<Transform>> build_keep(const KeepConfig& config, const BuildContext& context) {
  EditTree tree(EditTree::Mode::kSelect);
  for (const FieldPath& path : config.paths) tree.add(path).action = EditNode::Action::kKeep;
  return std::unique_ptr<Transform>(std::make_unique<transforms::RowEditTransform>(std::move(tree), config.images, context));
}

void reshape_keep(const KeepConfig& config, Reshaping& reshaping) {
  RecordShape kept = reshaping.shape;
  std::erase_if(kept.fields, [&](const FieldShape& field) {
    return std::none_of(config.paths.begin(), config.paths.end(),
                        [&](const FieldPath& path) { return path.steps.front().name == field.name; });
  });
  for (const FieldPath& path : config.paths) reshaping.expect(path);
  reshaping.shape = std::move(kept);
}

}  // namespace

void register_keep_transform(Registry& registry) {
  TransformType<KeepConfig> type;
  type.name = "keep";
  type.summary = "Keeps the named fields and takes out all others, also from the key.";
  type.example = "[id, total, customer.country]";
  type.fields = &keep_fields();
  type.build = build_keep;
  type.reshape = reshape_keep;
  registry.add(type);
}

}  // namespace sluice
