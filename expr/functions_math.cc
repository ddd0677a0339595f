// CEL's math extension.
#include <array>
#include <cmath>
#include <limits>

#include "expr/arithmetic.h"
#include "expr/compare.h"
#include "expr/functions.h"

namespace sluice::expr {

namespace {

using Type = Value::Type;
using Arguments = std::span<const Value>;

// The first of the greatest (or least) of the arguments, or of the one list.
bool extreme(Context& context, std::string_view name, std::partial_ordering wanted, Arguments arguments, Value& out) {
  Arguments items = arguments;
  if (arguments.size() == 1 && arguments[0].type() == Type::kList) items = arguments[0].as_list();
  if (items.empty()) return context.fail("invalid_argument", "an empty list has no extreme:", name);
  for (const Value& item : items) {
    if (!is_number(item.type())) return context.no_overload(name, arguments);
  }
  out = items[0];
  for (const Value& item : items.subspan(1)) {
    if (compare_numbers(item, out) == wanted) out = item;
  }
  return true;
}

bool greatest(Context& context, Arguments arguments, Value& out) {
  return extreme(context, "math.greatest", std::partial_ordering::greater, arguments, out);
}
bool least(Context& context, Arguments arguments, Value& out) {
  return extreme(context, "math.least", std::partial_ordering::less, arguments, out);
}

struct CeilName {
  static constexpr std::string_view kName = "math.ceil";
  static double apply(double x) { return std::ceil(x); }
};
struct FloorName {
  static constexpr std::string_view kName = "math.floor";
  static double apply(double x) { return std::floor(x); }
};
struct RoundName {
  static constexpr std::string_view kName = "math.round";
  static double apply(double x) { return std::round(x); }
};
struct TruncName {
  static constexpr std::string_view kName = "math.trunc";
  static double apply(double x) { return std::trunc(x); }
};
struct SqrtName {
  static constexpr std::string_view kName = "math.sqrt";
  static double apply(double x) { return std::sqrt(x); }
};

template <typename Operation>
bool on_double(Context& context, Arguments arguments, Value& out) {
  if (arguments[0].type() != Type::kFloat64) return context.no_overload(Operation::kName, arguments);
  out = Value::float64(Operation::apply(arguments[0].as_float64()));
  return true;
}

bool square_root(Context& context, Arguments arguments, Value& out) {
  switch (arguments[0].type()) {
    case Type::kInt64: out = Value::float64(std::sqrt(static_cast<double>(arguments[0].as_int64()))); return true;
    case Type::kUint64: out = Value::float64(std::sqrt(static_cast<double>(arguments[0].as_uint64()))); return true;
    default: return on_double<SqrtName>(context, arguments, out);
  }
}

bool absolute(Context& context, Arguments arguments, Value& out) {
  const Value& value = arguments[0];
  if (!is_number(value.type())) return context.no_overload("math.abs", arguments);
  out = value;
  if (value.type() == Type::kFloat64) out = Value::float64(std::fabs(value.as_float64()));
  const bool negative =
      (value.type() == Type::kInt64 && value.as_int64() < 0) || (value.type() == Type::kDecimal && value.as_text().starts_with('-'));
  return !negative || negate(context, value, out);
}

bool sign(Context& context, Arguments arguments, Value& out) {
  const Value& value = arguments[0];
  switch (value.type()) {
    case Type::kInt64: out = Value::int64(value.as_int64() < 0 ? -1 : value.as_int64() > 0 ? 1 : 0); return true;
    case Type::kUint64: out = Value::uint64(value.as_uint64() > 0 ? 1 : 0); return true;
    case Type::kFloat64: {
      const double number = value.as_float64();
      out = Value::float64(number < 0 ? -1.0 : number > 0 ? 1.0 : number);
      return true;
    }
    case Type::kDecimal: {
      const std::partial_ordering order = compare_numbers(value, Value::int64(0));
      out = Value::int64(order == std::partial_ordering::less ? -1 : order == std::partial_ordering::greater ? 1 : 0);
      return true;
    }
    default: return context.no_overload("math.sign", arguments);
  }
}

struct IsNan {
  static constexpr std::string_view kName = "math.isNaN";
  static bool test(double x) { return std::isnan(x); }
};
struct IsInf {
  static constexpr std::string_view kName = "math.isInf";
  static bool test(double x) { return std::isinf(x); }
};
struct IsFinite {
  static constexpr std::string_view kName = "math.isFinite";
  static bool test(double x) { return std::isfinite(x); }
};

template <typename Test>
bool classify(Context& context, Arguments arguments, Value& out) {
  if (arguments[0].type() != Type::kFloat64) return context.no_overload(Test::kName, arguments);
  out = Value::boolean(Test::test(arguments[0].as_float64()));
  return true;
}

struct And {
  static constexpr std::string_view kName = "math.bitAnd";
  static std::uint64_t apply(std::uint64_t a, std::uint64_t b) { return a & b; }
};
struct Or {
  static constexpr std::string_view kName = "math.bitOr";
  static std::uint64_t apply(std::uint64_t a, std::uint64_t b) { return a | b; }
};
struct Xor {
  static constexpr std::string_view kName = "math.bitXor";
  static std::uint64_t apply(std::uint64_t a, std::uint64_t b) { return a ^ b; }
};

bool is_integer(const Value& value) { return value.type() == Type::kInt64 || value.type() == Type::kUint64; }

// The 64 bits `bits` with the type of `like`.
Value with_type_of(const Value& like, std::uint64_t bits) {
  return like.type() == Type::kInt64 ? Value::int64(static_cast<std::int64_t>(bits)) : Value::uint64(bits);
}

template <typename Operation>
bool bitwise(Context& context, Arguments arguments, Value& out) {
  if (!is_integer(arguments[0]) || arguments[0].type() != arguments[1].type()) return context.no_overload(Operation::kName, arguments);
  out = with_type_of(arguments[0], Operation::apply(arguments[0].as_uint64(), arguments[1].as_uint64()));
  return true;
}

bool bit_not(Context& context, Arguments arguments, Value& out) {
  if (!is_integer(arguments[0])) return context.no_overload("math.bitNot", arguments);
  out = with_type_of(arguments[0], ~arguments[0].as_uint64());
  return true;
}

// Logical shifts, also of negative ints; 64 and more give 0.
template <bool kLeft>
bool shift(Context& context, Arguments arguments, Value& out) {
  constexpr std::string_view kName = kLeft ? "math.bitShiftLeft" : "math.bitShiftRight";
  if (!is_integer(arguments[0]) || arguments[1].type() != Type::kInt64) return context.no_overload(kName, arguments);
  const std::int64_t count = arguments[1].as_int64();
  if (count < 0) return context.fail("invalid_argument", "a negative shift in", kName);
  const std::uint64_t bits = arguments[0].as_uint64();
  const std::uint64_t result = count >= 64 ? 0 : kLeft ? bits << count : bits >> count;
  out = with_type_of(arguments[0], result);
  return true;
}

constexpr std::array<Function, 18> kFunctions = {{
    {"math.greatest", CallStyle::kGlobal, "*+:*", greatest},
    {"math.least", CallStyle::kGlobal, "*+:*", least},
    {"math.ceil", CallStyle::kGlobal, "d:d", on_double<CeilName>},
    {"math.floor", CallStyle::kGlobal, "d:d", on_double<FloorName>},
    {"math.round", CallStyle::kGlobal, "d:d", on_double<RoundName>},
    {"math.trunc", CallStyle::kGlobal, "d:d", on_double<TruncName>},
    {"math.sqrt", CallStyle::kGlobal, "d:d i:d u:d", square_root},
    {"math.abs", CallStyle::kGlobal, "i:i u:u d:d e:e", absolute},
    {"math.sign", CallStyle::kGlobal, "i:i u:u d:d e:i", sign},
    {"math.isNaN", CallStyle::kGlobal, "d:b", classify<IsNan>},
    {"math.isInf", CallStyle::kGlobal, "d:b", classify<IsInf>},
    {"math.isFinite", CallStyle::kGlobal, "d:b", classify<IsFinite>},
    {"math.bitAnd", CallStyle::kGlobal, "ii:i uu:u", bitwise<And>},
    {"math.bitOr", CallStyle::kGlobal, "ii:i uu:u", bitwise<Or>},
    {"math.bitXor", CallStyle::kGlobal, "ii:i uu:u", bitwise<Xor>},
    {"math.bitNot", CallStyle::kGlobal, "i:i u:u", bit_not},
    {"math.bitShiftLeft", CallStyle::kGlobal, "ii:i ui:u", shift<true>},
    {"math.bitShiftRight", CallStyle::kGlobal, "ii:i ui:u", shift<false>},
}};

}  // namespace

std::span<const Function> math_functions() { return kFunctions; }

}  // namespace sluice::expr
