#include "core/civil_time.h"

#include <catch2/catch.hpp>
#include <limits>
#include <string>

namespace sluice {
namespace {

std::string text_of(const Value& value) {
  char buffer[kTimeTextBytes];
  return {buffer, write_time_value(buffer, value)};
}

TEST_CASE("timestamps round-trip through their text") {
  for (const std::string text :
       {"2026-01-31T13:59:01.000250Z", "1969-12-31T23:59:59.999999Z", "0001-01-01T00:00:00.000000Z", "-0043-03-15T00:00:00.000000Z",
        "+294246-12-31T23:59:59.999999Z", "infinity", "-infinity", "2026-01-31T13:59:01.000250123Z"}) {
    INFO(text);
    const auto value = parse_timestamp(text);
    REQUIRE(value);
    CHECK(text_of(*value) == text);
  }
}

TEST_CASE("the first microsecond there is has a text, too") {
  constexpr std::int64_t kFirst = std::numeric_limits<std::int64_t>::min() + 2;  // the one before it may stand for -infinity
  char buffer[kTimeTextBytes];
  const std::string text(buffer, write_local_timestamp(buffer, kFirst));
  CHECK(text == "-290308-12-21T19:59:05.224194");  // 2^63 us are 106,751,991 days, 4 h and 54.775806 s before 1970
}

TEST_CASE("offsets are applied and wrong texts refused") {
  CHECK(parse_timestamp("2026-01-01T01:30:00+01:30")->as_int64() == parse_timestamp("2026-01-01T00:00:00Z")->as_int64());
  for (const char* text : {"2026-01-01", "2026-02-29T00:00:00Z", "2026-01-01T00:00:00", "2026-01-01T25:00:00Z", "2026-13-01T00:00:00Z",
                           "+294276-12-31T23:59:59Z", ""})
    CHECK_FALSE(parse_timestamp(text));
}

TEST_CASE("durations as CEL writes them") {
  CHECK(parse_duration("1h30m") == 5'400'000'000'000);
  CHECK(parse_duration("-1.5s") == -1'500'000'000);
  CHECK_FALSE(parse_duration("1"));
  CHECK_FALSE(parse_duration("9999999999h"));
  CHECK(text_of(Value::duration(-1'500'000'000)) == "-1.5s");
  CHECK(text_of(Value::duration(0)) == "0s");
}

TEST_CASE("intervals keep their three parts") {
  Arena arena;
  CHECK(text_of(Value::interval_in(arena, {14, 3, 14'706'780'000})) == "P1Y2M3DT4H5M6.78S");
  CHECK(text_of(Value::interval_in(arena, {})) == "PT0S");
}

}  // namespace
}  // namespace sluice
