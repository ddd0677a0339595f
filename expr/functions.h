#pragma once
// The functions of the language: one table per family, one file per table.  Adding a function is one entry and one C++ function.

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "core/value.h"
#include "expr/context.h"

namespace sluice::expr {

// Computes `out`, or sets context.failure and returns false.  The arguments' types are not checked beforehand.
using FunctionBody = bool (*)(Context& context, std::span<const Value> arguments, Value& out);

enum class CallStyle : std::uint8_t { kGlobal, kReceiver, kBoth };

struct Function {
  std::string_view name;  // "size"; "math.greatest" for one in a namespace
  CallStyle style;
  // Overloads for the checker, separated by spaces: a letter per argument (the receiver first), ':' and the result's letter.
  //   n null  b bool  i int  u uint  d double  e decimal  s string  y bytes  t timestamp  D duration  a date  l list  m map
  //   T type  o optional  * any; a final '+' in front of ':' repeats the last argument.
  std::string_view overloads;
  FunctionBody body;
};

// Each family's table; static.
std::span<const Function> string_functions();
std::span<const Function> conversion_functions();
std::span<const Function> time_functions();
std::span<const Function> math_functions();
std::span<const Function> list_functions();
std::span<const Function> optional_functions();

// The entry for that name and style, or nullptr.
const Function* find_function(std::string_view name, bool receiver);
// True if some overload takes that many arguments (the receiver counts).
bool takes_arguments(const Function& function, std::size_t count);
// Every name, for suggestions.
std::vector<std::string_view> function_names(bool receiver);

}  // namespace sluice::expr
