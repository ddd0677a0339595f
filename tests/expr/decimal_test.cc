// Exact decimals, with PostgreSQL's scales: each expectation is what `SELECT a op b` of PostgreSQL 15 prints.
#include <array>
#include <catch2/catch.hpp>
#include <limits>

#include "expr/decimal.h"

using namespace sluice;
using namespace sluice::expr;

namespace {

std::string compute(std::string_view a, char op, std::string_view b) {
  Arena arena;
  Value out;
  switch (decimal_arithmetic(op, a, b, arena, out)) {
    case DecimalProblem::kNone: return std::string(out.as_text());
    case DecimalProblem::kDivideByZero: return "divide by zero";
    case DecimalProblem::kTooLarge: return "too large";
  }
  return {};
}

}  // namespace

TEST_CASE("sums and products keep every digit") {
  CHECK(compute("1.50", '+', "2") == "3.50");
  CHECK(compute("0.1", '+', "0.2") == "0.3");
  CHECK(compute("-0.05", '+', "0.05") == "0.00");
  CHECK(compute("1.50", '*', "0.920") == "1.38000");
  CHECK(compute("-3", '*', "0.5") == "-1.5");
  CHECK(compute("0.001", '*', "0.001") == "0.000001");
  CHECK(compute("99999999999999999999.99", '+', "0.01") == "100000000000000000000.00");
  CHECK(compute("9223372036854775807", '+', "1") == "9223372036854775808");
  CHECK(compute("123456789012345678", '*', "987654321098765432") == "121932631137021794322511812221002896");
  CHECK(compute("12345678901234567890.123456789", '-', "12345678901234567890.123456788") == "0.000000001");
}

TEST_CASE("a quotient has the scale that PostgreSQL gives it") {
  CHECK(compute("1", '/', "3") == "0.33333333333333333333");
  CHECK(compute("10", '/', "3") == "3.3333333333333333");
  CHECK(compute("2", '/', "3") == "0.66666666666666666667");
  CHECK(compute("19.90", '/', "3") == "6.6333333333333333");
  CHECK(compute("1", '/', "8") == "0.12500000000000000000");
  CHECK(compute("-7", '/', "2") == "-3.5000000000000000");
  CHECK(compute("100000", '/', "3") == "33333.333333333333");
  CHECK(compute("1", '/', "0.00") == "divide by zero");
  CHECK(compute("7.5", '%', "2") == "1.5");
  CHECK(compute("-7.5", '%', "2") == "-1.5");
}

TEST_CASE("order is by value, not by text") {
  CHECK((compare_decimals("1.0", "1.00") == 0));
  CHECK((compare_decimals("-2", "1") < 0));
  CHECK((compare_decimals("10", "9.999999999999999999999999") > 0));
  CHECK((compare_decimals("99999999999999999999", "100000000000000000000") < 0));
  CHECK((compare_decimals("NaN", "1") == std::partial_ordering::unordered));
  CHECK((compare_decimals("Infinity", "99999999999999999999") > 0));
  CHECK((compare_decimals("-Infinity", "-1") < 0));
}

TEST_CASE("decimals from text and numbers") {
  CHECK(canonical_decimal("1e3") == "1000");
  CHECK(canonical_decimal("+1.50") == "1.50");
  CHECK(canonical_decimal("1.5e-3") == "0.0015");
  CHECK(canonical_decimal(".5") == "0.5");
  CHECK(canonical_decimal("007.10") == "7.10");
  CHECK(canonical_decimal("-0.0") == "0.0");
  CHECK_FALSE(canonical_decimal("abc"));
  CHECK_FALSE(canonical_decimal(""));
  CHECK_FALSE(canonical_decimal("1.2.3"));
  CHECK_FALSE(canonical_decimal("1e999999999"));
  std::array<char, kDecimalBuffer> buffer{};
  CHECK(decimal_text(Value::float64(0.1), buffer) == "0.1");
  CHECK(decimal_text(Value::float64(5e-324), buffer)->size() > 300);
  CHECK(decimal_to_int64("-9223372036854775808.9") == std::numeric_limits<std::int64_t>::min());
  CHECK_FALSE(decimal_to_int64("9223372036854775808"));
  CHECK(decimal_to_uint64("18446744073709551615") == std::numeric_limits<std::uint64_t>::max());
  CHECK_FALSE(decimal_to_uint64("-1"));
}
