#include "sources/postgres_cdc/time_text.h"

#include <array>
#include <cstdint>
#include <limits>
#include <optional>

#include "core/civil_time.h"

namespace sluice::sources::postgres {

namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kMinute = 60 * kSecond;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kDay = 24 * kHour;

// Reads what it is asked for off the front of a text; sticky failure.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool failed() const { return failed_; }
  bool done() const { return !failed_ && rest_.empty(); }
  bool skip(char wanted) {
    if (rest_.empty() || rest_[0] != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool skip(std::string_view wanted) {
    if (!rest_.starts_with(wanted)) return false;
    rest_.remove_prefix(wanted.size());
    return true;
  }
  void expect(char wanted) { failed_ = !skip(wanted) || failed_; }
  char peek() const { return rest_.empty() ? '\0' : rest_[0]; }
  char take() {
    const char result = peek();
    if (rest_.empty()) {
      failed_ = true;
    } else {
      rest_.remove_prefix(1);
    }
    return result;
  }
  // Between `low` and `high` digits; at most 18, so that it cannot overflow.
  std::int64_t digits(std::size_t low, std::size_t high) {
    std::int64_t result = 0;
    std::size_t count = 0;
    while (count < high && count < rest_.size() && rest_[count] >= '0' && rest_[count] <= '9')
      result = result * 10 + (rest_[count++] - '0');
    rest_.remove_prefix(count);
    failed_ = failed_ || count < low;
    return result;
  }
  // ".25" as microseconds, 0 when there is none.
  std::int64_t fraction() {
    if (!skip('.')) return 0;
    const std::size_t before = rest_.size();
    std::int64_t result = digits(1, 6);
    for (std::size_t count = before - rest_.size(); count < 6; ++count) result *= 10;
    return result;
  }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

struct DateParts {
  std::int64_t year = 0;
  std::int64_t month = 0;
  std::int64_t day = 0;
};

DateParts scan_date(Scanner& in) {
  DateParts date;
  date.year = in.digits(4, 7);
  in.expect('-');
  date.month = in.digits(2, 2);
  in.expect('-');
  date.day = in.digits(2, 2);
  return date;
}

// Days since 1970, after the " BC" that stands at the very end of the text was seen.
std::optional<std::int64_t> days_of(const DateParts& date, bool before_christ) {
  const CivilDate civil{before_christ ? 1 - date.year : date.year, static_cast<unsigned>(date.month), static_cast<unsigned>(date.day)};
  if (date.year < 1 || !is_valid_date(civil)) return std::nullopt;
  return days_from_civil(civil);
}

// Microseconds since midnight; 24:00:00 is a time to PostgreSQL.
std::int64_t scan_time(Scanner& in, bool& good) {
  const std::int64_t hours = in.digits(2, 2);
  in.expect(':');
  const std::int64_t minutes = in.digits(2, 2);
  in.expect(':');
  const std::int64_t seconds = in.digits(2, 2);
  const std::int64_t time = hours * kHour + minutes * kMinute + seconds * kSecond + in.fraction();
  good = minutes < 60 && seconds < 61 && time <= kDay;
  return time;
}

// "+05", "-03:30", "+05:30:15": seconds east of UTC.
std::int64_t scan_offset(Scanner& in) {
  const bool west = in.peek() == '-';
  if (!west && in.peek() != '+') in.expect('+');
  if (!in.failed()) in.take();
  std::int64_t seconds = in.digits(2, 2) * 3600;
  if (in.skip(':')) seconds += in.digits(2, 2) * 60;
  if (in.skip(':')) seconds += in.digits(2, 2);
  return west ? -seconds : seconds;
}

std::optional<std::int64_t> infinity(std::string_view text) {
  if (text == "infinity") return Value::kInfinity;
  if (text == "-infinity") return Value::kMinusInfinity;
  return std::nullopt;
}

enum class Zone : std::uint8_t { kNone, kOffset };

struct Moment {
  std::int64_t days = 0;    // since 1970
  std::int64_t within = 0;  // microseconds, 0 <= within < kDay
};

std::optional<Moment> scan_moment(std::string_view text, Zone zone) {
  Scanner in(text);
  const DateParts date = scan_date(in);
  in.expect(' ');
  bool good = false;
  std::int64_t within = scan_time(in, good);
  if (zone == Zone::kOffset) within -= scan_offset(in) * kSecond;
  const bool before_christ = in.skip(std::string_view(" BC"));
  if (!good || !in.done()) return std::nullopt;
  const std::optional<std::int64_t> days = days_of(date, before_christ);
  if (!days) return std::nullopt;
  const std::int64_t carry = within / kDay - (within % kDay < 0 ? 1 : 0);
  return Moment{*days + carry, within - carry * kDay};
}

// Microseconds since 1970; nullopt for what does not fit or would read as an infinity.
std::optional<std::int64_t> to_microseconds(const Moment& moment) {
  std::int64_t result = 0;
  if (__builtin_mul_overflow(moment.days, kDay, &result) || __builtin_add_overflow(result, moment.within, &result)) return std::nullopt;
  if (result == Value::kInfinity || result == Value::kMinusInfinity) return std::nullopt;
  return result;
}

Value moment_as_text(const Moment& moment, Zone zone, Arena& arena) {
  std::array<char, 2 * kTimeTextBytes> text;
  char* end = write_date(text.data(), moment.days);
  *end++ = 'T';
  end = write_time(end, moment.within);
  if (zone == Zone::kOffset) *end++ = 'Z';
  return Value::string_in(arena, {text.data(), static_cast<std::size_t>(end - text.data())});
}

// One "-12.5S" of an ISO 8601 duration, added to `interval`.  `in_time`: behind the T, where M means minutes.
bool add_part(Scanner& in, bool in_time, Interval& interval) {
  const bool negative = in.skip('-');
  std::int64_t whole = in.digits(1, 18);
  std::int64_t micros = in.fraction();
  if (negative) whole = -whole, micros = -micros;
  const char unit = in.take();
  std::int64_t amount = 0;
  if (!in_time) {
    if (micros != 0 || (unit != 'Y' && unit != 'M' && unit != 'D')) return false;
    std::int32_t& part = unit == 'D' ? interval.days : interval.months;
    if (__builtin_mul_overflow(whole, unit == 'Y' ? 12 : 1, &amount)) return false;
    return !__builtin_add_overflow(amount, part, &part);
  }
  const std::int64_t scale = unit == 'H' ? kHour : unit == 'M' ? kMinute : unit == 'S' ? kSecond : 0;
  if (scale == 0 || (micros != 0 && unit != 'S') || __builtin_mul_overflow(whole, scale, &amount)) return false;
  return !__builtin_add_overflow(amount, micros, &amount) && !__builtin_add_overflow(amount, interval.microseconds, &interval.microseconds);
}

std::optional<Interval> infinite_interval(std::string_view text) {
  using Part = std::numeric_limits<std::int32_t>;
  if (text == "infinity") return Interval{Part::max(), Part::max(), Value::kInfinity};
  if (text == "-infinity") return Interval{Part::min(), Part::min(), Value::kMinusInfinity};
  return std::nullopt;
}

}  // namespace

bool decode_date(std::string_view text, Value& out) {
  if (const auto infinite = infinity(text)) return out = Value::date(*infinite), true;
  Scanner in(text);
  const DateParts date = scan_date(in);
  const bool before_christ = in.skip(std::string_view(" BC"));
  if (!in.done()) return false;
  const std::optional<std::int64_t> days = days_of(date, before_christ);
  if (days) out = Value::date(*days);
  return days.has_value();
}

bool decode_time(std::string_view text, Value& out) {
  Scanner in(text);
  bool good = false;
  out = Value::time(scan_time(in, good));
  return good && in.done();
}

bool decode_time_tz(std::string_view text, Value& out) {
  Scanner in(text);
  bool good = false;
  const std::int64_t time = scan_time(in, good);
  out = Value::time_tz(time, static_cast<std::int32_t>(scan_offset(in)));
  return good && in.done();
}

bool decode_timestamp(std::string_view text, Arena& arena, Value& out) {
  if (const auto infinite = infinity(text)) return out = Value::local_timestamp(*infinite), true;
  const auto moment = scan_moment(text, Zone::kNone);
  if (!moment) return false;
  const auto micros = to_microseconds(*moment);
  out = micros ? Value::local_timestamp(*micros) : moment_as_text(*moment, Zone::kNone, arena);
  return true;
}

bool decode_timestamp_tz(std::string_view text, Arena& arena, Value& out) {
  if (const auto infinite = infinity(text)) return out = Value::timestamp(*infinite), true;
  const auto moment = scan_moment(text, Zone::kOffset);
  if (!moment) return false;
  const auto micros = to_microseconds(*moment);
  out = micros ? Value::timestamp(*micros) : moment_as_text(*moment, Zone::kOffset, arena);
  return true;
}

bool decode_interval(std::string_view text, Arena& arena, Value& out) {
  if (const auto infinite = infinite_interval(text)) return out = Value::interval_in(arena, *infinite), true;
  Scanner in(text);
  in.expect('P');
  Interval interval;
  bool in_time = false;
  while (!in.done()) {
    if (in.failed()) return false;
    if (!in_time && in.skip('T')) {
      in_time = true;
      continue;
    }
    if (!add_part(in, in_time, interval)) return false;
  }
  out = Value::interval_in(arena, interval);
  return true;
}

}  // namespace sluice::sources::postgres
