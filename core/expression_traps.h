#pragma once
// What YAML does to an expression before it is one (CONFIG.md rules 9 and 15).

#include "core/config_binding.h"

namespace sluice {

// Adds a finding, and returns true, when the scalar's text is probably not the expression that was meant: it is folded, a # comment
// cut it inside a string or a parenthesis, a // comment would eat what follows (yaml_trap), or it holds ${...}, which nothing
// replaces here (bad_value).
bool expression_trap(const ConfigNode& node, BindContext& context);

// The same for one expression of a template.
bool template_trap(const ConfigNode& node, const TemplateText::Part& part, BindContext& context);

// The finding for an expression that a # comment cut.
void cut_by_comment(const ConfigNode& node, BindContext& context);

}  // namespace sluice
