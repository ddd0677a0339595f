// Numbers, times and text as Java writes them.
#include <array>
#include <bit>
#include <catch2/catch.hpp>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <random>
#include <string>

#include "formats/debezium/decimal_bytes.h"
#include "formats/debezium/hstore_map.h"
#include "formats/debezium/jackson_text.h"
#include "formats/debezium/java_number.h"
#include "formats/debezium/java_time.h"
#include "formats/debezium/name_uuid.h"
#include "formats/debezium/table_plan.h"

namespace sluice::debezium {

namespace {

std::string java(double value) {
  std::array<char, kJavaNumberBytes> buffer;
  return {buffer.data(), write_java_double(buffer.data(), value)};
}

std::string java(float value) {
  std::array<char, kJavaNumberBytes> buffer;
  return {buffer.data(), write_java_float(buffer.data(), value)};
}

std::string bytes_of(const std::string& text) {
  DecimalDigits decimal;
  REQUIRE(decimal.parse(text));
  std::string bytes, hex;
  decimal.append_bytes(bytes);
  for (const char c : bytes) {
    hex += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4];
    hex += "0123456789abcdef"[static_cast<unsigned char>(c) & 15];
  }
  return hex;
}

std::string jackson(std::string_view text) {
  TextBuffer out;
  write_jackson_string(text, out);
  return std::string(out.view());
}

// Decimal digits of a two's complement number, by long division: another way than the code's.
std::string digits_of(const std::string& bytes) {
  const bool negative = (static_cast<unsigned char>(bytes[0]) & 0x80) != 0;
  std::string magnitude = bytes;
  if (negative) {
    int carry = 1;
    for (std::size_t i = magnitude.size(); i-- > 0;) {
      const int byte = static_cast<unsigned char>(~magnitude[i]) + carry;
      magnitude[i] = static_cast<char>(byte & 0xff);
      carry = byte >> 8;
    }
  }
  std::string digits;
  while (magnitude.find_first_not_of('\0') != std::string::npos) {
    int rest = 0;
    for (char& c : magnitude) {
      const int number = rest * 256 + static_cast<unsigned char>(c);
      c = static_cast<char>(number / 10);
      rest = number % 10;
    }
    digits.insert(digits.begin(), static_cast<char>('0' + rest));
  }
  return digits.empty() ? "0" : (negative ? "-" : "") + digits;
}

}  // namespace

TEST_CASE("doubles as Double.toString of JDK 19 writes them", "[debezium]") {
  CHECK(java(0.0) == "0.0");
  CHECK(java(-0.0) == "-0.0");
  CHECK(java(1.0) == "1.0");
  CHECK(java(100.0) == "100.0");
  CHECK(java(0.001) == "0.001");
  CHECK(java(0.0009999) == "9.999E-4");
  CHECK(java(9999999.0) == "9999999.0");
  CHECK(java(1e7) == "1.0E7");
  CHECK(java(1.0E22) == "1.0E22");
  CHECK(java(2.0E-3) == "0.002");  // JDK 17: 0.0020
  CHECK(java(2e23) == "2.0E23");
  CHECK(java(123456789.125) == "1.23456789125E8");
  CHECK(java(5e-324) == "4.9E-324");
  CHECK(java(std::numeric_limits<double>::max()) == "1.7976931348623157E308");
  CHECK(java(std::numeric_limits<double>::quiet_NaN()) == "NaN");
  CHECK(java(-std::numeric_limits<double>::infinity()) == "-Infinity");
  CHECK(java(1.5F) == "1.5");
  CHECK(java(3.3F) == "3.3");
  CHECK(java(1.4e-45F) == "1.4E-45");
  CHECK(java(3.4028235e38F) == "3.4028235E38");
  CHECK(java(16777216.0F) == "1.6777216E7");
  CHECK(java(1e10F) == "1.0E10");
}

TEST_CASE("every double reads back from Java's notation", "[debezium]") {
  std::mt19937_64 random(20250101);
  for (int i = 0; i < 100'000; ++i) {
    const auto value = std::bit_cast<double>(random());
    if (!std::isfinite(value)) continue;
    const std::string text = java(value);
    double back = 0;
    std::from_chars(text.data(), text.data() + text.size(), back);
    if (std::bit_cast<std::uint64_t>(back) != std::bit_cast<std::uint64_t>(value)) FAIL(text);
  }
}

