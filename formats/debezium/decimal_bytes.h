#pragma once
// Decimal text -> what Java's BigDecimal makes of it: an unscaled integer as BigInteger.toByteArray() gives it, and a scale.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::debezium {

// A decimal's sign and digits without the point: "-12.50" is negative, "1250", scale 2.
struct DecimalDigits {
  bool negative = false;
  std::string digits;     // without leading zeros; empty: zero
  std::size_t scale = 0;  // digits behind the point

  // Plain decimal text ("-12.50"); false for NaN, infinities and anything else.  Reuses the memory of `digits`.
  bool parse(std::string_view text);
  // BigDecimal.setScale(scale, UNNECESSARY): false where digits would be lost.
  bool rescale(std::size_t wanted);
  // The same, rounding half up (away from zero).
  void round_to(std::size_t wanted);
  // BigDecimal.stripTrailingZeros, but no scale below 0.
  void strip_zeros();

  // Two's complement, big-endian, as few bytes as hold the sign; appended to `out`.
  void append_bytes(std::string& out);
  // BigDecimal.toPlainString(); appended to `out`.
  void append_text(std::string& out) const;

 private:
  std::vector<std::uint32_t> words_;  // scratch
};

}  // namespace sluice::debezium
