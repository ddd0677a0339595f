#include "expr/decimal.h"

#include <algorithm>
#include <array>
#include <boost/multiprecision/cpp_int.hpp>
#include <charconv>
#include <cmath>
#include <limits>

namespace sluice::expr {

namespace {

using Integer = boost::multiprecision::cpp_int;

// unscaled * 10^-scale
struct Decimal {
  Integer unscaled;
  std::uint32_t scale = 0;
};

bool is_finite(std::string_view text) { return !text.empty() && text.back() >= '0' && text.back() <= '9'; }

double special_to_double(std::string_view text) {
  if (text == "Infinity") return std::numeric_limits<double>::infinity();
  if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
  return std::numeric_limits<double>::quiet_NaN();
}

std::string_view special_text(double value) {
  if (std::isnan(value)) return "NaN";
  return value > 0 ? "Infinity" : "-Infinity";
}

// Up to 18 digits without a big integer: the common case of money.
struct Small {
  std::int64_t unscaled = 0;
  std::uint32_t scale = 0;
};

std::optional<Small> parse_small(std::string_view text) {
  if (text.size() > 18 || !is_finite(text)) return std::nullopt;
  const bool negative = text.front() == '-';
  Small result;
  bool fraction = false;
  for (const char c : text.substr(negative ? 1 : 0)) {
    if (c == '.') {
      fraction = true;
      continue;
    }
    result.unscaled = result.unscaled * 10 + (c - '0');
    result.scale += fraction ? 1 : 0;
  }
  if (negative) result.unscaled = -result.unscaled;
  return result;
}

constexpr std::array<std::int64_t, 19> kPowers = [] {
  std::array<std::int64_t, 19> powers{};
  std::int64_t power = 1;
  for (std::size_t i = 0; i < powers.size(); ++i) {
    powers[i] = power;
    if (i + 1 < powers.size()) power *= 10;
  }
  return powers;
}();

bool rescale(Small& value, std::uint32_t scale) {
  if (scale - value.scale >= kPowers.size()) return false;
  if (__builtin_mul_overflow(value.unscaled, kPowers[scale - value.scale], &value.unscaled)) return false;
  value.scale = scale;
  return true;
}

bool align(Small& a, Small& b) {
  const std::uint32_t scale = std::max(a.scale, b.scale);
  return rescale(a, scale) && rescale(b, scale);
}

Integer power_of_ten(std::uint32_t exponent) { return boost::multiprecision::pow(Integer(10), exponent); }

Decimal parse_big(std::string_view text) {
  const bool negative = text.front() == '-';
  const std::string_view magnitude = text.substr(negative ? 1 : 0);
  const std::size_t point = magnitude.find('.');
  Decimal result;
  std::string digits(magnitude.substr(0, point));
  if (point != std::string_view::npos) {
    digits += magnitude.substr(point + 1);
    result.scale = static_cast<std::uint32_t>(magnitude.size() - point - 1);
  }
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));  // a leading 0 would mean octal
  result.unscaled = Integer(digits);
  if (negative) result.unscaled = -result.unscaled;
  return result;
}

void align(Decimal& a, Decimal& b) {
  const std::uint32_t scale = std::max(a.scale, b.scale);
  a.unscaled *= power_of_ten(scale - a.scale);
  b.unscaled *= power_of_ten(scale - b.scale);
  a.scale = b.scale = scale;
}

// digits: of the magnitude, without sign.
Value format(bool negative, std::string digits, std::uint32_t scale, Arena& arena) {
  if (digits.size() <= scale) digits.insert(0, scale + 1 - digits.size(), '0');
  if (scale > 0) digits.insert(digits.size() - scale, 1, '.');
  if (negative) digits.insert(0, 1, '-');
  return Value::text_in(arena, Value::Type::kDecimal, digits);
}

Value format(const Decimal& value, Arena& arena) {
  const bool negative = value.unscaled < 0;
  return format(negative, Integer(abs(value.unscaled)).str(), value.scale, arena);
}

