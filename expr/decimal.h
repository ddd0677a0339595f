#pragma once
// Exact decimal arithmetic on the canonical text of Value::Type::kDecimal.  Stateless; the big integers stay in decimal.cc.
//
// Scales, as PostgreSQL's numeric has them, so that a result here equals the database's:
//   a + b, a - b   the larger scale                 1.50 + 2 = 3.50
//   a * b          the sum of the scales            1.50 * 0.920 = 1.38000
//   a % b          the larger scale; sign of a
//   a / b          as many digits that at least 16 are significant, and at least the larger scale; rounded half away from zero
// NaN, Infinity and -Infinity follow IEEE 754, as doubles do.

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/arena.h"
#include "core/value.h"

namespace sluice::expr {

// Most digits of an operand or a result; PostgreSQL's numeric has at most 131072 + 16383.
inline constexpr std::size_t kMaxDecimalDigits = 20000;

// The decimal as text of an int64, uint64, float64 (its shortest spelling) or decimal; nullopt for other types.
std::optional<std::string_view> decimal_text(const Value& number, std::span<char> buffer);
inline constexpr std::size_t kDecimalBuffer = 400;  // 1.7e308 and 5e-324 spelled out

enum class DecimalProblem : std::uint8_t { kNone, kDivideByZero, kTooLarge };

// `op` is one of + - * / %.  Both texts are decimals.
DecimalProblem decimal_arithmetic(char op, std::string_view a, std::string_view b, Arena& arena, Value& out);

// Unordered with NaN.
std::partial_ordering compare_decimals(std::string_view a, std::string_view b);

// The canonical text of "1e3", "+1.50", "NaN", " inf": nullopt if it is no number or has too many digits.
std::optional<std::string> canonical_decimal(std::string_view text);

double decimal_to_double(std::string_view decimal);
// Truncated towards zero; nullopt when out of range or not finite.
std::optional<std::int64_t> decimal_to_int64(std::string_view decimal);
std::optional<std::uint64_t> decimal_to_uint64(std::string_view decimal);

}  // namespace sluice::expr
