#include "transforms/numeric_text.h"

#include <algorithm>
#include <limits>

namespace sluice::transforms {

namespace {

std::string_view take_digits(std::string_view& text) {
  std::size_t length = 0;
  while (length < text.size() && text[length] >= '0' && text[length] <= '9') ++length;
  const std::string_view digits = text.substr(0, length);
  text.remove_prefix(length);
  return digits;
}

bool take_sign(std::string_view& text) {
  if (text.empty() || (text.front() != '-' && text.front() != '+')) return false;
  const bool negative = text.front() == '-';
  text.remove_prefix(1);
  return negative;
}

// Adds one to the digits; true when it carries out of the first.
bool increment(char* digits, std::int64_t count) {
  for (std::int64_t i = count; i-- > 0;) {
    if (digits[i] != '9') {
      ++digits[i];
      return false;
    }
    digits[i] = '0';
  }
  return true;
}

}  // namespace

std::optional<NumericText> NumericText::parse(std::string_view text) {
  NumericText number;
  number.negative_ = take_sign(text);
  number.whole_ = take_digits(text);
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    number.fraction_ = take_digits(text);
  }
  if (number.size() == 0) return std::nullopt;
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    const bool down = take_sign(text);
    const std::string_view digits = take_digits(text);
    if (digits.empty()) return std::nullopt;
    // Beyond a billion the value is 0 or out of every range; the bound keeps the arithmetic on positions from overflowing.
    for (const char c : digits) number.exponent_ = std::min<std::int64_t>(number.exponent_ * 10 + (c - '0'), 1'000'000'000);
    if (down) number.exponent_ = -number.exponent_;
  }
  if (!text.empty()) return std::nullopt;
  return number;
}

char NumericText::digit(std::int64_t i) const {
  if (i < 0 || i >= size()) return '0';
  const auto at = static_cast<std::size_t>(i);
  return at < whole_.size() ? whole_[at] : fraction_[at - whole_.size()];
}

std::int64_t NumericText::first_nonzero() const {
  std::int64_t i = 0;
  while (i < size() && digit(i) == '0') ++i;
  return i;
}

bool NumericText::has_fraction() const {
  for (std::int64_t i = std::max<std::int64_t>(0, point()); i < size(); ++i) {
    if (digit(i) != '0') return true;
  }
  return false;
}

std::optional<std::string_view> NumericText::rounded(std::uint32_t precision, std::uint32_t scale, Arena& arena) const {
  const std::int64_t first = first_nonzero();
  const bool zero = first == size();
  const std::int64_t whole_digits = zero ? 0 : std::max<std::int64_t>(0, point() - first);
  if (whole_digits > static_cast<std::int64_t>(precision - scale)) return std::nullopt;
  // Digits of the result, one more than needed in front for the carry: carry, whole_digits, scale.
  const std::int64_t count = 1 + whole_digits + static_cast<std::int64_t>(scale);
  char* out = static_cast<char*>(arena.allocate(static_cast<std::size_t>(count) + 3, 1));
  char* digits = out + 3;  // room for the sign, a leading 0 and the point
  const std::int64_t begin = zero ? size() : point() - whole_digits - 1;
  digits[0] = '0';
  for (std::int64_t i = 1; i < count; ++i) digits[i] = digit(begin + i);
  const char dropped = zero ? '0' : digit(begin + count);
  if (dropped >= '5') increment(digits, count);
  const bool carried = digits[0] != '0';
  if (carried && whole_digits + 1 > static_cast<std::int64_t>(precision - scale)) return std::nullopt;
  char* end = out;
  if (negative_ && std::any_of(digits, digits + count, [](char c) { return c != '0'; })) *end++ = '-';
  const char* whole = digits + (carried ? 0 : 1);
  const char* fraction = digits + 1 + whole_digits;
  if (whole == fraction) *end++ = '0';
  end = std::copy(whole, fraction, end);
  if (scale > 0) {
    // The point moves into the room in front of the digits, so source and target never cross.
    *end++ = '.';
    end = std::copy(fraction, static_cast<const char*>(digits + count), end);
  }
  const auto length = static_cast<std::size_t>(end - out);
  arena.shrink_last(out, length);
  return std::string_view(out, length);
}

std::optional<std::int64_t> NumericText::as_int64() const {
  if (has_fraction()) return std::nullopt;
  const std::int64_t first = first_nonzero();
  if (first == size()) return 0;
  if (point() - first > 19) return std::nullopt;
  std::uint64_t magnitude = 0;  // 19 digits fit
  for (std::int64_t i = first; i < point(); ++i) magnitude = magnitude * 10 + static_cast<std::uint64_t>(digit(i) - '0');
  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (magnitude > kMax + (negative_ ? 1U : 0U)) return std::nullopt;
  return static_cast<std::int64_t>(negative_ ? 0 - magnitude : magnitude);
}

}  // namespace sluice::transforms
