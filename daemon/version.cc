#include "daemon/version.h"

namespace sluice::daemon {

std::string_view product_version() { return SLUICE_VERSION; }
std::string_view compiler() { return SLUICE_COMPILER; }
std::string_view libraries() { return SLUICE_LIBRARIES; }

}  // namespace sluice::daemon
