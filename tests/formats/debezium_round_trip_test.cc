// Random rows as Debezium's JSON, read back by another parser into the same values, as the modes promise.
#include <simdjson.h>

#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "core/civil_time.h"
#include "formats/debezium/decimal_bytes.h"
#include "formats/message_encoder.h"

namespace sluice {

namespace {

using Type = Value::Type;
using Element = simdjson::dom::element;

constexpr std::array<std::string_view, 14> kColumns = {"b", "i2", "i8", "f4", "f8", "n", "n92", "t", "by", "d", "ti", "ts", "tz", "bits"};

SchemaSpec all_types() {
  SchemaSpec spec{"db", "public", "t", {}, {}};
  const std::array<std::pair<Type, const char*>, kColumns.size()> types = {{{Type::kBool, "boolean"},
                                                                            {Type::kInt64, "smallint"},
                                                                            {Type::kInt64, "bigint"},
                                                                            {Type::kFloat64, "real"},
                                                                            {Type::kFloat64, "double precision"},
                                                                            {Type::kDecimal, "numeric"},
                                                                            {Type::kDecimal, "numeric(9,2)"},
                                                                            {Type::kString, "text"},
                                                                            {Type::kBytes, "bytea"},
                                                                            {Type::kDate, "date"},
                                                                            {Type::kTime, "time without time zone"},
                                                                            {Type::kLocalTimestamp, "timestamp without time zone"},
                                                                            {Type::kTimestamp, "timestamp with time zone"},
                                                                            {Type::kBits, "bit varying(100)"}}};
  for (std::size_t i = 0; i < kColumns.size(); ++i)
    spec.fields.push_back({std::string(kColumns[i]), types[i].first, true, types[i].second});
  return spec;
}

class RandomRow {
 public:
  RandomRow(std::uint64_t seed, Arena& arena) : random_(seed), arena_(arena) {}

  std::vector<Value> make() {
    const auto small = static_cast<std::int64_t>(random_() % 65536) - 32768;
    std::vector<Value> row = {Value::boolean(random_() % 2 == 0),
                              Value::int64(small),
                              Value::int64(static_cast<std::int64_t>(random_())),
                              Value::float64(static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(random_())))),
                              Value::float64(std::bit_cast<double>(random_())),
                              Value::text_in(arena_, Type::kDecimal, decimal(40, 0)),
                              Value::text_in(arena_, Type::kDecimal, decimal(6, 2)),
                              Value::string_in(arena_, text()),
                              Value::text_in(arena_, Type::kBytes, bytes()),
                              Value::date(static_cast<std::int64_t>(random_() % 4'000'000) - 2'000'000),
                              Value::time(static_cast<std::int64_t>(random_() % 86'400'000'001)),
                              Value::local_timestamp(moment()),
                              Value::timestamp(moment()),
                              Value::text_in(arena_, Type::kBits, bits())};
    for (Value& value : row) {
      if (random_() % 10 == 0) value = Value::null();
    }
    return row;
  }

