// What records look like as JSON, and that reading gives back what was written.
#include "formats/json_writer.h"

#include <simdjson.h>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>

#include "formats/json_reader.h"

namespace sluice {

namespace {

std::shared_ptr<Batch> new_batch() { return std::make_shared<Batch>(std::make_shared<BatchOrigin>(BatchOrigin{"shop", nullptr}), 0); }

std::string json(const Value& value) {
  std::string text;
  append_json_value(value, text);
  return text;
}

SchemaRef orders(SchemaPool& pool) {
  SchemaSpec spec;
  spec.schema = "public";
  spec.table = "orders";
  spec.fields = {{"id", Value::Type::kInt64}, {"a rather long column name \"quoted\"", Value::Type::kString}, {"doc", Value::Type::kJson}};
  return pool.intern(std::move(spec));
}

Record record_of(Batch& batch, const SchemaRef& schema, std::span<const Value> row) {
  Record record;
  record.op = Op::kUpdate;
  record.partition = batch.partition("p/1");
  record.ordinal = {4711, 2};
  record.schema = batch.keep(schema);
  record.after = row;
  return record;
}

// Random values of all that JSON can hold.
class Values {
 public:
  Values(std::uint64_t seed, Arena& arena) : random_(seed), arena_(arena) {}

  std::string text() {
    static const std::vector<std::string> kPieces = {
        "a", "é", "💡", "\"", "\\", "\n", "\x01", "plain text", "0123456789abcdef", "\x7f", "€", std::string(1, '\0')};
    std::string result;
    for (std::uint64_t i = random_() % 12; i > 0; --i) result += kPieces[random_() % kPieces.size()];
    return result;
  }

  Value make(int depth) {
    switch (random_() % (depth > 3 ? 6 : 8)) {
      case 0: return Value::null();
      case 1: return Value::boolean(random_() % 2 == 0);
      case 2: return Value::int64(static_cast<std::int64_t>(random_() >> (random_() % 64)) * (random_() % 2 == 0 ? 1 : -1));
      case 3: return Value::uint64(random_() | 1ULL << 63);
      case 4: return Value::float64(number());
      case 5: return Value::string_in(arena_, text());
      case 6: {
        const auto items = arena_.array<Value>(random_() % 5);
        for (Value& item : items) item = make(depth + 1);
        return Value::list(items);
      }
      default: {
        const auto entries = arena_.array<MapEntry>(random_() % 5);
        for (std::size_t i = 0; i < entries.size(); ++i)
          entries[i] = {Value::string_in(arena_, text() + std::to_string(i)), make(depth + 1)};
        return Value::map(entries);
      }
    }
  }

  double number() {
    if (random_() % 2 == 0) return static_cast<double>(static_cast<std::int64_t>(random_() % 2'000'000) - 1'000'000) / 100;
    double value = 0;
    do {
      value = std::bit_cast<double>(random_());
    } while (!std::isfinite(value));
    return value;
  }

