// CEL's optional values: this.?name.orValue("none").  The operators .? and [?] are in the evaluator.
#include <array>

#include "expr/functions.h"
#include "expr/special_values.h"

namespace sluice::expr {

namespace {

using Type = Value::Type;
using Arguments = std::span<const Value>;

bool is_zero(const Value& value) {
  switch (value.type()) {
    case Type::kNull: return true;
    case Type::kBool: return !value.as_bool();
    case Type::kInt64:
    case Type::kDuration: return value.as_int64() == 0;
    case Type::kUint64: return value.as_uint64() == 0;
    case Type::kFloat64: return value.as_float64() == 0;
    case Type::kString:
    case Type::kBytes: return value.as_text().empty();
    case Type::kList: return value.as_list().empty();
    case Type::kMap: return value.as_map().empty();
    default: return false;
  }
}

bool of(Context& context, Arguments arguments, Value& out) {
  out = make_optional(*context.arena, arguments[0]);
  return true;
}

bool of_non_zero(Context& context, Arguments arguments, Value& out) {
  out = is_zero(arguments[0]) ? no_optional(*context.arena) : make_optional(*context.arena, arguments[0]);
  return true;
}

bool none(Context& context, Arguments, Value& out) {
  out = no_optional(*context.arena);
  return true;
}

bool has_value(Context& context, Arguments arguments, Value& out) {
  if (!is_optional(arguments[0])) return context.no_overload("hasValue", arguments);
  out = Value::boolean(optional_content(arguments[0]) != nullptr);
  return true;
}

bool value(Context& context, Arguments arguments, Value& out) {
  if (!is_optional(arguments[0])) return context.no_overload("value", arguments);
  const Value* content = optional_content(arguments[0]);
  if (content == nullptr) return context.fail("no_value", "value() of an empty optional");
  out = *content;
  return true;
}

bool or_optional(Context& context, Arguments arguments, Value& out) {
  if (!is_optional(arguments[0]) || !is_optional(arguments[1])) return context.no_overload("or", arguments);
  out = optional_content(arguments[0]) != nullptr ? arguments[0] : arguments[1];
  return true;
}

bool or_value(Context& context, Arguments arguments, Value& out) {
  if (!is_optional(arguments[0])) return context.no_overload("orValue", arguments);
  const Value* content = optional_content(arguments[0]);
  out = content != nullptr ? *content : arguments[1];
  return true;
}

constexpr std::array<Function, 7> kFunctions = {{
    {"optional.of", CallStyle::kGlobal, "*:o", of},
    {"optional.ofNonZeroValue", CallStyle::kGlobal, "*:o", of_non_zero},
    {"optional.none", CallStyle::kGlobal, ":o", none},
    {"hasValue", CallStyle::kReceiver, "o:b", has_value},
    {"value", CallStyle::kReceiver, "o:*", value},
    {"or", CallStyle::kReceiver, "oo:o", or_optional},
    {"orValue", CallStyle::kReceiver, "o*:*", or_value},
}};

}  // namespace

std::span<const Function> optional_functions() { return kFunctions; }

}  // namespace sluice::expr
