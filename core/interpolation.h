#pragma once
// How text from variables and files is shown in findings.  Private to core/config_*.cc.

#include <string>
#include <string_view>

#include "core/bind_context.h"

namespace sluice {

// Between quotes, cut when it is long.
std::string quoted_text(std::string_view text);

// The same for the text that a scalar gave; what a file gave is not shown, because it may be a secret.
std::string shown_text(const ConfigNode& node, const std::string& text);

}  // namespace sluice
