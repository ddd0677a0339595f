// Wiring only.
#include <iostream>

#include "daemon/command_line.h"

namespace sluice {
void register_all_components(Registry& registry);  // generated
}  // namespace sluice

int main(int argc, char** argv) {
  sluice::Registry registry;
  sluice::register_all_components(registry);
  return sluice::daemon::command_line(argc, argv, registry, {std::cin, std::cout, std::cerr});
}
