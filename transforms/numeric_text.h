#pragma once
// Decimal numbers as text: exact, of any length, without floating point.  Any thread; no allocation but in the arena given.

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/arena.h"

namespace sluice::transforms {

// "[+-]digits[.digits][(e|E)[+-]digits]" taken apart; digits may be missing on one side of the point.
class NumericText {
 public:
  // nullopt: no number.  The parts are views of `text`.
  static std::optional<NumericText> parse(std::string_view text);

  // The value with exactly `scale` digits after the point, ties rounded away from zero as PostgreSQL's numeric does; "-0" becomes
  // "0".  nullopt: more than `precision` - `scale` digits before the point.  0 <= scale <= precision <= 1000.
  std::optional<std::string_view> rounded(std::uint32_t precision, std::uint32_t scale, Arena& arena) const;

  // The value when it is a whole number that fits ("12", "12.00", "1.2e1").
  std::optional<std::int64_t> as_int64() const;

  bool has_fraction() const;

 private:
  std::int64_t size() const { return static_cast<std::int64_t>(whole_.size() + fraction_.size()); }
  // Digit `i` of whole_ and fraction_ together; '0' outside.
  char digit(std::int64_t i) const;
  std::int64_t first_nonzero() const;                                                          // size() if the value is 0
  std::int64_t point() const { return static_cast<std::int64_t>(whole_.size()) + exponent_; }  // digits before it

  bool negative_ = false;
  std::string_view whole_, fraction_;
  std::int64_t exponent_ = 0;
};

}  // namespace sluice::transforms
