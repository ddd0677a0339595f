#include "transforms/path_list.h"

#include <algorithm>

#include "transforms/edit_tree.h"

namespace sluice::transforms {

namespace {

bool same_step(const FieldPath::Step& a, const FieldPath::Step& b) { return a.name == b.name && a.every_item == b.every_item; }

// a.b leads to a.b.c, and so does items to items[].
bool leads_to(const FieldPath& shorter, const FieldPath& longer) {
  if (shorter.steps.size() > longer.steps.size()) return false;
  const auto last = shorter.steps.size() - 1;
  if (!std::equal(shorter.steps.begin(), shorter.steps.end() - 1, longer.steps.begin(), same_step)) return false;
  const FieldPath::Step& end = shorter.steps[last];
  const FieldPath::Step& other = longer.steps[last];
  return end.name == other.name && (end.every_item == other.every_item || !end.every_item);
}

}  // namespace

bool ends_with_items(const FieldPath& path) { return path.steps.back().every_item; }

bool has_items(const FieldPath& path) {
  return std::any_of(path.steps.begin(), path.steps.end(), [](const FieldPath::Step& step) { return step.every_item; });
}

bool check_no_repeats(const std::vector<FieldPath>& paths, BindContext& context) {
  bool good = true;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (path_text(paths[i]) != path_text(paths[j])) continue;
      context.findings.error(paths[i].node, "duplicate_key", "the field \"" + path_text(paths[i]) + "\" is named twice");
      good = false;
    }
  }
  return good;
}

void check_no_prefixes(const std::vector<FieldPath>& paths, BindContext& context) {
  if (!check_no_repeats(paths, context)) return;
  for (const FieldPath& longer : paths) {
    for (const FieldPath& shorter : paths) {
      if (&longer == &shorter || !leads_to(shorter, longer)) continue;
      context.findings.error(longer.node, "conflict",
                             "\"" + path_text(longer) + "\" stands inside \"" + path_text(shorter) + "\", which this step writes too",
                             "use two steps, or name only one of them");
    }
  }
}

void check_path_list(const std::vector<FieldPath>& paths, const ConfigNode& node, BindContext& context) {
  if (paths.empty())
    context.findings.error(node, "bad_value", "the list of fields is empty", "name at least one field, or remove the step");
  for (const FieldPath& path : paths) {
    if (ends_with_items(path)) {
      context.findings.error(path.node, "bad_value", "\"" + path_text(path) + "\" names the items of a list and no field",
                             "name the list itself, or a field of its items: items[].price");
    }
  }
  check_no_repeats(paths, context);
}

}  // namespace sluice::transforms
