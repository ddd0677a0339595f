#include "core/civil_time.h"

#include <charconv>
#include <cstring>

namespace sluice {

namespace {

__extension__ using Int128 = __int128;

constexpr std::int64_t kMicrosPerSecond = 1'000'000;
constexpr std::int64_t kMicrosPerDay = 86'400 * kMicrosPerSecond;

char* put(char* out, std::string_view text) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

// Exactly `width` digits.
char* put_digits(char* out, std::uint64_t value, int width) {
  for (int i = width - 1; i >= 0; --i) {
    out[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  return out + width;
}

char* put_number(char* out, std::int64_t value) { return std::to_chars(out, out + 20, value).ptr; }

char* put_year(char* out, std::int64_t year) {
  if (year >= 0 && year <= 9999) return put_digits(out, static_cast<std::uint64_t>(year), 4);
  *out++ = year < 0 ? '-' : '+';
  const std::uint64_t magnitude = year < 0 ? 0 - static_cast<std::uint64_t>(year) : static_cast<std::uint64_t>(year);
  if (magnitude < 10000) return put_digits(out, magnitude, 4);
  return std::to_chars(out, out + 20, magnitude).ptr;
}

// Floor division, so that times before 1970 fall on the right day.
std::int64_t floor_div(std::int64_t value, std::int64_t by) { return value / by - (value % by < 0 ? 1 : 0); }

std::string_view infinity_text(std::int64_t value) { return value > 0 ? "infinity" : "-infinity"; }
bool is_infinite(std::int64_t value) { return value == Value::kInfinity || value == Value::kMinusInfinity; }
std::optional<std::int64_t> parse_infinity(std::string_view text) {
  if (text == "infinity") return Value::kInfinity;
  if (text == "-infinity") return Value::kMinusInfinity;
  return std::nullopt;
}

struct Scanner {
  std::string_view text;
  bool literal(char c) {
    if (text.empty() || text.front() != c) return false;
    text.remove_prefix(1);
    return true;
  }
  bool digits(std::size_t count, std::int64_t& out) {
    if (text.size() < count) return false;
    out = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (text[i] < '0' || text[i] > '9') return false;
      out = out * 10 + (text[i] - '0');
    }
    text.remove_prefix(count);
    return true;
  }
  // A fraction of up to nine digits, as nanoseconds.
  bool fraction(std::int64_t& nanoseconds) {
    nanoseconds = 0;
    if (!literal('.')) return true;
    int count = 0;
    while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
      if (++count > 9) return false;
      nanoseconds = nanoseconds * 10 + (text.front() - '0');
      text.remove_prefix(1);
    }
    for (int i = count; i < 9; ++i) nanoseconds *= 10;
    return count > 0;
  }
};

bool scan_year(Scanner& in, std::int64_t& year) {
  const bool minus = !in.text.empty() && in.text.front() == '-';
  const bool sign = minus || (!in.text.empty() && in.text.front() == '+');
  if (!sign) return in.digits(4, year);
  in.text.remove_prefix(1);
  const std::size_t length = in.text.find('-');
  if (length == std::string_view::npos || length < 4 || length > 7 || !in.digits(length, year)) return false;
  if (minus) year = -year;
  return true;
}

bool scan_date(Scanner& in, std::int64_t& days) {
  CivilDate date;
  std::int64_t month = 0, day = 0;
  if (!scan_year(in, date.year) || !in.literal('-') || !in.digits(2, month) || !in.literal('-') || !in.digits(2, day)) return false;
  date.month = static_cast<unsigned>(month);
  date.day = static_cast<unsigned>(day);
  if (!is_valid_date(date)) return false;
  days = days_from_civil(date);
  return true;
}

// Nanoseconds since midnight; 24:00:00 is allowed, leap seconds are not (no system here can hold one).
bool scan_time(Scanner& in, std::int64_t& nanoseconds) {
  std::int64_t hour = 0, minute = 0, second = 0, fraction = 0;
  if (!in.digits(2, hour) || !in.literal(':') || !in.digits(2, minute) || !in.literal(':') || !in.digits(2, second) ||
      !in.fraction(fraction))
    return false;
  if (hour > 24 || minute > 59 || second > 59) return false;
  nanoseconds = ((hour * 60 + minute) * 60 + second) * 1'000'000'000 + fraction;
  return nanoseconds <= 86'400LL * 1'000'000'000;
}

bool scan_offset(Scanner& in, std::int64_t& seconds) {
  if (in.literal('Z') || in.literal('z')) return seconds = 0, true;
  const bool minus = !in.text.empty() && in.text.front() == '-';
  if (!minus && (in.text.empty() || in.text.front() != '+')) return false;
  in.text.remove_prefix(1);
  std::int64_t hour = 0, minute = 0;
  if (!in.digits(2, hour)) return false;
  if (in.literal(':') && !in.digits(2, minute)) return false;
  if (hour > 23 || minute > 59) return false;
  seconds = (hour * 3600 + minute * 60) * (minus ? -1 : 1);
  return true;
}

bool scan_date_and_time(Scanner& in, std::int64_t& days, std::int64_t& nanoseconds) {
  if (!scan_date(in, days)) return false;
  if (!in.literal('T') && !in.literal('t') && !in.literal(' ')) return false;
  return scan_time(in, nanoseconds);
}

// nullopt beyond int64 (years before -290308 or after 294247).
std::optional<std::int64_t> in_microseconds(std::int64_t days, std::int64_t within_day) {
  const Int128 sum = static_cast<Int128>(days) * kMicrosPerDay + within_day;
  if (sum >= Value::kInfinity || sum <= Value::kMinusInfinity) return std::nullopt;
  return static_cast<std::int64_t>(sum);
}

std::optional<std::int64_t> duration_unit(std::string_view& text) {
  static constexpr std::pair<std::string_view, std::int64_t> kUnits[] = {
      {"ns", 1}, {"us", 1'000}, {"ms", 1'000'000}, {"s", 1'000'000'000}, {"m", 60'000'000'000}, {"h", 3'600'000'000'000}};
  for (const auto& [name, factor] : kUnits) {
    if (!text.starts_with(name)) continue;
    text.remove_prefix(name.size());
    return factor;
  }
  return std::nullopt;
}

}  // namespace

std::int64_t days_from_civil(const CivilDate& date) {
  const std::int64_t y = date.year - (date.month <= 2 ? 1 : 0);
  const std::int64_t era = floor_div(y, 400);
  const auto year_of_era = static_cast<unsigned>(y - era * 400);
  const unsigned shifted_month = date.month > 2 ? date.month - 3 : date.month + 9;
  const unsigned day_of_year = (153 * shifted_month + 2) / 5 + date.day - 1;
  const unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + static_cast<std::int64_t>(day_of_era) - 719468;
}

CivilDate civil_from_days(std::int64_t days) {
  days += 719468;
  const std::int64_t era = floor_div(days, 146097);
  const auto day_of_era = static_cast<unsigned>(days - era * 146097);
  const unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const unsigned shifted_month = (5 * day_of_year + 2) / 153;
  CivilDate date;
  date.day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
  date.month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  date.year = static_cast<std::int64_t>(year_of_era) + era * 400 + (date.month <= 2 ? 1 : 0);
  return date;
}

bool is_valid_date(const CivilDate& date) {
  if (date.month < 1 || date.month > 12 || date.day < 1) return false;
  static constexpr unsigned kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (date.year % 4 == 0 && date.year % 100 != 0) || date.year % 400 == 0;
  return date.day <= kDays[date.month - 1] + (date.month == 2 && leap ? 1U : 0U);
}

char* write_date(char* out, std::int64_t days) {
  if (is_infinite(days)) return put(out, infinity_text(days));
  const CivilDate date = civil_from_days(days);
  out = put_year(out, date.year);
  *out++ = '-';
  out = put_digits(out, date.month, 2);
  *out++ = '-';
  return put_digits(out, date.day, 2);
}

char* write_time(char* out, std::int64_t microseconds) {
  const auto value = static_cast<std::uint64_t>(microseconds);
  out = put_digits(out, value / 3'600'000'000ULL, 2);
  *out++ = ':';
  out = put_digits(out, value / 60'000'000ULL % 60, 2);
  *out++ = ':';
  out = put_digits(out, value / 1'000'000ULL % 60, 2);
  *out++ = '.';
  return put_digits(out, value % 1'000'000ULL, 6);
}

char* write_time_tz(char* out, std::int64_t microseconds, std::int32_t seconds_east) {
  out = write_time(out, microseconds);
  *out++ = seconds_east < 0 ? '-' : '+';
  const auto offset = static_cast<std::uint64_t>(seconds_east < 0 ? -static_cast<std::int64_t>(seconds_east) : seconds_east);
  out = put_digits(out, offset / 3600, 2);
  *out++ = ':';
  out = put_digits(out, offset / 60 % 60, 2);
  if (offset % 60 == 0) return out;
  *out++ = ':';
  return put_digits(out, offset % 60, 2);
}

char* write_local_timestamp(char* out, std::int64_t microseconds) {
  if (is_infinite(microseconds)) return put(out, infinity_text(microseconds));
  const std::int64_t days = floor_div(microseconds, kMicrosPerDay);
  out = write_date(out, days);
  *out++ = 'T';
  // Not microseconds - days * kMicrosPerDay: that product does not fit for the first day there is.
  const std::int64_t in_day = microseconds % kMicrosPerDay;
  return write_time(out, in_day < 0 ? in_day + kMicrosPerDay : in_day);
}

char* write_timestamp(char* out, std::int64_t microseconds, std::uint32_t nanoseconds) {
  out = write_local_timestamp(out, microseconds);
  if (is_infinite(microseconds)) return out;
  if (nanoseconds != 0) out = put_digits(out, nanoseconds, 3);
  *out++ = 'Z';
  return out;
}

char* write_duration(char* out, std::int64_t nanoseconds) {
  if (nanoseconds < 0) *out++ = '-';
  const std::uint64_t magnitude = nanoseconds < 0 ? 0 - static_cast<std::uint64_t>(nanoseconds) : static_cast<std::uint64_t>(nanoseconds);
  out = std::to_chars(out, out + 20, magnitude / 1'000'000'000).ptr;
  std::uint64_t fraction = magnitude % 1'000'000'000;
  if (fraction != 0) {
    int width = 9;
    while (fraction % 10 == 0) {
      fraction /= 10;
      --width;
    }
    *out++ = '.';
    out = put_digits(out, fraction, width);
  }
  *out++ = 's';
  return out;
}

char* write_interval(char* out, const Interval& interval) {
  *out++ = 'P';
  const auto part = [&out](std::int64_t value, char unit) {
    if (value == 0) return;
    out = put_number(out, value);
    *out++ = unit;
  };
  part(interval.months / 12, 'Y');
  part(interval.months % 12, 'M');
  part(interval.days, 'D');
  if (interval.microseconds == 0) return out[-1] == 'P' ? put(out, "T0S") : out;
  *out++ = 'T';
  part(interval.microseconds / 3'600'000'000LL, 'H');
  part(interval.microseconds / 60'000'000LL % 60, 'M');
  const std::int64_t rest = interval.microseconds % 60'000'000LL;
  if (rest == 0) return out;
  // The duration writer has the same sign and fraction rules; it ends with 's'.
  out = write_duration(out, rest * 1000);
  out[-1] = 'S';
  return out;
}

bool is_time_type(Value::Type type) { return type >= Value::Type::kDate && type <= Value::Type::kInterval; }

char* write_time_value(char* out, const Value& value) {
  switch (value.type()) {
    case Value::Type::kDate: return write_date(out, value.as_int64());
    case Value::Type::kTime: return write_time(out, value.as_int64());
    case Value::Type::kTimeTz: return write_time_tz(out, value.as_int64(), value.seconds_east());
    case Value::Type::kTimestamp: return write_timestamp(out, value.as_int64(), value.extra());
    case Value::Type::kLocalTimestamp: return write_local_timestamp(out, value.as_int64());
    case Value::Type::kDuration: return write_duration(out, value.as_int64());
    case Value::Type::kInterval: return write_interval(out, value.as_interval());
    default: return out;
  }
}

std::optional<std::int64_t> parse_date(std::string_view text) {
  if (const auto infinite = parse_infinity(text)) return infinite;
  Scanner in{text};
  std::int64_t days = 0;
  if (!scan_date(in, days) || !in.text.empty()) return std::nullopt;
  return days;
}

std::optional<std::int64_t> parse_time(std::string_view text) {
  Scanner in{text};
  std::int64_t nanoseconds = 0;
  if (!scan_time(in, nanoseconds) || !in.text.empty()) return std::nullopt;
  return nanoseconds / 1000;
}

std::optional<Value> parse_timestamp(std::string_view text) {
  if (const auto infinite = parse_infinity(text)) return Value::timestamp(*infinite);
  Scanner in{text};
  std::int64_t days = 0, nanoseconds = 0, offset = 0;
  if (!scan_date_and_time(in, days, nanoseconds) || !scan_offset(in, offset) || !in.text.empty()) return std::nullopt;
  const auto microseconds = in_microseconds(days, nanoseconds / 1000 - offset * kMicrosPerSecond);
  if (!microseconds) return std::nullopt;
  return Value::timestamp(*microseconds, static_cast<std::uint32_t>(nanoseconds % 1000));
}

std::optional<std::int64_t> parse_local_timestamp(std::string_view text) {
  if (const auto infinite = parse_infinity(text)) return infinite;
  Scanner in{text};
  std::int64_t days = 0, nanoseconds = 0;
  if (!scan_date_and_time(in, days, nanoseconds) || !in.text.empty()) return std::nullopt;
  return in_microseconds(days, nanoseconds / 1000);
}

std::optional<std::int64_t> parse_duration(std::string_view text) {
  const bool minus = text.starts_with('-');
  if (minus || text.starts_with('+')) text.remove_prefix(1);
  if (text == "0") return 0;
  if (text.empty()) return std::nullopt;
  Int128 total = 0;
  while (!text.empty()) {
    std::uint64_t whole = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), whole);
    const bool has_whole = error == std::errc();
    if (!has_whole && error != std::errc::invalid_argument) return std::nullopt;
    if (has_whole) text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    Scanner in{text};
    std::int64_t fraction = 0;
    if (!has_whole && !text.starts_with('.')) return std::nullopt;
    if (!in.fraction(fraction)) return std::nullopt;
    text = in.text;
    const auto unit = duration_unit(text);
    if (!unit || whole > 9'223'372'036'854'775'807ULL) return std::nullopt;
    total += static_cast<Int128>(whole) * *unit + static_cast<Int128>(fraction) * *unit / 1'000'000'000;
    if (total > static_cast<Int128>(9'223'372'036'854'775'807LL) + 1) return std::nullopt;
  }
  if (minus) total = -total;
  if (total > 9'223'372'036'854'775'807LL) return std::nullopt;
  return static_cast<std::int64_t>(total);
}

}  // namespace sluice
