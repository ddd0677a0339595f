#pragma once
// Why an evaluation failed.  Cheap to make, because && and || absorb failures on the hot path; the text is made at the very end.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/value.h"

namespace sluice::expr {

struct Failure {
  std::string_view code;          // static, a documented code: "no_such_field"
  std::string_view text;          // static: "no such field"
  std::string_view subject = {};  // field, operator or function; lives as long as the Program or the arena
  std::array<Value, 3> values = {};
  std::uint8_t value_count = 0;  // of `values`, whose types the message names
};

// no such field "x";  no matching overload of + for (int, string)
std::string describe(const Failure& failure);

}  // namespace sluice::expr