 private:
  std::mt19937_64 random_;
  Arena& arena_;
};

}  // namespace

TEST_CASE("Values as JSON") {
  Arena arena;
  CHECK(json(Value::null()) == "null");
  CHECK(json(Value::boolean(true)) == "true");
  CHECK(json(Value::int64(std::numeric_limits<std::int64_t>::min())) == "-9223372036854775808");
  CHECK(json(Value::uint64(std::numeric_limits<std::uint64_t>::max())) == "18446744073709551615");
  CHECK(json(Value::decimal("12.30")) == "\"12.30\"");
  CHECK(json(Value::decimal("NaN")) == "\"NaN\"");
  CHECK(json(Value::bytes("")) == "\"\"");
  CHECK(json(Value::bytes("f")) == "\"Zg==\"");
  CHECK(json(Value::bytes("fo")) == "\"Zm8=\"");
  CHECK(json(Value::bytes("foo")) == "\"Zm9v\"");
  CHECK(json(Value::bytes("\xff\xfe\xfd")) == "\"//79\"");
  CHECK(json(Value::date(0)) == "\"1970-01-01\"");
  CHECK(json(Value::timestamp(1'500'000)) == "\"1970-01-01T00:00:01.500000Z\"");
  CHECK(json(Value::timestamp(Value::kInfinity)) == "\"infinity\"");
  CHECK(json(Value::interval_in(arena, {14, 3, 0})) == "\"P1Y2M3D\"");
  CHECK(json(Value::text(Value::Type::kBits, "0101")) == "\"0101\"");
  CHECK(json(Value::text(Value::Type::kJson, "{\"a\":\n 1}")) == "{\"a\":  1}");
  CHECK(json(Value::string("tab\t quote\" back\\ bell\x07 é")) == R"("tab\t quote\" back\\ bell\u0007 é")");
}

TEST_CASE("Doubles have the shortest text that reads back, and never look like integers") {
  CHECK(json(Value::float64(0.1)) == "0.1");
  CHECK(json(Value::float64(1)) == "1.0");
  CHECK(json(Value::float64(-0.0)) == "-0.0");
  CHECK(json(Value::float64(12.5)) == "12.5");
  CHECK(json(Value::float64(-19.99)) == "-19.99");
  CHECK(json(Value::float64(0.001)) == "0.001");
  CHECK(json(Value::float64(0.30000000000000004)) == "0.30000000000000004");
  CHECK(json(Value::float64(1e300)) == "1e+300");
  CHECK(json(Value::float64(5e-324)) == "5e-324");
  CHECK(json(Value::float64(123456789012345680.0)) == "1.2345678901234568e+17");
  CHECK(json(Value::float64(12345678901234568.0)) == "12345678901234568.0");
  CHECK(json(Value::float64(1e22)) == "1e+22");
  CHECK(json(Value::float64(std::nan(""))) == "\"NaN\"");
  CHECK(json(Value::float64(-std::numeric_limits<double>::infinity())) == "\"-Infinity\"");
}

TEST_CASE("A record is its row and _meta on one line") {
  SchemaPool pool;
  const auto batch = new_batch();
  const auto row = batch->arena().array<Value>(3);
  row[0] = Value::int64(7);
  row[1] = Value::string("x");
  row[2] = Value::text(Value::Type::kJson, "[1]");
  Record record = record_of(*batch, orders(pool), row);
  JsonWriter writer;
  std::string out = "before ";
  REQUIRE(writer.append(*batch, record, out));
  CHECK(out ==
        "before {\"id\":7,\"a rather long column name \\\"quoted\\\"\":\"x\",\"doc\":[1],"
        "\"_meta\":{\"op\":\"update\",\"source\":\"shop\",\"schema\":\"public\",\"table\":\"orders\",\"source_time\":null,\"id\":\"shop/p/"
        "1/4711/2\"}}\n");

  record.source_time = 1'000'000;
  record.sub = 3;
  JsonWriter plain(JsonMeta::kOmit);
  out.clear();
  REQUIRE(writer.append(*batch, record, out));
  CHECK(out.find("\"source_time\":\"1970-01-01T00:00:01.000000Z\",\"id\":\"shop/p/1/4711/2/3\"") != std::string::npos);
  out.clear();
  REQUIRE(plain.append(*batch, record, out));
  CHECK(out == "{\"id\":7,\"a rather long column name \\\"quoted\\\"\":\"x\",\"doc\":[1]}\n");
}

TEST_CASE("G16: unchanged columns are left out and listed; a delete carries the columns of before") {
  SchemaPool pool;
  const auto batch = new_batch();
  const auto row = batch->arena().array<Value>(3);
  row[0] = Value::unchanged();
  row[1] = Value::string("x");
  row[2] = Value::unchanged();
  Record record = record_of(*batch, orders(pool), row);
  record.op = Op::kDelete;
  record.before = record.after;
  record.after = {};
  JsonWriter writer;
  std::string out;
  REQUIRE(writer.append(*batch, record, out));
  CHECK(out.starts_with("{\"a rather long column name \\\"quoted\\\"\":\"x\",\"_meta\":{\"op\":\"delete\""));
  CHECK(out.find("\"unchanged\":[\"id\",\"doc\"]}}\n") != std::string::npos);

  row[1] = Value::unchanged();
  JsonWriter plain(JsonMeta::kOmit);
  out.clear();
  REQUIRE(plain.append(*batch, record, out));
  CHECK(out == "{}\n");
}

TEST_CASE("G17: an update that changes the key names the old key, all of its columns; another update does not") {
  SchemaPool pool;
  SchemaSpec spec;
  spec.table = "seats";
  spec.fields = {{"row", Value::Type::kInt64}, {"name", Value::Type::kString}, {"letter", Value::Type::kString}};
  spec.key = {0, 2};
  const SchemaRef seats = pool.intern(std::move(spec));
  const auto batch = new_batch();
  const auto after = batch->arena().array<Value>(3);
  after[0] = Value::int64(7);
  after[1] = Value::string("x");
  after[2] = Value::string("B");
  const auto before = batch->arena().array<Value>(3);
  before[0] = Value::int64(7);
  before[1] = Value::unchanged();
  before[2] = Value::string("\"A\"");
  Record record = record_of(*batch, seats, after);
  record.before = before;
  const auto written = [&] {
    JsonWriter writer;
    std::string out;
    REQUIRE(writer.append(*batch, record, out));
    return out;
  };
  CHECK(written().ends_with(R"("id":"shop/p/1/4711/2","before_key":{"row":7,"letter":"\"A\""}}})" "\n"));
  before[0] = Value::unchanged();
  CHECK(written().ends_with(R"("before_key":{"row":7,"letter":"\"A\""}}})" "\n"));
  before[2] = Value::string("B");
  before[1] = Value::string("y");
  CHECK(written().find("before_key") == std::string::npos);  // replica identity full: a before-image, the same key
  before[2] = Value::string("A");
  record.op = Op::kInsert;
  CHECK(written().find("before_key") == std::string::npos);
}

TEST_CASE("A record with a field _meta of its own is rejected, and out stays as it was") {
  SchemaPool pool;
  const auto batch = new_batch();
  JsonReader reader(pool);
  const auto row = reader.read_copy(R"({"_meta":1})", *batch);
  REQUIRE(row);
  Record record;
  record.partition = batch->partition("p");
  record.schema = row->schema;
  record.after = row->values;
  JsonWriter writer;
  std::string out = "kept";
  const Status status = writer.append(*batch, record, out);
  REQUIRE_FALSE(status);
  CHECK(status.error().code() == "json_meta_conflict");
  CHECK(out == "kept");
  JsonWriter plain(JsonMeta::kOmit);
  CHECK(plain.append(*batch, record, out));
}

TEST_CASE("Random values: reading gives back what was written, and simdjson takes it", "[property]") {
  SchemaPool pool;
  JsonReader reader(pool);
  simdjson::dom::parser dom;
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
    const auto batch = new_batch();
    Values values(seed, batch->arena());
    const Value value = values.make(0);
    std::string text = "{\"x\":";
    append_json_value(value, text);
    text += '}';
    INFO(text);
    const auto row = reader.read_copy(text, *batch);
    REQUIRE(row);
    REQUIRE(identical(row->values[0], value));
    simdjson::dom::element element;
    REQUIRE(dom.parse(text).get(element) == simdjson::SUCCESS);
  }
}

}  // namespace sluice
