#pragma once
// The rules of `cast`.  Every value either becomes the type without a silent loss or is refused with the reason; the only rounding is
// that of decimal(p,s) (ties away from zero, as PostgreSQL) and of double (to the nearest).  null stays null.
//
//   to          from                 what happens
//   int         int, uint            as it is, out of range refused
//               double, decimal      whole numbers only (12.0 yes, 12.5 no)
//               bool                 1 or 0
//               string               [+-]digits
//   double      numbers              to the nearest double; beyond its range refused
//               string               a number, also with exponent; NaN, Infinity, -Infinity (any case)
//   decimal(p,s)  numbers            exact, then rounded to s digits; more than p-s digits before the point refused.  A double counts as
//                                    the shortest decimal that reads back as it.  NaN of a decimal stays; infinities are refused
//               string               a number, also with exponent
//   string      scalars              numbers and bool as JSON writes them (beside them NaN, Infinity, -Infinity), times as RFC 3339,
//                                    json as its text, bytes if they are UTF-8
//   bool        int, uint            1 and 0 only
//               string               true t yes y on 1, false f no n off 0, in any case (PostgreSQL's words)
//   date        timestamp, local     the day in UTC; a local timestamp's own day
//               string               2026-01-31, or a timestamp as below
//   timestamp   date, local          midnight UTC; a local timestamp is read as UTC
//               string               RFC 3339 with Z or offset, T may be a space; without offset it is read as UTC; or a date alone
//
// White space around a string is ignored except where the target is string.  An empty string is refused, never null.  Lists, maps
// and structs are refused; so is a number for a time, whose unit would be a guess.

#include <cstdint>
#include <optional>
#include <string>

#include "core/config_binding.h"
#include "core/result.h"
#include "core/value.h"

namespace sluice::transforms {

struct CastTarget {
  enum class Kind : std::uint8_t { kInt, kDouble, kDecimal, kString, kBool, kDate, kTimestamp };
  Kind kind = Kind::kString;
  std::uint32_t precision = 0, scale = 0;  // kDecimal: 1 <= precision <= 1000, scale <= precision

  Value::Type type() const;
  std::string name() const;  // as users write it: "decimal(10,2)"
};

// nullopt: not one of the forms above.
std::optional<CastTarget> parse_cast_target(std::string_view text);

// kBadRecord cast_failed with the value, quoted, and the reason.  Not for unchanged.
Result<Value> cast_value(const Value& value, const CastTarget& target, Arena& arena);

}  // namespace sluice::transforms

template <>
struct sluice::ConfigType<sluice::transforms::CastTarget> {
  static bool bind(const ConfigNode& node, transforms::CastTarget& out, BindContext& context);
  static std::string type_name() { return "int | double | decimal(p,s) | string | bool | date | timestamp"; }
  static ValueShape shape() {
    return shapes::any_of(shapes::one_of({"int", "double", "string", "bool", "date", "timestamp"}),
                          shapes::matching("^decimal\\( *[0-9]+ *, *[0-9]+ *\\)$"));
  }
  static std::string show(const transforms::CastTarget& value) { return value.name(); }
};