 private:
  std::int64_t moment() { return static_cast<std::int64_t>(random_() % 500'000'000'000'000'000) - 200'000'000'000'000'000; }
  std::string decimal(std::size_t most, std::size_t scale) {
    std::string text = random_() % 2 == 0 ? "-" : "";
    text += static_cast<char>('1' + random_() % 9);
    for (std::uint64_t i = random_() % most; i > 0; --i) text += static_cast<char>('0' + random_() % 10);
    const std::size_t places = scale != 0 ? scale : random_() % 20;
    if (places != 0) text += '.';
    for (std::size_t i = 0; i < places; ++i) text += static_cast<char>('0' + random_() % 10);
    return text;
  }
  std::string text() {
    static const std::vector<std::string> kPieces = {"a",    "é", "💡", "\"", "\\", "\n", "\x01", "plain text", "0123456789abcdef",
                                                     "\x7f", "€"};
    std::string result;
    for (std::uint64_t i = random_() % 12; i > 0; --i) result += kPieces[random_() % kPieces.size()];
    return result;
  }
  std::string bytes() {
    std::string result;
    for (std::uint64_t i = random_() % 40; i > 0; --i) result += static_cast<char>(random_() & 0xff);
    return result;
  }
  std::string bits() {  // what the bytes keep: no zeros at the front
    std::string result;
    for (std::uint64_t i = random_() % 100; i > 0; --i) result += random_() % 2 == 0 ? '0' : '1';
    return result.substr(std::min(result.find('1'), result.size()));
  }

  std::mt19937_64 random_;
  Arena& arena_;
};

std::string from_base64(std::string_view text) {
  std::string bytes;
  unsigned word = 0, bits = 0;
  for (const char c : text) {
    if (c == '=') break;
    const std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    word = word << 6 | static_cast<unsigned>(kAlphabet.find(c));
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes += static_cast<char>(word >> bits & 0xff);
  }
  return bytes;
}

// Two's complement bytes of at most 15 bytes or more as decimal digits with a scale: long division by ten.
std::string from_decimal(std::string bytes, std::size_t scale) {
  const bool negative = (static_cast<unsigned char>(bytes[0]) & 0x80) != 0;
  if (negative) {
    int carry = 1;
    for (std::size_t i = bytes.size(); i-- > 0;) {
      carry += static_cast<unsigned char>(~bytes[i]);
      bytes[i] = static_cast<char>(carry & 0xff);
      carry >>= 8;
    }
  }
  std::string digits;
  while (bytes.find_first_not_of('\0') != std::string::npos) {
    int rest = 0;
    for (char& c : bytes) {
      const int number = rest * 256 + static_cast<unsigned char>(c);
      c = static_cast<char>(number / 10);
      rest = number % 10;
    }
    digits.insert(digits.begin(), static_cast<char>('0' + rest));
  }
  if (digits.size() <= scale) digits.insert(0, scale + 1 - digits.size(), '0');
  if (scale != 0) digits.insert(digits.size() - scale, ".");
  return (negative ? "-" : "") + digits;
}

std::string plain(const Value& decimal, bool strip) {
  debezium::DecimalDigits digits;
  REQUIRE(digits.parse(decimal.as_text()));
  if (strip) digits.strip_zeros();
  std::string text;
  digits.append_text(text);
  return text;
}

void check_float(const Element& json, double wanted, bool single) {
  if (!std::isfinite(wanted)) {
    CHECK(std::string_view(json) == (std::isnan(wanted) ? "NaN" : wanted > 0 ? "Infinity" : "-Infinity"));
  } else if (single) {
    CHECK(std::bit_cast<std::uint32_t>(static_cast<float>(double(json))) == std::bit_cast<std::uint32_t>(static_cast<float>(wanted)));
  } else {
    CHECK(std::bit_cast<std::uint64_t>(double(json)) == std::bit_cast<std::uint64_t>(wanted));
  }
}

void check_bits(const Element& json, const Value& value) {
  const std::string bytes = from_base64(json);
  std::string bits;
  for (const char c : bytes) {
    for (int i = 0; i < 8; ++i) bits.insert(bits.begin(), (static_cast<unsigned char>(c) >> i & 1) != 0 ? '1' : '0');
  }
  CHECK(bits.substr(std::min(bits.find('1'), bits.size())) == value.as_text());
}

void check_decimal(const Element& json, const Value& value, bool lossless, bool fixed) {
  if (lossless) {
    CHECK(std::string_view(json) == plain(value, false));
  } else if (fixed) {
    CHECK(from_decimal(from_base64(json), 2) == plain(value, false));
  } else {
    CHECK(from_decimal(from_base64(json["value"]), std::uint64_t(json["scale"])) == plain(value, true));
  }
}

void check(std::string_view column, const Element& json, const Value& value, bool lossless) {
  INFO(column);
  if (value.is_null()) {
    CHECK(json.is_null());
    return;
  }
  switch (value.type()) {
    case Type::kBool: CHECK(bool(json) == value.as_bool()); break;
    case Type::kFloat64: check_float(json, value.as_float64(), column == "f4"); break;
    case Type::kDecimal: check_decimal(json, value, lossless, column == "n92"); break;
    case Type::kString: CHECK(std::string_view(json) == value.as_text()); break;
    case Type::kBytes: CHECK(from_base64(json) == value.as_text()); break;
    case Type::kBits: check_bits(json, value); break;
    case Type::kTimestamp: {
      const auto moment = parse_timestamp(std::string_view(json));
      REQUIRE(moment);
      CHECK(moment->as_int64() == value.as_int64());
      break;
    }
    default: CHECK(std::int64_t(json) == value.as_int64());
  }
}

}  // namespace

TEST_CASE("random rows read back from Debezium's JSON", "[debezium]") {
  SchemaPool pool;
  simdjson::dom::parser parser;
  for (const bool lossless : {false, true}) {
    CodecConfig config;
    config.format = Format::kDebezium;
    if (lossless) config.debezium.decimal = debezium::DecimalMode::kString;
    const auto encoder = std::move(make_message_encoder(config, {"demo", "out", {}})).value();
    const auto batch = std::make_shared<Batch>(std::make_shared<BatchOrigin>(BatchOrigin{"shop", nullptr}), 0);
    RandomRow rows(lossless ? 1 : 2, batch->arena());
    MessageBuffer buffer;
    for (int i = 0; i < 1500; ++i) {
      const std::vector<Value> row = rows.make();
      Record record;
      record.op = Op::kInsert;
      record.partition = batch->partition("p");
      record.schema = batch->keep(pool.intern(all_types()));
      record.after = row;
      buffer.clear();
      REQUIRE(encoder->encode(*batch, record, buffer));
      const Element after = parser.parse(std::string(buffer.view(*buffer.messages().at(0).value)))["after"];
      for (std::size_t column = 0; column < row.size(); ++column) check(kColumns[column], after[kColumns[column]], row[column], lossless);
    }
  }
}

}  // namespace sluice
