#include "formats/json_number.h"

#include <array>
#include <charconv>
#include <cstring>
#include <limits>
#include <string_view>
#include <system_error>

#include "formats/json_reader.h"

namespace sluice {

namespace {

// Powers of ten that a double holds exactly.
constexpr std::array<double, 23> kPowersOfTen = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                                 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
constexpr std::uint64_t kExactInDouble = 1ULL << 53;
constexpr std::size_t kMaxDoubleDigits = 17;          // std::numeric_limits<double>::max_digits10
constexpr std::size_t kMaxWordDigits = 19;            // any 19 digits fit uint64
constexpr std::int64_t kExponentCap = 1'000'000'000;  // beyond it an exponent is as good as infinite

bool is_digit(char c) { return static_cast<unsigned char>(c - '0') < 10; }

// A number taken apart.  Spans point into the text.
struct Parts {
  const char* begin = nullptr;
  const char* end = nullptr;
  bool negative = false;
  std::string_view whole;     // digits before the point
  std::string_view fraction;  // digits behind it
  std::int64_t exponent = 0;
  bool has_exponent = false;
};

// Digits that carry information: from the first that is not 0 to the last that is not 0.
std::size_t significant_digits(const Parts& parts) {
  std::size_t first = std::string_view::npos, last = 0, index = 0;
  for (const std::string_view digits : {parts.whole, parts.fraction}) {
    for (const char c : digits) {
      if (c != '0') {
        if (first == std::string_view::npos) first = index;
        last = index;
      }
      ++index;
    }
  }
  return first == std::string_view::npos ? 0 : last - first + 1;
}

// The number in plain digits: "1.5e3" is "1500", "25e-3" is "0.025".  False when that is too long to be meant.
bool write_plain(const Parts& parts, Arena& arena, Value& out) {
  const auto whole = static_cast<std::int64_t>(parts.whole.size());
  const auto digits = whole + static_cast<std::int64_t>(parts.fraction.size());
  const std::int64_t point = whole + parts.exponent;  // place of the point within the digits
  const std::int64_t zeros_before = point <= 0 ? 1 - point : 0;
  const std::int64_t zeros_behind = point > digits ? point - digits : 0;
  if (zeros_before + digits + zeros_behind > static_cast<std::int64_t>(JsonReader::kMaxDecimalDigits)) return false;
  std::string text = parts.negative ? "-" : "";
  std::string all(static_cast<std::size_t>(zeros_before), '0');
  all += parts.whole;
  all += parts.fraction;
  all.append(static_cast<std::size_t>(zeros_behind), '0');
  const auto split = static_cast<std::size_t>(point + zeros_before);
  const std::size_t leading = std::min(all.find_first_not_of('0'), split - 1);  // keep one digit before the point
  text.append(all, leading, split - leading);
  if (split < all.size()) text.append(".").append(all, split);
  out = Value::text_in(arena, Value::Type::kDecimal, text);
  return true;
}

JsonNumberEnd decimal(const Parts& parts, Arena& arena, Value& out) {
  const std::string_view text(parts.begin, static_cast<std::size_t>(parts.end - parts.begin));
  if (!parts.has_exponent) {
    out = Value::decimal(text);
    return {parts.end};
  }
  if (!write_plain(parts, arena, out)) return {parts.begin, JsonNumberFault::kRange};
  return {parts.end};
}

JsonNumberEnd floating(const Parts& parts, Arena& arena, Value& out) {
  const std::size_t significant = significant_digits(parts);
  if (significant == 0) {
    out = Value::float64(parts.negative ? -0.0 : 0.0);
    return {parts.end};
  }
  double value = 0;
  const auto [end, error] = std::from_chars(parts.begin, parts.end, value);
  if (significant > kMaxDoubleDigits || error != std::errc() || end != parts.end) return decimal(parts, arena, out);
  out = Value::float64(value);
  return {parts.end};
}

// Digits of an integer that does not fit the fast path: 19 or more of them.
JsonNumberEnd long_integer(const Parts& parts, Value& out) {
  std::uint64_t magnitude = 0;
  const auto [end, error] = std::from_chars(parts.whole.data(), parts.whole.data() + parts.whole.size(), magnitude);
  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  const bool fits = error == std::errc() && (!parts.negative || magnitude <= kMax + 1);
  if (!fits) {
    out = Value::decimal({parts.begin, static_cast<std::size_t>(parts.end - parts.begin)});
  } else if (parts.negative) {
    out = Value::int64(static_cast<std::int64_t>(~magnitude + 1));
  } else {
    out = magnitude <= kMax ? Value::int64(static_cast<std::int64_t>(magnitude)) : Value::uint64(magnitude);
  }
  return {parts.end};
}

const char* skip_digits(const char* p, const char* end) {
  while (p < end && is_digit(*p)) ++p;
  return p;
}

// Behind 'e'.  nullptr: no digits.
const char* read_exponent(const char* p, const char* end, std::int64_t& exponent) {
  bool negative = false;
  if (p < end && (*p == '+' || *p == '-')) negative = *p++ == '-';
  if (p >= end || !is_digit(*p)) return nullptr;
  for (; p < end && is_digit(*p); ++p) {
    if (exponent < kExponentCap) exponent = exponent * 10 + (*p - '0');
  }
  if (negative) exponent = -exponent;
  return p;
}

// Point and exponent behind the whole digits, the slow and complete way.
JsonNumberEnd general(Parts parts, const char* p, const char* end, Arena& arena, Value& out) {
  if (p < end && *p == '.') {
    const char* const begin = ++p;
    p = skip_digits(p, end);
    if (p == begin) return {p, JsonNumberFault::kSyntax};
    parts.fraction = {begin, static_cast<std::size_t>(p - begin)};
  }
  if (p < end && (*p == 'e' || *p == 'E')) {
    const char* const behind = read_exponent(p + 1, end, parts.exponent);
    if (behind == nullptr) return {p, JsonNumberFault::kSyntax};
    parts.has_exponent = true;
    p = behind;
  }
  parts.end = p;
  return floating(parts, arena, out);
}

}  // namespace

JsonNumberEnd read_json_number(const char* p, const char* end, Arena& arena, Value& out) {
  Parts parts;
  parts.begin = p;
  if (*p == '-') {
    parts.negative = true;
    ++p;
  }
  const char* const whole = p;
  std::uint64_t mantissa = 0;
  for (; p < end && is_digit(*p); ++p) mantissa = mantissa * 10 + static_cast<unsigned char>(*p - '0');
  const auto count = static_cast<std::size_t>(p - whole);
  if (count == 0 || (*whole == '0' && count > 1)) return {p, JsonNumberFault::kSyntax};
  parts.whole = {whole, count};
  if (p >= end || (*p != '.' && *p != 'e' && *p != 'E')) {
    parts.end = p;
    if (count >= kMaxWordDigits) return long_integer(parts, out);
    out = Value::int64(parts.negative ? -static_cast<std::int64_t>(mantissa) : static_cast<std::int64_t>(mantissa));
    return {p};
  }
  if (*p != '.') return general(parts, p, end, arena, out);
  // Clinger's fast path: digits that a double holds exactly, divided by a power of ten that it holds exactly, round once.
  const char* const fraction = p + 1;
  const char* q = fraction;
  for (; q < end && is_digit(*q); ++q) mantissa = mantissa * 10 + static_cast<unsigned char>(*q - '0');
  const auto digits = static_cast<std::size_t>(q - fraction);
  const bool plain = digits > 0 && (q >= end || (*q != 'e' && *q != 'E'));
  if (!plain || count + digits > kMaxWordDigits || mantissa > kExactInDouble || digits >= kPowersOfTen.size())
    return general(parts, p, end, arena, out);
  const double value = static_cast<double>(mantissa) / kPowersOfTen[digits];
  out = Value::float64(parts.negative ? -value : value);
  return {q};
}

}  // namespace sluice