// Without allocation: at most 20 digits, a sign, a point and zeros after it (scale <= 36 here).
Value format_small(const Small& value, Arena& arena) {
  std::array<char, 64> buffer{};
  char* const end = buffer.data() + buffer.size();
  char* out = end;
  std::uint64_t magnitude =
      value.unscaled < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(value.unscaled) : static_cast<std::uint64_t>(value.unscaled);
  for (std::uint32_t i = 0; i < value.scale || magnitude > 0 || i == value.scale; ++i) {
    if (i == value.scale && value.scale > 0) *--out = '.';
    *--out = static_cast<char>('0' + magnitude % 10);
    magnitude /= 10;
  }
  if (value.unscaled < 0) *--out = '-';
  return Value::text_in(arena, Value::Type::kDecimal, std::string_view(out, static_cast<std::size_t>(end - out)));
}

bool small_arithmetic(char op, Small a, Small b, Arena& arena, Value& out) {
  Small result;
  bool overflow = false;
  if (op == '*') {
    overflow = __builtin_mul_overflow(a.unscaled, b.unscaled, &result.unscaled);
    result.scale = a.scale + b.scale;
  } else {
    if (!align(a, b)) return false;
    overflow = op == '+' ? __builtin_add_overflow(a.unscaled, b.unscaled, &result.unscaled)
                         : __builtin_sub_overflow(a.unscaled, b.unscaled, &result.unscaled);
    result.scale = a.scale;
  }
  if (overflow) return false;
  out = format_small(result, arena);
  return true;
}

// PostgreSQL groups digits by four; its scale of a quotient depends on the weights of the first groups (select_div_scale()).
struct FirstGroup {
  int weight = 0;
  unsigned digits = 0;
};

FirstGroup first_group(const Decimal& value) {
  if (value.unscaled == 0) return {};
  const std::string digits = Integer(abs(value.unscaled)).str();
  const int exponent = static_cast<int>(digits.size()) - 1 - static_cast<int>(value.scale);  // of the first digit
  FirstGroup group;
  group.weight = exponent >= 0 ? exponent / 4 : -((-exponent + 3) / 4);
  const int count = exponent - group.weight * 4 + 1;
  for (int i = 0; i < count; ++i) {
    const auto at = static_cast<std::size_t>(i);
    group.digits = group.digits * 10 + (at < digits.size() ? static_cast<unsigned>(digits[at] - '0') : 0U);
  }
  return group;
}

std::uint32_t quotient_scale(const Decimal& a, const Decimal& b) {
  constexpr int kSignificantDigits = 16;
  constexpr int kMaxScale = 1000;
  const FirstGroup left = first_group(a);
  const FirstGroup right = first_group(b);
  const int weight = left.weight - right.weight - (left.digits <= right.digits ? 1 : 0);
  const int scale = std::max({kSignificantDigits - weight * 4, static_cast<int>(a.scale), static_cast<int>(b.scale), 0});
  return static_cast<std::uint32_t>(std::min(scale, kMaxScale));
}

Decimal divide(const Decimal& a, const Decimal& b) {
  Decimal result;
  result.scale = quotient_scale(a, b);
  // a / b = (ua * 10^(scale + sb - sa)) / ub in units of 10^-scale
  Integer dividend = abs(a.unscaled);
  Integer divisor = abs(b.unscaled);
  const std::int64_t shift = std::int64_t{result.scale} + b.scale - a.scale;
  if (shift >= 0) {
    dividend *= power_of_ten(static_cast<std::uint32_t>(shift));
  } else {
    divisor *= power_of_ten(static_cast<std::uint32_t>(-shift));
  }
  result.unscaled = (dividend * 2 + divisor) / (divisor * 2);
  if ((a.unscaled < 0) != (b.unscaled < 0)) result.unscaled = -result.unscaled;
  return result;
}

