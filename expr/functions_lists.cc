// Functions of lists.  size() stands with the strings, + and `in` are operators.
#include <algorithm>
#include <array>

#include "expr/compare.h"
#include "expr/functions.h"

namespace sluice::expr {

namespace {

using Arguments = std::span<const Value>;

// The items in their first places, without those equal to an earlier one.
bool distinct(Context& context, Arguments arguments, Value& out) {
  if (arguments[0].type() != Value::Type::kList) return context.no_overload("distinct", arguments);
  const auto items = arguments[0].as_list();
  const std::span<Value> kept = context.arena->array<Value>(items.size());
  std::size_t count = 0;
  for (const Value& item : items) {
    const auto found = kept.first(count);
    if (std::none_of(found.begin(), found.end(), [&](const Value& other) { return equal(item, other); })) kept[count++] = item;
  }
  out = Value::list(kept.first(count));
  return true;
}

constexpr std::array<Function, 1> kFunctions = {{
    {"distinct", CallStyle::kReceiver, "l:l", distinct},
}};

}  // namespace

std::span<const Function> list_functions() { return kFunctions; }

}  // namespace sluice::expr
