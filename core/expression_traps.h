#pragma once
// What YAML does to an expression before it is one (CONFIG.md rule 15).

#include "core/config_binding.h"

namespace sluice {

// Adds a finding of code yaml_trap, and returns true, when the scalar's text is probably not the expression that was meant: it is
// folded, a # comment cut it inside a string or a parenthesis, or a // comment would eat what follows.
bool expression_trap(const ConfigNode& node, BindContext& context);

}  // namespace sluice
