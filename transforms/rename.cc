// rename: gives fields new names in place, in every image of a record; all at once, so names may be swapped.

#include <algorithm>

#include "core/registry.h"
#include "transforms/path_list.h"
#include "transforms/row_plan.h"

namespace sluice {

namespace {

using transforms::EditNode;
using transforms::EditTree;
using transforms::Images;

struct RenameConfig {
  std::vector<std::pair<FieldPath, FieldPath>> fields;
  Images images = Images::kBoth;
};

// "a.b" and "a.c": the same but for the last name.
bool same_place(const FieldPath& from, const FieldPath& to) {
  return from.steps.size() == to.steps.size() &&
         std::equal(from.steps.begin(), from.steps.end() - 1, to.steps.begin(),
                    [](const auto& a, const auto& b) { return a.name == b.name && a.every_item == b.every_item; });
}

void check_rename(const RenameConfig& config, const ConfigNode& node, BindContext& context) {
  if (config.fields.empty()) context.findings.error(node, "bad_value", "nothing is renamed", "write old: new, or remove the step");
  std::vector<FieldPath> sources, targets;
  for (const auto& [from, to] : config.fields) {
    sources.push_back(from);
    targets.push_back(to);
    if (transforms::ends_with_items(from) || transforms::ends_with_items(to)) {
      context.findings.error(from.node, "bad_value", "the items of a list have no name to change",
                             "name the list itself, or a field of its items: items[].price");
    } else if (!same_place(from, to)) {
      context.findings.error(to.node, "bad_value",
                             "\"" + transforms::path_text(to) + "\" stands at another place than \"" + transforms::path_text(from) + "\"",
                             "rename leaves a field where it is (a.old: a.new); to move one, use set and then drop");
    }
  }
  transforms::check_no_repeats(sources, context);
  transforms::check_no_repeats(targets, context);
}

const ConfigFields<RenameConfig>& rename_fields() {
  static const auto kFields = ConfigFields<RenameConfig>()
                                  .required("fields", &RenameConfig::fields,
                                            "Old name: new name.  For a nested field both as paths: customer.mail: customer.email.")
                                  .whole()
                                  .beside("images", &RenameConfig::images, std::string(transforms::kImagesDoc))
                                  .check(check_rename);
  return kFields;
}

Result<std::unique_ptr<Transform>> build_rename(const RenameConfig& config, const BuildContext& context) {
  EditTree tree(EditTree::Mode::kTouch);
  for (const auto& [from, to] : config.fields) {
    EditNode& node = tree.add(from);
    node.action = EditNode::Action::kRename;
    node.new_name = to.steps.back().name;
  }
  return std::unique_ptr<Transform>(std::make_unique<transforms::RowEditTransform>(std::move(tree), config.images, context));
}

// All at once, as the step does it: {a: b, b: a} swaps.
void reshape_rename(const RenameConfig& config, Reshaping& reshaping) {
  std::vector<std::pair<FieldShape*, std::string>> renamed;
  for (const auto& [from, to] : config.fields) {
    FieldShape* field = reshaping.expect(from);
    if (field != nullptr && from.steps.size() == 1) renamed.emplace_back(field, to.steps.back().name);
  }
  for (const auto& [field, name] : renamed) field->name = name;
}

}  // namespace

void register_rename_transform(Registry& registry) {
  TransformType<RenameConfig> type;
  type.name = "rename";
  type.summary = "Gives fields new names; a record that has a field of the new name already is rejected (field_exists).";
  type.example = "{mail: email, customer.nr: customer.number}";
  type.fields = &rename_fields();
  type.build = build_rename;
  type.reshape = reshape_rename;
  registry.add(type);
}

}  // namespace sluice
