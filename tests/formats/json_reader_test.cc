// What JSON text becomes, and that simdjson agrees about what is JSON.
#include "formats/json_reader.h"

#include <simdjson.h>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <random>
#include <string>

#include "formats/json_writer.h"

namespace sluice {

namespace {

std::shared_ptr<Batch> new_batch() { return std::make_shared<Batch>(std::make_shared<BatchOrigin>(BatchOrigin{"s", nullptr}), 0); }

struct Reading {
  SchemaPool pool;
  JsonReader reader{pool};
  std::shared_ptr<Batch> batch = new_batch();

  Value field(std::string_view json) {
    const auto row = reader.read_copy("{\"x\":" + std::string(json) + "}", *batch);
    INFO(json);
    REQUIRE(row);
    REQUIRE(row->values.size() == 1);
    return row->values[0];
  }
  std::string code(std::string_view json) {
    const auto row = reader.read_copy(json, *batch);
    if (row) return "read";
    CHECK(row.error().kind() == ErrorKind::kBadRecord);
    return std::string(row.error().code());
  }
};

std::string text_of(const Value& value) { return std::string(value.as_text()); }

}  // namespace

TEST_CASE("A JSON object becomes a row of a schema made of its keys") {
  Reading r;
  const auto row =
      r.reader.read_copy(R"( {"id":1, "name" : "Ünïcode with more than 14 bytes", "ok":true ,"no":false,"nil":null} )", *r.batch);
  REQUIRE(row);
  const auto& fields = row->schema->fields();
  REQUIRE(fields.size() == 5);
  CHECK(fields[0].name == "id");
  CHECK(fields[4].name == "nil");
  CHECK(row->values[0].as_int64() == 1);
  CHECK(text_of(row->values[1]) == "Ünïcode with more than 14 bytes");
  CHECK(row->values[2].as_bool());
  CHECK_FALSE(row->values[3].as_bool());
  CHECK(row->values[4].is_null());
}

TEST_CASE("Records of one shape share a schema; another order of keys is another shape") {
  Reading r;
  const auto first = r.reader.read_copy(R"({"a":1,"b":2})", *r.batch);
  const auto second = r.reader.read_copy(R"({"a":3,"b":4})", *r.batch);
  const auto third = r.reader.read_copy(R"({"b":3,"a":4})", *r.batch);
  const auto shorter = r.reader.read_copy(R"({"a":3})", *r.batch);
  const auto again = r.reader.read_copy(R"({"\u0061":5,"b":6})", *r.batch);
  REQUIRE((first && second && third && shorter && again));
  CHECK(first->schema == second->schema);
  CHECK(first->schema == again->schema);
  CHECK(first->schema != third->schema);
  CHECK(shorter->schema->size() == 1);
  const auto empty = r.reader.read_copy("{}", *r.batch);
  REQUIRE(empty);
  CHECK(empty->schema->size() == 0);
}

TEST_CASE("Integers are exact at every size") {
  Reading r;
  CHECK(r.field("9007199254740993").as_int64() == 9007199254740993);
  CHECK(r.field("9223372036854775807").as_int64() == std::numeric_limits<std::int64_t>::max());
  CHECK(r.field("-9223372036854775808").as_int64() == std::numeric_limits<std::int64_t>::min());
  CHECK(r.field("9223372036854775808").type() == Value::Type::kUint64);
  CHECK(r.field("18446744073709551615").as_uint64() == std::numeric_limits<std::uint64_t>::max());
  for (const char* text : {"18446744073709551616", "-9223372036854775809", "123456789012345678901234567890", "99999999999999999999"}) {
    const Value value = r.field(text);
    CHECK(value.type() == Value::Type::kDecimal);
    CHECK(text_of(value) == text);
  }
  CHECK(r.field("0").as_int64() == 0);
  CHECK(r.field("-0").as_int64() == 0);
  CHECK(r.field("999999999999999999").as_int64() == 999999999999999999);
  CHECK(r.field("-1000000000000000000").as_int64() == -1000000000000000000);
}

TEST_CASE("Other numbers are doubles, and decimals where a double would lose digits") {
  Reading r;
  CHECK(r.field("0.1").as_float64() == 0.1);
  CHECK(r.field("-12.50").as_float64() == -12.5);
  CHECK(r.field("1e3").as_float64() == 1000.0);
  CHECK(r.field("1.0").type() == Value::Type::kFloat64);
  CHECK(r.field("0.30000000000000004").as_float64() == 0.30000000000000004);
  CHECK(r.field("2.2250738585072014e-308").as_float64() == 2.2250738585072014e-308);
  CHECK(r.field("1.50000000000000000000000").as_float64() == 1.5);
  CHECK(r.field("0e999").as_float64() == 0);
  CHECK(std::signbit(r.field("-0.0").as_float64()));
  const auto decimal = [&](const char* text, const char* expected) {
    const Value value = r.field(text);
    CHECK(value.type() == Value::Type::kDecimal);
    CHECK(text_of(value) == expected);
  };
  decimal("3.14159265358979323846", "3.14159265358979323846");
  decimal("-1234567890123456789.25", "-1234567890123456789.25");
  decimal("1.23456789012345678901e2", "123.456789012345678901");
  decimal("1.23456789012345678901e-3", "0.00123456789012345678901");
  decimal("12345678901234567890.5e25", "123456789012345678905000000000000000000000000");
  CHECK(text_of(r.field("1e400")).size() == 401);
  CHECK(r.code(R"({"x":1e4000})") == "json_number_range");
}

TEST_CASE("Escapes become UTF-8") {
  Reading r;
  CHECK(text_of(r.field(R"("a\"b\\c\/d\b\f\n\r\t")")) == "a\"b\\c/d\b\f\n\r\t");
  CHECK(text_of(r.field(R"("\u00e9\u20AC\ud83c\udf81 and some more text")")) == "é€🎁 and some more text");
  CHECK(text_of(r.field(R"("\u0000")")) == std::string_view("\0", 1));
  CHECK(r.code(R"({"x":"\ud83c"})") == "json_syntax");
  CHECK(r.code(R"({"x":"\udf81"})") == "json_syntax");
  CHECK(r.code(R"({"x":"\ud83c\u0041"})") == "json_syntax");
  CHECK(r.code(R"({"x":"\x41"})") == "json_syntax");
  CHECK(r.code(R"({"x":"\u12g4"})") == "json_syntax");
  CHECK(r.code("{\"x\":\"a\nb\"}") == "json_syntax");
}

TEST_CASE("Nested objects are maps, arrays are lists") {
  Reading r;
  const Value value = r.field(R"({"a":[1,"two",{"b":null}],"c":{}, "d":[]})");
  REQUIRE(value.type() == Value::Type::kMap);
  const auto map = value.as_map();
  REQUIRE(map.size() == 3);
  CHECK(map[0].key.as_text() == "a");
  const auto list = map[0].value.as_list();
  REQUIRE(list.size() == 3);
  CHECK(list[1].as_text() == "two");
  CHECK(list[2].as_map()[0].value.is_null());
  CHECK(map[1].value.as_map().empty());
  CHECK(map[2].value.as_list().empty());
}

TEST_CASE("What is no JSON object is a bad record with a code and a place") {
  Reading r;
  CHECK(r.code("") == "json_not_object");
  CHECK(r.code("  ") == "json_not_object");
  CHECK(r.code("[1]") == "json_not_object");
  CHECK(r.code("1") == "json_not_object");
  CHECK(r.code("{") == "json_syntax");
  CHECK(r.code(R"({"a")") == "json_syntax");
  CHECK(r.code(R"({"a":)") == "json_syntax");
  CHECK(r.code(R"({"a":1)") == "json_syntax");
  CHECK(r.code(R"({"a":1,)") == "json_syntax");
  CHECK(r.code(R"({"a":1,})") == "json_syntax");
  CHECK(r.code(R"({"a":1} x)") == "json_syntax");
  CHECK(r.code(R"({"a":1}})") == "json_syntax");
  CHECK(r.code(R"({a:1})") == "json_syntax");
  CHECK(r.code(R"({"a":01})") == "json_syntax");
  CHECK(r.code(R"({"a":1.})") == "json_syntax");
  CHECK(r.code(R"({"a":.5})") == "json_syntax");
  CHECK(r.code(R"({"a":1e})") == "json_syntax");
  CHECK(r.code(R"({"a":+1})") == "json_syntax");
  CHECK(r.code(R"({"a":--1})") == "json_syntax");
  CHECK(r.code(R"({"a":nul})") == "json_syntax");
  CHECK(r.code(R"({"a":truex})") == "json_syntax");
  CHECK(r.code(R"({"a":NaN})") == "json_syntax");
  CHECK(r.code(R"({"a":[1,]})") == "json_syntax");
  CHECK(r.code("{\"a\":\"\xff\"}") == "invalid_utf8");
  CHECK(r.code("{\"a\":\"\xed\xa0\x80\"}") == "invalid_utf8");
  const auto row = r.reader.read_copy(R"({"a":1, "b" 2})", *r.batch);
  REQUIRE_FALSE(row);
  CHECK(row.error().message() == "byte 12 of the JSON text: expected ':' behind a key");
}

TEST_CASE("A key that occurs twice is a bad record, at every level") {
  Reading r;
  CHECK(r.code(R"({"a":1,"a":2})") == "json_duplicate_key");
  CHECK(r.code(R"({"a":1,"\u0061":2})") == "json_duplicate_key");
  CHECK(r.code(R"({"a":1,"b":{"c":1,"c":1}})") == "json_duplicate_key");
  std::string wide = R"({"a":{)";
  for (int i = 0; i < 40; ++i) wide += "\"k" + std::to_string(i) + "\":1,";
  CHECK(r.code(wide + R"("z":1}})") == "read");
  CHECK(r.code(wide + R"("k7":1}})") == "json_duplicate_key");
}

TEST_CASE("Depth and width are bounded") {
  Reading r;
  const auto nested = [](std::size_t depth) { return R"({"x":)" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}"; };
  CHECK(r.code(nested(JsonReader::kMaxDepth)) == "read");
  CHECK(r.code(nested(JsonReader::kMaxDepth + 1)) == "json_depth");
  CHECK(r.code(R"({"x":)" + std::string(1'000'000, '[')) == "json_depth");
  const auto wide = [](std::size_t fields) {
    std::string text = "{";
    for (std::size_t i = 0; i < fields; ++i) text += (i == 0 ? "\"k" : ",\"k") + std::to_string(i) + "\":1";
    return text + "}";
  };
  CHECK(r.code(wide(JsonReader::kMaxFields)) == "read");
  CHECK(r.code(wide(JsonReader::kMaxFields + 1)) == "json_fields");
}

TEST_CASE("Endless new shapes do not need endless memory, and still read right") {
  Reading r;
  for (int i = 0; i < 40'000; ++i) {
    if (i % 1000 == 0) r.batch = new_batch();
    const std::string key = "key" + std::to_string(i);
    const auto row = r.reader.read_copy("{\"same\":1,\"" + key + "\":" + std::to_string(i) + "}", *r.batch);
    REQUIRE(row);
    REQUIRE(row->schema->fields()[1].name == key);
    REQUIRE(row->values[1].as_int64() == i);
  }
}

TEST_CASE("The bytes behind the text do not matter") {
  SchemaPool pool;
  JsonReader reader(pool);
  const std::string whole = R"({"a":12345,"b":"x\n","c":[true,null,1.5e3]})";
  const auto batch = new_batch();
  const std::string expected = [&] {
    std::string text;
    const auto row = reader.read_copy(whole, *batch);
    append_json_row(*row->schema, row->values, text);
    return text;
  }();
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    for (const std::string& behind :
         {std::string(64, '\0'), std::string(64, '1'), whole + whole, "\n" + whole + whole, std::string(64, '"'), std::string(64, '}')}) {
      const std::string memory = whole.substr(0, size) + behind;
      const std::string_view stored = batch->arena().copy(memory);
      const auto row = reader.read(stored.substr(0, size), *batch);
      REQUIRE(row.has_value() == (size == whole.size()));
      if (!row) continue;
      std::string text;
      append_json_row(*row->schema, row->values, text);
      CHECK(text == expected);
    }
  }
}

TEST_CASE("simdjson and the reader agree on mutated texts", "[differential]") {
  std::mt19937_64 random(7);
  simdjson::dom::parser dom;
  SchemaPool pool;
  JsonReader reader(pool);
  const std::vector<std::string> seeds = {R"({"id":123,"t":"a\"b\u00e9","l":[1,2.5,-3e2,{"k":null}],"b":true,"m":{"x":{"y":[]}}})",
                                          R"({"a":0.1,"b":-0,"c":18446744073709551615,"d":"💡"})"};
  const std::string alphabet = "{}[]\",:\\u0123456789.eE+-tfn \n\x01\xc3\xa9";
  int accepted = 0;
  for (int i = 0; i < 60'000; ++i) {
    std::string text = seeds[random() % seeds.size()];
    for (std::uint64_t edits = random() % 3; edits > 0; --edits) {
      const std::size_t at = random() % text.size();
      const char c = alphabet[random() % alphabet.size()];
      if (random() % 3 == 0) {
        text.erase(at, 1);
      } else if (random() % 2 == 0) {
        text.insert(at, 1, c);
      } else {
        text[at] = c;
      }
    }
    const auto batch = new_batch();
    const auto row = reader.read_copy(text, *batch);
    simdjson::dom::element element;
    const auto error = dom.parse(text).get(element);
    INFO(text);
    if (row) {
      ++accepted;
      std::string written;
      append_json_row(*row->schema, row->values, written);
      // simdjson knows no integers beyond 64 bits and no doubles out of range.
      if (error != simdjson::NUMBER_ERROR) REQUIRE(error == simdjson::SUCCESS);
      simdjson::dom::element again;
      REQUIRE(dom.parse(written).get(again) == simdjson::SUCCESS);
    } else if (error == simdjson::SUCCESS) {
      // We refuse what it lets through: another top level, double keys, a lone low surrogate.
      const bool object = element.is_object();
      const bool stricter = !object || row.error().code() == "json_duplicate_key" || text.find("\\ud") != std::string::npos ||
                            text.find("\\uD") != std::string::npos;
      INFO(row.error().message());
      REQUIRE(stricter);
    }
  }
  CHECK(accepted > 10'000);
}

}  // namespace sluice
