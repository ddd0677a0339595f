#pragma once
// Text of dates and times, both ways, without locale, time zone data or allocation.  Any thread.
// RFC 3339 with the extensions that databases need: years beyond 9999 and before 1 as ISO 8601's signed years ("+12345-01-01",
// "-0044-03-15": year 0 is 1 BC), and "infinity" / "-infinity".

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/value.h"

namespace sluice {

struct CivilDate {
  std::int64_t year = 1970;
  unsigned month = 1;  // 1..12
  unsigned day = 1;    // 1..31
};

// Proleptic Gregorian; algorithms of H. Hinnant, "chrono-Compatible Low-Level Date Algorithms".
std::int64_t days_from_civil(const CivilDate& date);
CivilDate civil_from_days(std::int64_t days);
bool is_valid_date(const CivilDate& date);

// Each writes at `out`, which has room for kTimeTextBytes, and returns the end.
inline constexpr std::size_t kTimeTextBytes = 64;
char* write_date(char* out, std::int64_t days);                                        // 2026-01-31
char* write_time(char* out, std::int64_t microseconds);                                // 13:59:01.000250; six digits always
char* write_time_tz(char* out, std::int64_t microseconds, std::int32_t seconds_east);  // 13:59:01.000250+02:00
char* write_timestamp(char* out, std::int64_t microseconds,
                      std::uint32_t nanoseconds = 0);               // 2026-01-31T13:59:01.000250Z; nine digits if nanoseconds
char* write_local_timestamp(char* out, std::int64_t microseconds);  // the same without Z
char* write_duration(char* out, std::int64_t nanoseconds);          // 1.5s, as CEL and protobuf write it
char* write_interval(char* out, const Interval& interval);          // P1Y2M3DT4H5M6.7S (ISO 8601), PT0S
// Text of a value of any of these types; the caller has checked the type.
char* write_time_value(char* out, const Value& value);
bool is_time_type(Value::Type type);

// Strict parsers of the forms above; nullopt for anything else.  A timestamp needs Z or an offset; T may be a space; the
// fraction has up to nine digits.
std::optional<std::int64_t> parse_date(std::string_view text);
std::optional<std::int64_t> parse_time(std::string_view text);
std::optional<Value> parse_timestamp(std::string_view text);
std::optional<std::int64_t> parse_local_timestamp(std::string_view text);
std::optional<std::int64_t> parse_duration(std::string_view text);  // "1h30m", "1.5s", "-2ms" as in CEL; nanoseconds

}  // namespace sluice
