#pragma once
// Checks of configured field paths that several verbs share.

#include <vector>

#include "core/config_binding.h"

namespace sluice::transforms {

// For drop and keep: at least one path, none twice, none that ends with [].
void check_path_list(const std::vector<FieldPath>& paths, const ConfigNode& node, BindContext& context);

// A finding when two of `paths` are the same.  True: none are.
bool check_no_repeats(const std::vector<FieldPath>& paths, BindContext& context);

// A finding when one of `paths` leads through another one: both would write the same value.
void check_no_prefixes(const std::vector<FieldPath>& paths, BindContext& context);

bool ends_with_items(const FieldPath& path);
bool has_items(const FieldPath& path);

}  // namespace sluice::transforms
