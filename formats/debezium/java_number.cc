#include "formats/debezium/java_number.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <string_view>

namespace sluice::debezium {

namespace {

// The digits of a number d.ddd * 10^exponent.
struct Digits {
  std::array<char, kJavaNumberBytes> text;
  std::size_t count = 0;
  int exponent = 0;
};

Digits split(const char* begin, const char* end) {  // "d.ddde-10" or "de+05"
  Digits digits;
  const char* at = begin;
  for (; *at != 'e'; ++at) {
    if (*at != '.') digits.text[digits.count++] = *at;
  }
  at += at[1] == '+' ? 2 : 1;
  std::from_chars(at, end, digits.exponent);
  return digits;
}

// "When there is a decimal of one digit, the nearest one of two digits is taken": 4.9E-324, not 5.0E-324.
template <typename Float>
Digits shortest(Float magnitude) {
  std::array<char, kJavaNumberBytes> buffer;
  char* const begin = buffer.data();
  char* end = std::to_chars(begin, begin + buffer.size(), magnitude, std::chars_format::scientific).ptr;
  if (begin[1] == '.') return split(begin, end);
  std::array<char, kJavaNumberBytes> two;
  char* const two_end = std::to_chars(two.data(), two.data() + two.size(), magnitude, std::chars_format::scientific, 1).ptr;
  Float back = 0;
  std::from_chars(two.data(), two_end, back);
  return back == magnitude ? split(two.data(), two_end) : split(begin, end);
}

char* put(char* out, const char* from, std::size_t count) {
  std::memcpy(out, from, count);
  return out + count;
}

char* write_plain(char* out, const Digits& digits) {  // 10^-3 <= value < 10^7
  if (digits.exponent < 0) {
    *out++ = '0';
    *out++ = '.';
    for (int i = -1; i > digits.exponent; --i) *out++ = '0';
    return put(out, digits.text.data(), digits.count);
  }
  const auto whole = static_cast<std::size_t>(digits.exponent) + 1;
  for (std::size_t i = 0; i < whole; ++i) *out++ = i < digits.count ? digits.text[i] : '0';
  *out++ = '.';
  if (digits.count <= whole) {
    *out++ = '0';
    return out;
  }
  return put(out, digits.text.data() + whole, digits.count - whole);
}

char* write_scientific(char* out, const Digits& digits) {
  *out++ = digits.text[0];
  *out++ = '.';
  if (digits.count == 1) *out++ = '0';
  out = put(out, digits.text.data() + 1, digits.count - 1);
  *out++ = 'E';
  return std::to_chars(out, out + 5, digits.exponent).ptr;
}

Digits without_zeros(Digits digits) {
  while (digits.count > 1 && digits.text[digits.count - 1] == '0') --digits.count;
  return digits;
}

template <typename Float>
char* write_number(char* out, Float value) {
  if (std::isnan(value)) return put(out, "NaN", 3);
  if (std::signbit(value)) *out++ = '-';
  if (std::isinf(value)) return put(out, "Infinity", 8);
  if (value == 0) return put(out, "0.0", 3);
  const Float magnitude = std::fabs(value);
  const Digits digits = without_zeros(shortest(magnitude));
  if (magnitude >= static_cast<Float>(1e-3) && magnitude < static_cast<Float>(1e7)) return write_plain(out, digits);
  return write_scientific(out, digits);
}

}  // namespace

char* write_java_double(char* out, double value) { return write_number(out, value); }
char* write_java_float(char* out, float value) { return write_number(out, value); }

}  // namespace sluice::debezium
