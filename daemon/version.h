#pragma once
// What this binary is.

#include <string_view>

namespace sluice::daemon {

std::string_view product_version();  // "0.1.0"
std::string_view compiler();         // "GNU 12.2.0"
std::string_view libraries();        // "fmt 9.1.0\n...": as found when the build was configured

}  // namespace sluice::daemon
