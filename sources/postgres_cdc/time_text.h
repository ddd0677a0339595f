#pragma once
// Dates, times and intervals in the server's text (datestyle ISO, intervalstyle iso_8601).  core/civil_time.h has the forms of
// RFC 3339; these differ: "0044-03-15 BC", "24:00:00", "+05:30:15", "P-1Y2M".
// Each is false for anything else and for what a Value cannot hold.  No allocation but the arena's; any thread.

#include <string_view>

#include "core/arena.h"
#include "core/value.h"

namespace sluice::sources::postgres {

bool decode_date(std::string_view text, Value& out);
bool decode_time(std::string_view text, Value& out);
bool decode_time_tz(std::string_view text, Value& out);
// The server's last moments, of the years 294247 to 294276, are beyond 64 bits of microseconds since 1970: kString, RFC 3339 with
// six digits of fraction and a sign before the year, as core/civil_time.h writes the others.
bool decode_timestamp(std::string_view text, Arena& arena, Value& out);     // without time zone
bool decode_timestamp_tz(std::string_view text, Arena& arena, Value& out);  // any offset; the session's is +00
bool decode_interval(std::string_view text, Arena& arena, Value& out);

}  // namespace sluice::sources::postgres