// Run by tests/oracle/java_numbers_test.py: lines of 16 hexadecimal digits of a double or 8 of a float, a space, and Java's text.
TEST_CASE("numbers are those of a file that Java made", "[.][java_numbers]") {
  const char* const path = std::getenv("SLUICE_JAVA_NUMBERS");
  REQUIRE(path != nullptr);
  std::ifstream in(path);
  std::size_t lines = 0;
  for (std::string bits, text; in >> bits >> text; ++lines) {
    const std::uint64_t number = std::stoull(bits, nullptr, 16);
    const std::string ours =
        bits.size() == 8 ? java(std::bit_cast<float>(static_cast<std::uint32_t>(number))) : java(std::bit_cast<double>(number));
    if (ours != text) FAIL_CHECK(bits << ": Java " << text << ", ours " << ours);
  }
  CHECK(lines >= 100'000);
}

TEST_CASE("decimals as the bytes of a BigInteger", "[debezium]") {
  CHECK(bytes_of("0") == "00");
  CHECK(bytes_of("-0.00") == "00");
  CHECK(bytes_of("127") == "7f");
  CHECK(bytes_of("128") == "0080");
  CHECK(bytes_of("-128") == "80");
  CHECK(bytes_of("-129") == "ff7f");
  CHECK(bytes_of("255") == "00ff");
  CHECK(bytes_of("123.45") == "3039");
  CHECK(bytes_of("9223372036854775807") == "7fffffffffffffff");
  CHECK(bytes_of("-9223372036854775808") == "8000000000000000");
  CHECK(bytes_of("9223372036854775808") == "008000000000000000");
  CHECK(bytes_of("-18446744073709551616") == "ff0000000000000000");
}

TEST_CASE("decimals of any length keep every digit", "[debezium]") {
  std::mt19937_64 random(7);
  for (int i = 0; i < 2000; ++i) {
    std::string text = random() % 2 == 0 ? "-" : "";
    text += static_cast<char>('1' + random() % 9);
    for (std::uint64_t digits = random() % 80; digits > 0; --digits) text += static_cast<char>('0' + random() % 10);
    DecimalDigits decimal;
    REQUIRE(decimal.parse(text));
    std::string bytes;
    decimal.append_bytes(bytes);
    REQUIRE(digits_of(bytes) == text);
    const bool sign = (static_cast<unsigned char>(bytes[0]) & 0x80) != 0;
    const bool needless =
        bytes.size() > 1 && bytes[0] == (sign ? '\xff' : '\0') && ((static_cast<unsigned char>(bytes[1]) & 0x80) != 0) == sign;
    REQUIRE_FALSE(needless);
  }
}

TEST_CASE("scales of decimals", "[debezium]") {
  DecimalDigits decimal;
  const auto text = [&] {
    std::string out;
    decimal.append_text(out);
    return out;
  };
  REQUIRE(decimal.parse("1.5"));
  REQUIRE(decimal.rescale(3));
  CHECK(text() == "1.500");
  REQUIRE(decimal.rescale(1));
  CHECK(text() == "1.5");
  CHECK_FALSE(decimal.rescale(0));
  REQUIRE(decimal.parse("0.001"));
  CHECK(text() == "0.001");
  decimal.strip_zeros();
  CHECK(decimal.scale == 3);
  REQUIRE(decimal.parse("-99.995"));
  decimal.round_to(2);
  CHECK(text() == "-100.00");
  REQUIRE(decimal.parse("0.004"));
  decimal.round_to(2);
  CHECK(text() == "0.00");
  REQUIRE(decimal.parse("0.5"));
  decimal.round_to(0);
  CHECK(text() == "1");
  CHECK_FALSE(decimal.parse("NaN"));
  CHECK_FALSE(decimal.parse(""));
  CHECK_FALSE(decimal.parse("1e5"));
}

TEST_CASE("text as Jackson escapes it", "[debezium]") {
  CHECK(jackson("") == "\"\"");
  CHECK(jackson("a\"b\\c\td\n\x01\x1f\x7f/") == "\"a\\\"b\\\\c\\td\\n\\u0001\\u001F\x7f/\"");
  CHECK(jackson("é漢€") == "\"é漢€\"");
  CHECK(jackson("x😀") == "\"x\\uD83D\\uDE00\"");
  CHECK(jackson("\U0010FFFF") == "\"\\uDBFF\\uDFFF\"");
  // Pieces of a long text do not end inside a character.
  for (std::size_t lead = 4090; lead < 4100; ++lead) {
    const std::string text = std::string(lead, 'a') + "😀é" + std::string(20, 'b');
    CHECK(jackson(text) == '"' + std::string(lead, 'a') + "\\uD83D\\uDE00é" + std::string(20, 'b') + '"');
  }
}

TEST_CASE("an hstore comes in the order of a HashMap", "[debezium]") {
  HstoreMap map;
  const std::string text = R"("a"=>"1", "b c"=>"x \" y", "n"=>NULL, "ü"=>"é")";
  REQUIRE(map.read(Value::string(text)));
  std::string keys;
  for (const auto& entry : map.entries()) keys += entry.key + '|' + entry.value.value_or("NULL") + ';';
  CHECK(keys == "a|1;b c|x \" y;ü|é;n|NULL;");
  CHECK(java_hash("hello") == 99162322U);
  CHECK(java_hash("😀") == 1772899U);
  CHECK_FALSE(map.read(Value::string("\"a\"=>")));
  CHECK_FALSE(map.read(Value::string("nonsense")));
  REQUIRE(map.read(Value::string("")));
  CHECK(map.entries().empty());
}

TEST_CASE("intervals as Debezium counts them", "[debezium]") {
  CHECK(approximate_micros({14, 3, 14706789000}) == 37091106789000);
  CHECK(approximate_micros({-14, 3, -14706000001}) == -36572706000001);
  CHECK(approximate_micros({std::numeric_limits<std::int32_t>::max(), 0, 0}) == std::numeric_limits<std::int64_t>::max());
  std::array<char, kJavaTimeBytes> buffer;
  const auto iso = [&](const Interval& interval) { return std::string(buffer.data(), write_iso_interval(buffer.data(), interval)); };
  CHECK(iso({14, 3, 14706789000}) == "P1Y2M3DT4H5M6.789S");
  CHECK(iso({0, 0, -1}) == "P0Y0M0DT0H0M-0.000001S");
  CHECK(iso({0, 0, 0}) == "P0Y0M0DT0H0M0S");
}

TEST_CASE("names of topics and of placeholders", "[debezium]") {
  CHECK(topic_name("srv.public.Odd Näme") == "srv.public.Odd_N_me");
  CHECK(topic_name("a-b_c.9😀") == "a-b_c.9__");
  CHECK(name_uuid("__debezium_unavailable_value") == "b68a35a7-17ad-35b3-af2a-ae46edb4545a");
  CHECK(name_uuid("gone") == "50c1f58b-e7f5-347e-8f53-d64c094783c2");
}

}  // namespace sluice::debezium
