#pragma once
// `use: NAME` in a source or sink: the fields of that connection of the settings file become the component's own, where it does not
// say otherwise.  Done on the tree before anything is bound, so that a component never knows; every node keeps the place that it was
// written at, so that a finding about a connection's value points into the settings file.

#include "core/diagnostic.h"
#include "core/registry.h"
#include "daemon/settings.h"

namespace sluice::daemon {

inline constexpr std::string_view kUseKey = "use";

// Replaces each `use` of the pipeline file's sources, sinks and dead_letters.copy_to.  `settings` null: there are no connections.
// Findings: unknown_reference (no such connection), unknown_key (a connection's field that the component does not have; it is left out),
// wrong_type.
void use_connections(ConfigNode& root, const Settings* settings, const Registry& registry, Diagnostics& findings);

}  // namespace sluice::daemon
