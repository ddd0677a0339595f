#include "formats/debezium/java_time.h"

#include <charconv>
#include <limits>

#include "core/civil_time.h"

namespace sluice::debezium {

namespace {

constexpr std::int64_t kMicrosPerSecond = 1'000'000;
constexpr std::int64_t kMicrosPerDay = 86'400 * kMicrosPerSecond;
constexpr int kMicroDigits = 6;

char* write_padded(char* out, std::uint64_t number, int width) {
  for (int i = width; i-- > 0; number /= 10) out[i] = static_cast<char>('0' + number % 10);
  return out + width;
}

char* write_number(char* out, std::int64_t number) { return std::to_chars(out, out + 20, number).ptr; }

// The digits behind the point of a second, with the point; none for 0 when as needed.
char* write_fraction(char* out, std::uint64_t micros, int fraction) {
  if (fraction == 0 || (fraction == kAsNeeded && micros == 0)) return out;
  *out++ = '.';
  char* end = write_padded(out, micros, kMicroDigits);
  if (fraction != kAsNeeded) return out + fraction;
  while (end[-1] == '0') --end;
  return end;
}

char* write_year(char* out, std::int64_t year) {
  if (year < 0) *out++ = '-';
  if (year > 9999) *out++ = '+';
  const auto magnitude = static_cast<std::uint64_t>(year < 0 ? -year : year);
  return magnitude > 9999 ? std::to_chars(out, out + 20, magnitude).ptr : write_padded(out, magnitude, 4);
}

std::int64_t floor_divide(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

}  // namespace

std::int64_t finite_days(std::int64_t days) {
  if (days == Value::kInfinity) return kInfiniteDay;
  return days == Value::kMinusInfinity ? kMinusInfiniteDay : days;
}

std::int64_t finite_micros(std::int64_t microseconds) {
  if (microseconds == Value::kInfinity) return kInfiniteMicros;
  return microseconds == Value::kMinusInfinity ? kMinusInfiniteMicros : microseconds;
}

char* write_iso_date(char* out, std::int64_t days) {
  const CivilDate date = civil_from_days(days);
  out = write_year(out, date.year);
  *out++ = '-';
  out = write_padded(out, date.month, 2);
  *out++ = '-';
  return write_padded(out, date.day, 2);
}

char* write_iso_time(char* out, std::int64_t microseconds, int fraction) {
  const auto in_day = static_cast<std::uint64_t>(microseconds % kMicrosPerDay);
  const std::uint64_t seconds = in_day / kMicrosPerSecond;
  out = write_padded(out, seconds / 3600, 2);
  *out++ = ':';
  out = write_padded(out, seconds / 60 % 60, 2);
  *out++ = ':';
  out = write_padded(out, seconds % 60, 2);
  return write_fraction(out, in_day % kMicrosPerSecond, fraction);
}

char* write_iso_timestamp(char* out, std::int64_t microseconds, int fraction) {
  const std::int64_t days = floor_divide(microseconds, kMicrosPerDay);
  out = write_iso_date(out, days);
  *out++ = 'T';
  // Not microseconds - days * kMicrosPerDay: that product does not fit for the first day there is.
  const std::int64_t in_day = microseconds % kMicrosPerDay;
  return write_iso_time(out, in_day < 0 ? in_day + kMicrosPerDay : in_day, fraction);
}

char* write_iso_interval(char* out, const Interval& interval) {
  const auto part = [&out](std::int64_t number, char unit) {
    out = write_number(out, number);
    *out++ = unit;
  };
  *out++ = 'P';
  part(interval.months / 12, 'Y');
  part(interval.months % 12, 'M');
  part(interval.days, 'D');
  *out++ = 'T';
  const std::int64_t seconds = interval.microseconds / kMicrosPerSecond;
  part(seconds / 3600, 'H');
  part(seconds / 60 % 60, 'M');
  const std::int64_t micros = interval.microseconds % kMicrosPerSecond;
  if (seconds % 60 == 0 && micros < 0) *out++ = '-';
  out = write_number(out, seconds % 60);
  out = write_fraction(out, static_cast<std::uint64_t>(micros < 0 ? -micros : micros), kAsNeeded);
  *out++ = 'S';
  return out;
}

std::int64_t approximate_micros(const Interval& interval) {
  constexpr double kDaysPerMonth = 365.25 / 12;
  constexpr double kLimit = 9223372036854775808.0;
  const std::int64_t seconds = interval.microseconds / kMicrosPerSecond;
  const double second_part = static_cast<double>(seconds % 60) + static_cast<double>(interval.microseconds % kMicrosPerSecond) / 1e6;
  const double days = static_cast<double>(interval.months) * kDaysPerMonth + static_cast<double>(interval.days);
  const double in_seconds =
      ((days * 24 + static_cast<double>(seconds / 3600)) * 60 + static_cast<double>(seconds / 60 % 60)) * 60 + second_part;
  const double micros = in_seconds * 1e6;
  if (micros >= kLimit) return std::numeric_limits<std::int64_t>::max();
  if (micros < -kLimit) return std::numeric_limits<std::int64_t>::min();
  return static_cast<std::int64_t>(micros);
}

}  // namespace sluice::debezium