DecimalProblem big_arithmetic(char op, Decimal a, Decimal b, Arena& arena, Value& out) {
  if ((op == '/' || op == '%') && b.unscaled == 0) return DecimalProblem::kDivideByZero;
  Decimal result;
  switch (op) {
    case '*': result = {a.unscaled * b.unscaled, a.scale + b.scale}; break;
    case '/': result = divide(a, b); break;
    default:
      align(a, b);
      result.scale = a.scale;
      result.unscaled = op == '+'   ? Integer(a.unscaled + b.unscaled)
                        : op == '-' ? Integer(a.unscaled - b.unscaled)
                                    : Integer(a.unscaled % b.unscaled);
      break;
  }
  if (result.scale > kMaxDecimalDigits || msb(abs(result.unscaled) + 1) > kMaxDecimalDigits * 4) return DecimalProblem::kTooLarge;
  out = format(result, arena);
  return DecimalProblem::kNone;
}

double ieee(char op, double a, double b) {
  switch (op) {
    case '+': return a + b;
    case '-': return a - b;
    case '*': return a * b;
    case '/': return a / b;
    default: return std::numeric_limits<double>::quiet_NaN();
  }
}

// "1.5e-3" without its exponent; the sign is apart.
struct Spelling {
  bool negative = false;
  std::string digits;      // without a point
  std::int64_t scale = 0;  // digits after the point; negative: zeros to append
};

std::optional<Spelling> read_spelling(std::string_view text) {
  Spelling result;
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
    result.negative = text.front() == '-';
    text.remove_prefix(1);
  }
  const std::size_t e = text.find_first_of("eE");
  std::int64_t exponent = 0;
  if (e != std::string_view::npos) {
    std::string_view digits = text.substr(e + 1);
    if (digits.starts_with('+') && !digits.starts_with("+-")) digits.remove_prefix(1);
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
    if (problem != std::errc() || end != digits.data() + digits.size() || digits.empty()) return std::nullopt;
    if (exponent > static_cast<std::int64_t>(kMaxDecimalDigits) || exponent < -static_cast<std::int64_t>(kMaxDecimalDigits))
      return std::nullopt;
  }
  const std::string_view mantissa = text.substr(0, e);
  bool fraction = false;
  for (const char c : mantissa) {
    if (c == '.' && !fraction) {
      fraction = true;
    } else if (c >= '0' && c <= '9') {
      result.digits += c;
      result.scale += fraction ? 1 : 0;
    } else {
      return std::nullopt;
    }
  }
  if (result.digits.empty() || result.digits.size() > kMaxDecimalDigits) return std::nullopt;
  result.scale -= exponent;
  return result;
}

std::optional<std::string> special_spelling(std::string_view text) {
  if (text == "NaN" || text == "nan") return "NaN";
  if (text == "Infinity" || text == "inf" || text == "+Infinity") return "Infinity";
  if (text == "-Infinity" || text == "-inf") return "-Infinity";
  return std::nullopt;
}

std::optional<Integer> truncated(std::string_view decimal) {
  if (!is_finite(decimal)) return std::nullopt;
  const std::string_view whole = decimal.substr(0, decimal.find('.'));
  if (whole.size() > 21) return std::nullopt;  // beyond 64 bits, whatever the digits (canonical text has no leading zeros)
  return parse_big(whole).unscaled;
}

}  // namespace

std::optional<std::string_view> decimal_text(const Value& number, std::span<char> buffer) {
  char* const begin = buffer.data();
  char* const end = begin + buffer.size();
  switch (number.type()) {
    case Value::Type::kDecimal: return number.as_text();
    case Value::Type::kInt64:
      return std::string_view(begin, static_cast<std::size_t>(std::to_chars(begin, end, number.as_int64()).ptr - begin));
    case Value::Type::kUint64:
      return std::string_view(begin, static_cast<std::size_t>(std::to_chars(begin, end, number.as_uint64()).ptr - begin));
    case Value::Type::kFloat64: {
      const double value = number.as_float64();
      if (!std::isfinite(value)) return special_text(value);
      return std::string_view(begin, static_cast<std::size_t>(std::to_chars(begin, end, value, std::chars_format::fixed).ptr - begin));
    }
    default: return std::nullopt;
  }
}

