#pragma once
// The file that `sluice init` writes: a pipeline that validates, with every field of its components, what it means and its default.

#include <string>

#include "core/registry.h"

namespace sluice::daemon {

// Fields of the component's example are set; the others stand as comments.
std::string init_text(const std::string& name, const Component& source, const Component& sink);

}  // namespace sluice::daemon
