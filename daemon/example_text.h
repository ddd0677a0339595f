#pragma once
// A component's example as it stands in a pipeline file.

#include <string>

#include "core/registry.h"

namespace sluice::daemon {

// "filter: this.status != \"test\"\n", or the type and its fields in block style below it.
std::string example_file(const Component& component);

// Every line behind `indent`; ends with a line break unless it is empty.
std::string indented(std::string_view text, std::string_view indent = "  ");

}  // namespace sluice::daemon