DecimalProblem decimal_arithmetic(char op, std::string_view a, std::string_view b, Arena& arena, Value& out) {
  if (!is_finite(a) || !is_finite(b)) {
    const double result = ieee(op, decimal_to_double(a), decimal_to_double(b));
    // A finite number divided by an infinite one.
    out = Value::decimal(std::isfinite(result) ? "0" : special_text(result));
    return DecimalProblem::kNone;
  }
  if (op == '+' || op == '-' || op == '*') {
    const auto left = parse_small(a);
    const auto right = parse_small(b);
    if (left && right && small_arithmetic(op, *left, *right, arena, out)) return DecimalProblem::kNone;
  }
  if (a.size() > kMaxDecimalDigits || b.size() > kMaxDecimalDigits) return DecimalProblem::kTooLarge;
  return big_arithmetic(op, parse_big(a), parse_big(b), arena, out);
}

std::partial_ordering compare_decimals(std::string_view a, std::string_view b) {
  if (!is_finite(a) || !is_finite(b)) {
    const double left = is_finite(a) ? 0 : special_to_double(a);
    const double right = is_finite(b) ? 0 : special_to_double(b);
    return left <=> right;
  }
  auto left = parse_small(a);
  auto right = parse_small(b);
  if (left && right && align(*left, *right)) return left->unscaled <=> right->unscaled;
  Decimal big_left = parse_big(a);
  Decimal big_right = parse_big(b);
  align(big_left, big_right);
  return big_left.unscaled.compare(big_right.unscaled) <=> 0;
}

std::optional<std::string> canonical_decimal(std::string_view text) {
  if (auto special = special_spelling(text)) return special;
  auto spelling = read_spelling(text);
  if (!spelling) return std::nullopt;
  std::string& digits = spelling->digits;
  if (spelling->scale < 0) {
    digits.append(static_cast<std::size_t>(-spelling->scale), '0');
    spelling->scale = 0;
  }
  const auto scale = static_cast<std::size_t>(spelling->scale);
  if (scale > kMaxDecimalDigits || digits.size() > 2 * kMaxDecimalDigits) return std::nullopt;
  if (digits.size() <= scale) digits.insert(0, scale + 1 - digits.size(), '0');
  const std::size_t whole = digits.size() - scale;
  digits.erase(0, std::min(digits.find_first_not_of('0'), whole - 1));
  const bool is_zero = digits.find_first_not_of('0') == std::string::npos;
  if (scale > 0) digits.insert(digits.size() - scale, 1, '.');
  if (spelling->negative && !is_zero) digits.insert(0, 1, '-');
  return digits;
}

double decimal_to_double(std::string_view decimal) {
  if (!is_finite(decimal)) return special_to_double(decimal);
  double value = 0;
  const auto [end, problem] = std::from_chars(decimal.data(), decimal.data() + decimal.size(), value);
  if (problem == std::errc::result_out_of_range) {
    const bool tiny = decimal.starts_with("0.") || decimal.starts_with("-0.");
    value = tiny ? 0 : std::numeric_limits<double>::infinity();
    return decimal.front() == '-' ? -value : value;
  }
  return value;
}

std::optional<std::int64_t> decimal_to_int64(std::string_view decimal) {
  const auto whole = truncated(decimal);
  if (!whole || *whole > std::numeric_limits<std::int64_t>::max() || *whole < std::numeric_limits<std::int64_t>::min()) return std::nullopt;
  return static_cast<std::int64_t>(*whole);
}

std::optional<std::uint64_t> decimal_to_uint64(std::string_view decimal) {
  const auto whole = truncated(decimal);
  if (!whole || *whole < 0 || *whole > std::numeric_limits<std::uint64_t>::max()) return std::nullopt;
  return static_cast<std::uint64_t>(*whole);
}

}  // namespace sluice::expr
