#include "core/record.h"

#include <array>

namespace sluice {

std::string_view op_name(Op op) {
  static constexpr std::array<std::string_view, 6> kNames = {"read", "insert", "update", "delete", "truncate", "message"};
  return kNames[static_cast<std::size_t>(op)];
}

}  // namespace sluice
