#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "core/civil_time.h"
#include "sources/postgres_cdc/column_codec.h"

namespace sluice::sources::postgres {
namespace {

// One line of text for any value.
std::string show(const Value& value) {
  std::array<char, kTimeTextBytes> buffer;
  switch (value.type()) {
    case Value::Type::kNull: return "null";
    case Value::Type::kUnchanged: return "unchanged";
    case Value::Type::kBool: return value.as_bool() ? "true" : "false";
    case Value::Type::kInt64: return std::to_string(value.as_int64());
    case Value::Type::kFloat64: return std::to_string(value.as_float64());
    case Value::Type::kList: {
      std::string list = "[";
      for (const Value& item : value.as_list()) list += (list.size() == 1 ? "" : " ") + show(item);
      return list + "]";
    }
    default: break;
  }
  if (is_time_type(value.type())) return {buffer.data(), write_time_value(buffer.data(), value)};
  return std::string(value.as_text());
}

struct Case {
  std::uint32_t oid;
  std::string text;
  Value::Type type;
  std::string shown;
};

TEST_CASE("PostgreSQL's text becomes values of the declared type") {
  using T = Value::Type;
  const std::vector<Case> cases = {
      {16, "t", T::kBool, "true"},
      {16, "f", T::kBool, "false"},
      {21, "-32768", T::kInt64, "-32768"},
      {20, "9223372036854775807", T::kInt64, "9223372036854775807"},
      {26, "4294967295", T::kInt64, "4294967295"},
      {701, "1e-07", T::kFloat64, "0.000000"},
      {701, "-Infinity", T::kFloat64, "-inf"},
      {1700, "-0012.3400", T::kDecimal, "-0012.3400"},
      {1700, "NaN", T::kDecimal, "NaN"},
      {1700, "-Infinity", T::kDecimal, "-Infinity"},
      {25, "a text of more than fourteen bytes", T::kString, "a text of more than fourteen bytes"},
      {25, "", T::kString, ""},
      {869, "10.0.0.1/8", T::kString, "10.0.0.1/8"},
      {790, "$1,000.00", T::kString, "$1,000.00"},
      {17, "\\x00ff", T::kBytes, std::string("\0\xff", 2)},
      {17, "\\x", T::kBytes, ""},
      {1082, "2026-02-28", T::kDate, "2026-02-28"},
      {1082, "0044-03-15 BC", T::kDate, "-0043-03-15"},
      {1082, "5874897-12-31", T::kDate, "+5874897-12-31"},
      {1082, "infinity", T::kDate, "infinity"},
      {1083, "24:00:00", T::kTime, "24:00:00.000000"},
      {1083, "13:59:01.00025", T::kTime, "13:59:01.000250"},
      {1266, "13:59:01.5-03:30", T::kTimeTz, "13:59:01.500000-03:30"},
      {1114, "2026-01-31 13:59:01.5", T::kLocalTimestamp, "2026-01-31T13:59:01.500000"},
      {1114, "0044-03-15 12:00:00 BC", T::kLocalTimestamp, "-0043-03-15T12:00:00.000000"},
      {1184, "2026-01-31 13:59:01+00", T::kTimestamp, "2026-01-31T13:59:01.000000Z"},
      {1184, "2026-01-31 13:59:01+05:30", T::kTimestamp, "2026-01-31T08:29:01.000000Z"},
      {1184, "-infinity", T::kTimestamp, "-infinity"},
      {1184, "12345-01-01 00:00:00+00", T::kTimestamp, "+12345-01-01T00:00:00.000000Z"},
      {1186, "P1Y2M3DT4H5M6.7S", T::kInterval, "P1Y2M3DT4H5M6.7S"},
      {1186, "P-1Y-2M3DT-4H-5M-6.5S", T::kInterval, "P-1Y-2M3DT-4H-5M-6.5S"},
      {1186, "PT-0.5S", T::kInterval, "PT-0.5S"},
      {1186, "PT0S", T::kInterval, "PT0S"},
      {2950, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", T::kUuid, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
      {3802, "{\"a\": 1}", T::kJson, "{\"a\": 1}"},
      {1560, "0101", T::kBits, "0101"},
      {1007, "{1,NULL,-3}", T::kList, "[1 null -3]"},
      {1007, "{}", T::kList, "[]"},
      {1007, "{{1,2},{3,4}}", T::kList, "[[1 2] [3 4]]"},
      {1009, "{\"a,b\",\"say \\\"hi\\\"\",\"NULL\",NULL,plain,\"\",\"back\\\\slash\"}", T::kList,
       "[a,b say \"hi\" NULL null plain  back\\slash]"},
      {1020, "{(2,2),(1,1);(4,4),(3,3)}", T::kList, "[(2,2),(1,1) (4,4),(3,3)]"},
      {1185, "{\"2026-01-31 13:59:01+00\",infinity}", T::kList, "[2026-01-31T13:59:01.000000Z infinity]"},
  };
  for (const Case& c : cases) {
    INFO(c.oid << " " << c.text);
    Arena arena;
    Value value;
    const auto codec = builtin_codec(c.oid);
    REQUIRE(codec);
    CHECK(value_type(*codec) == c.type);
    REQUIRE(decode_text(*codec, c.text, arena, value));
    CHECK(value.type() == c.type);
    CHECK(show(value) == c.shown);
  }
}

TEST_CASE("text that is not of the type, or that a value cannot hold, is refused") {
  const std::vector<std::pair<std::uint32_t, std::string>> cases = {{16, "true"},
                                                                    {23, ""},
                                                                    {23, "1x"},
                                                                    {20, "9223372036854775808"},
                                                                    {701, "abc"},
                                                                    {1700, "1e5"},
                                                                    {1700, "-"},
                                                                    {1700, "1."},
                                                                    {17, "\\x0"},
                                                                    {17, "\\xzz"},
                                                                    {17, "abc"},
                                                                    {1082, "2026-02-30"},
                                                                    {1082, "2026-1-1"},
                                                                    {1082, "0000-01-01"},
                                                                    {1083, "25:00:00"},
                                                                    {1083, "24:00:01"},
                                                                    {1083, "1:00:00"},
                                                                    {1266, "13:59:01"},
                                                                    {1114, "2026-01-31"},
                                                                    {1114, "2026-01-31 13:59:01+00"},
                                                                    {1184, "294277-13-31 23:59:59.999999+00"},
                                                                    {1186, "1 day"},
                                                                    {1186, "P1"},
                                                                    {1186, "P1.5D"},
                                                                    {1186, "P99999999999Y"},
                                                                    {1186, "PT9999999999999H"},
                                                                    {2950, "abc"},
                                                                    {1560, "012"},
                                                                    {1007, "{1"},
                                                                    {1007, "1}"},
                                                                    {1007, "{1,}"},
                                                                    {1007, "{x}"},
                                                                    {1009, "{\"a}"},
                                                                    {1009, "{\"a\\\"}"},
                                                                    {1007, "{{{{{{{1}}}}}}}"},
                                                                    {1007, "[0:1]"},
                                                                    {1007, "[0:1]={7,8"},
                                                                    {1007, "[0:1]={7,x}"}};
  for (const auto& [oid, text] : cases) {
    INFO(oid << " " << text);
    Arena arena;
    Value value;
    CHECK_FALSE(decode_text(*builtin_codec(oid), text, arena, value));
  }
}

TEST_CASE("what a value of the declared type cannot hold comes as text") {
  const std::vector<Case> cases = {
      {1007, "[0:1]={7,8}", Value::Type::kString, "[0:1]={7,8}"},
      {1007, "[1:2][0:1]={{1,2},{3,4}}", Value::Type::kString, "[1:2][0:1]={{1,2},{3,4}}"},
      {1184, "294247-01-10 04:00:54.775806+00", Value::Type::kTimestamp, "+294247-01-10T04:00:54.775806Z"},
      {1184, "294247-01-10 04:00:54.775807+00", Value::Type::kString, "+294247-01-10T04:00:54.775807Z"},
      {1184, "294276-12-31 23:59:59.999999+00", Value::Type::kString, "+294276-12-31T23:59:59.999999Z"},
      {1184, "294276-12-31 00:00:01-01:30", Value::Type::kString, "+294276-12-31T01:30:01.000000Z"},
      {1114, "294276-12-31 23:59:59", Value::Type::kString, "+294276-12-31T23:59:59.000000"},
      {18, "\xff", Value::Type::kString, "\\377"},
      {18, "\xc3", Value::Type::kString, "\\303"},
      {18, "a", Value::Type::kString, "a"},
      {18, "", Value::Type::kString, ""},
  };
  for (const Case& c : cases) {
    INFO(c.oid << " " << c.text);
    Arena arena;
    Value value;
    REQUIRE(decode_text(*builtin_codec(c.oid), c.text, arena, value));
    CHECK(value.type() == c.type);
    CHECK(show(value) == c.shown);
  }
}

TEST_CASE("a type that is not the server's own has no built-in codec") {
  CHECK_FALSE(builtin_codec(16400));
  CHECK_FALSE(builtin_codec(0));
}

TEST_CASE("NaN is a float") {
  Arena arena;
  Value value;
  REQUIRE(decode_text(*builtin_codec(700), "NaN", arena, value));
  CHECK(std::isnan(value.as_float64()));
}

}  // namespace
}  // namespace sluice::sources::postgres
