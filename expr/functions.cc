#include "expr/functions.h"

#include <array>

namespace sluice::expr {

namespace {

constexpr std::array<std::span<const Function> (*)(), 6> kFamilies = {string_functions, conversion_functions, time_functions,
                                                                      math_functions,   list_functions,       optional_functions};

bool fits(CallStyle style, bool receiver) { return style == CallStyle::kBoth || (style == CallStyle::kReceiver) == receiver; }

}  // namespace

const Function* find_function(std::string_view name, bool receiver) {
  for (const auto family : kFamilies) {
    for (const Function& function : family()) {
      if (function.name == name && fits(function.style, receiver)) return &function;
    }
  }
  return nullptr;
}

bool takes_arguments(const Function& function, std::size_t count) {
  std::string_view rest = function.overloads;
  while (!rest.empty()) {
    const std::string_view overload = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(rest.size(), overload.size() + 1));
    const std::string_view letters = overload.substr(0, overload.find(':'));
    if (letters.ends_with('+') ? count + 1 >= letters.size() : count == letters.size()) return true;
  }
  return false;
}

std::vector<std::string_view> function_names(bool receiver) {
  std::vector<std::string_view> names;
  for (const auto family : kFamilies) {
    for (const Function& function : family()) {
      if (fits(function.style, receiver)) names.push_back(function.name);
    }
  }
  return names;
}

}  // namespace sluice::expr
