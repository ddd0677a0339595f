// getFullYear() and the like, of timestamps with an optional time zone, of dates and of durations.
#include <absl/time/time.h>

#include <array>
#include <string>

#include "core/civil_time.h"
#include "expr/compare.h"
#include "expr/functions.h"

namespace sluice::expr {

namespace {

using Type = Value::Type;
using Arguments = std::span<const Value>;

constexpr std::int64_t kMicrosPerSecond = 1'000'000;
constexpr std::int64_t kMicrosPerDay = 86'400 * kMicrosPerSecond;
constexpr std::int64_t kNanosPerSecond = 1'000'000'000;

enum class Part : std::uint8_t { kFullYear, kMonth, kDate, kDayOfMonth, kDayOfWeek, kDayOfYear, kHours, kMinutes, kSeconds, kMilliseconds };

constexpr std::array<std::string_view, 10> kNames = {"getFullYear",  "getMonth", "getDate",    "getDayOfMonth", "getDayOfWeek",
                                                     "getDayOfYear", "getHours", "getMinutes", "getSeconds",    "getMilliseconds"};

std::string_view name_of(Part part) { return kNames[static_cast<std::size_t>(part)]; }

std::int64_t floor_divide(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

// `micros` as the clocks of the place show it, since 1970-01-01T00:00:00 there.
std::int64_t part_of(std::int64_t micros, Part part) {
  const std::int64_t days = floor_divide(micros, kMicrosPerDay);
  const std::int64_t in_day = micros - days * kMicrosPerDay;
  const CivilDate date = civil_from_days(days);
  switch (part) {
    case Part::kFullYear: return date.year;
    case Part::kMonth: return std::int64_t{date.month} - 1;
    case Part::kDate: return date.day;
    case Part::kDayOfMonth: return std::int64_t{date.day} - 1;
    case Part::kDayOfWeek: return ((days + 4) % 7 + 7) % 7;  // 1970-01-01 was a Thursday; Sunday is 0
    case Part::kDayOfYear: return days - days_from_civil({date.year, 1, 1});
    case Part::kHours: return in_day / (3600 * kMicrosPerSecond);
    case Part::kMinutes: return in_day / (60 * kMicrosPerSecond) % 60;
    case Part::kSeconds: return in_day / kMicrosPerSecond % 60;
    case Part::kMilliseconds: return in_day / 1000 % 1000;
  }
  return 0;
}

// "+02:00", "-02:30", "02:00": seconds east of UTC.
std::optional<std::int64_t> fixed_offset(std::string_view zone) {
  std::int64_t sign = 1;
  if (zone.starts_with('+') || zone.starts_with('-')) {
    sign = zone.front() == '-' ? -1 : 1;
    zone.remove_prefix(1);
  }
  const auto digit = [&](std::size_t i) { return zone[i] >= '0' && zone[i] <= '9'; };
  if (zone.size() != 5 || zone[2] != ':' || !digit(0) || !digit(1) || !digit(3) || !digit(4)) return std::nullopt;
  const std::int64_t hours = (zone[0] - '0') * 10 + (zone[1] - '0');
  const std::int64_t minutes = (zone[3] - '0') * 10 + (zone[4] - '0');
  if (hours > 23 || minutes > 59) return std::nullopt;
  return sign * (hours * 3600 + minutes * 60);
}

std::optional<std::int64_t> offset_at(std::string_view zone, std::int64_t micros) {
  if (zone == "UTC" || zone == "Z") return 0;
  if (const auto fixed = fixed_offset(zone)) return fixed;
  absl::TimeZone loaded;
  if (zone.empty() || !absl::LoadTimeZone(std::string(zone), &loaded)) return std::nullopt;
  return loaded.At(absl::FromUnixMicros(micros)).offset;
}

bool of_timestamp(Context& context, Part part, Arguments arguments, Value& out) {
  const Value& time = arguments[0];
  std::int64_t micros = time.as_int64();
  if (micros == Value::kInfinity || micros == Value::kMinusInfinity)
    return context.fail("out_of_range", "an infinite timestamp has no", name_of(part));
  if (arguments.size() == 2) {
    if (!is_string_like(arguments[1].type()) || time.type() != Type::kTimestamp) return context.no_overload(name_of(part), arguments);
    const auto offset = offset_at(arguments[1].as_text(), micros);
    if (!offset) return context.fail("unknown_time_zone", "unknown time zone", context.arena->copy(arguments[1].as_text()));
    micros += *offset * kMicrosPerSecond;
  }
  out = Value::int64(part_of(micros, part));
  return true;
}

bool of_duration(Context& context, Part part, Arguments arguments, Value& out) {
  const std::int64_t nanos = arguments[0].as_int64();
  if (arguments.size() == 2) return context.no_overload(name_of(part), arguments);
  switch (part) {
    case Part::kHours: out = Value::int64(nanos / (3600 * kNanosPerSecond)); return true;
    case Part::kMinutes: out = Value::int64(nanos / (60 * kNanosPerSecond)); return true;
    case Part::kSeconds: out = Value::int64(nanos / kNanosPerSecond); return true;
    case Part::kMilliseconds: out = Value::int64(nanos / 1'000'000 % 1000); return true;
    default: return context.no_overload(name_of(part), arguments);
  }
}

template <Part kPart>
bool get(Context& context, Arguments arguments, Value& out) {
  switch (arguments[0].type()) {
    case Type::kTimestamp:
    case Type::kLocalTimestamp: return of_timestamp(context, kPart, arguments, out);
    case Type::kDuration: return of_duration(context, kPart, arguments, out);
    case Type::kDate: {
      const std::int64_t days = arguments[0].as_int64();
      if (days == Value::kInfinity || days == Value::kMinusInfinity)
        return context.fail("out_of_range", "an infinite date has no", name_of(kPart));
      std::int64_t micros = 0;
      if (kPart >= Part::kHours || arguments.size() == 2 || __builtin_mul_overflow(days, kMicrosPerDay, &micros)) break;
      out = Value::int64(part_of(micros, kPart));
      return true;
    }
    default: break;
  }
  return context.no_overload(name_of(kPart), arguments);
}

constexpr std::string_view kDay = "t:i ts:i a:i";
constexpr std::string_view kClock = "t:i ts:i D:i";

constexpr std::array<Function, 10> kFunctions = {{
    {"getFullYear", CallStyle::kReceiver, kDay, get<Part::kFullYear>},
    {"getMonth", CallStyle::kReceiver, kDay, get<Part::kMonth>},
    {"getDate", CallStyle::kReceiver, kDay, get<Part::kDate>},
    {"getDayOfMonth", CallStyle::kReceiver, kDay, get<Part::kDayOfMonth>},
    {"getDayOfWeek", CallStyle::kReceiver, kDay, get<Part::kDayOfWeek>},
    {"getDayOfYear", CallStyle::kReceiver, kDay, get<Part::kDayOfYear>},
    {"getHours", CallStyle::kReceiver, kClock, get<Part::kHours>},
    {"getMinutes", CallStyle::kReceiver, kClock, get<Part::kMinutes>},
    {"getSeconds", CallStyle::kReceiver, kClock, get<Part::kSeconds>},
    {"getMilliseconds", CallStyle::kReceiver, kClock, get<Part::kMilliseconds>},
}};

}  // namespace

std::span<const Function> time_functions() { return kFunctions; }

}  // namespace sluice::expr
