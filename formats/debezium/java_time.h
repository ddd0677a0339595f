#pragma once
// Dates and times as java.time formats them and as Debezium's drivers turn PostgreSQL's infinities into numbers.

#include <cstddef>
#include <cstdint>

#include "core/value.h"

namespace sluice::debezium {

// What PostgreSQL's driver makes of infinity and -infinity: numbers that no finite value of the database has.
inline constexpr std::int64_t kInfiniteDay = -2147472692, kMinusInfiniteDay = -2147472691;  // 2^31 - 1 and -2^31 after a wrap, + 10957
inline constexpr std::int64_t kInfiniteMicros = 9223372036825200000, kMinusInfiniteMicros = -9223372036832400000;

// The value's days or microseconds with infinities as above.
std::int64_t finite_days(std::int64_t days);
std::int64_t finite_micros(std::int64_t microseconds);

// Digits of a second's fraction: as many as are needed, or a fixed number (0..6).
inline constexpr int kAsNeeded = -1;

// Each writes at `out`, which has room for kJavaTimeBytes, and returns the end.
inline constexpr std::size_t kJavaTimeBytes = 64;
char* write_iso_date(char* out, std::int64_t days);                                    // "-0043-03-15", "+10000-01-01"
char* write_iso_time(char* out, std::int64_t microseconds, int fraction = kAsNeeded);  // "12:00:00.5"; 24:00 is "00:00:00"
char* write_iso_timestamp(char* out, std::int64_t microseconds, int fraction = kAsNeeded);
// "P1Y2M3DT4H5M6.789S", every part always there.
char* write_iso_interval(char* out, const Interval& interval);

// Microseconds, a month being 30.4375 days; in double arithmetic, beyond 64 bits the largest number.
std::int64_t approximate_micros(const Interval& interval);

}  // namespace sluice::debezium
