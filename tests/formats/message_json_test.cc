// Records as messages of a broker: the value is the line, the key an object of the key's columns.
#include <catch2/catch.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "formats/message_encoder.h"

namespace sluice {

namespace {

using Row = std::vector<Value>;

struct MessageFixture {
  SchemaPool pool;
  std::shared_ptr<Batch> batch = std::make_shared<Batch>(std::make_shared<BatchOrigin>(BatchOrigin{"shop", nullptr}), 0);
  SchemaRef orders =
      pool.intern({"", "public", "orders", {{"id", Value::Type::kInt64}, {"name", Value::Type::kString}, {"doc", std::nullopt}}, {0}});
  std::vector<Row> rows;

  MessageFixture() { rows.reserve(16); }

  Record record(Op op, Row row) {
    rows.push_back(std::move(row));
    Record result;
    result.op = op;
    result.partition = batch->partition("p");
    result.ordinal = {7, 1};
    result.schema = batch->keep(orders);
    if (op == Op::kDelete) {
      result.before = rows.back();
    } else {
      result.after = rows.back();
    }
    result.key = std::span<const Value>(rows.back()).first(1);
    return result;
  }
};

struct Encoded {
  std::optional<std::string> key, value;
  std::string code;  // of the error
  bool operator==(const Encoded&) const = default;
};

Encoded encode(const MessageFixture& fixture, const Record& record, const CodecConfig& config, std::vector<std::string> key_paths = {}) {
  auto encoder = make_message_encoder(config, {"demo", "out", std::move(key_paths)});
  REQUIRE(encoder);
  MessageBuffer out;
  const Status status = encoder.value()->encode(*fixture.batch, record, out);
  if (!status) {
    CHECK(out.messages().empty());
    CHECK(out.bytes().empty());
    return {std::nullopt, std::nullopt, std::string(status.error().code())};
  }
  REQUIRE(out.messages().size() == 1);
  const auto& message = out.messages()[0];
  const auto text = [&](const std::optional<ByteRange>& range) {
    return range ? std::optional<std::string>(out.view(*range)) : std::nullopt;
  };
  return {text(message.key), text(message.value), {}};
}

CodecConfig json() {
  CodecConfig config;
  config.json.meta = false;
  return config;
}

CodecConfig csv() {
  CodecConfig config;
  config.format = Format::kCsv;
  return config;
}

Value nested(MessageFixture& fixture) {
  static const std::vector<MapEntry> kInner = {{Value::string("b"), Value::int64(5)}};
  (void)fixture;
  return Value::map(kInner);
}

}  // namespace

TEST_CASE("a message has the line as its value and the key's columns as its key", "[message]") {
  MessageFixture fixture;
  const Record row = fixture.record(Op::kInsert, {Value::int64(1), Value::string("a,b"), Value::null()});
  CHECK(encode(fixture, row, json()) == Encoded{R"({"id":1})", R"({"id":1,"name":"a,b","doc":null})", ""});
  CHECK(encode(fixture, row, csv()) == Encoded{R"({"id":1})", R"(1,"a,b",)", ""});

  Record keyless = row;
  keyless.key = {};
  CHECK(encode(fixture, keyless, json()).key == std::nullopt);
}

TEST_CASE("a message's key can be named by the sink", "[message]") {
  MessageFixture fixture;
  const Record row = fixture.record(Op::kInsert, {Value::int64(1), Value::string("x"), nested(fixture)});
  CHECK(encode(fixture, row, json(), {"name", "doc.b"}).key == R"({"name":"x","doc.b":5})");
  CHECK(encode(fixture, row, json(), {"`name`"}).key == R"({"name":"x"})");
  CHECK(encode(fixture, row, json(), {"nothing"}).code == "key_missing");
  CHECK(encode(fixture, row, json(), {"doc.c"}).code == "key_missing");
  CHECK(encode(fixture, row, json(), {"id.c"}).code == "key_missing");
}

TEST_CASE("a key that the log left out is no null", "[message]") {  // G16
  MessageFixture fixture;
  const Record removed = fixture.record(Op::kDelete, {Value::int64(1), Value::unchanged(), Value::unchanged()});
  CHECK(encode(fixture, removed, json()).key == R"({"id":1})");
  CHECK(encode(fixture, removed, json(), {"name"}).code == "key_unavailable");

  Record update = fixture.record(Op::kUpdate, {Value::int64(1), Value::unchanged(), Value::null()});
  const Row before = {Value::int64(1), Value::string("known"), Value::null()};
  update.before = before;
  CHECK(encode(fixture, update, json(), {"name"}).key == R"({"name":"known"})");
}

TEST_CASE("a failed message leaves the buffer as it was", "[message]") {
  MessageFixture fixture;
  auto encoder = std::move(make_message_encoder(csv(), {"demo", "out", {}})).value();
  MessageBuffer out;
  const Record good = fixture.record(Op::kInsert, {Value::int64(1), Value::null(), Value::null()});
  const Record removed = fixture.record(Op::kDelete, {Value::int64(1), Value::null(), Value::null()});
  REQUIRE(encoder->encode(*fixture.batch, good, out));
  const std::size_t size = out.mark();
  const Status failed = encoder->encode(*fixture.batch, removed, out);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code() == "csv_delete_without_op");
  CHECK(out.mark() == size);
  CHECK(out.messages().size() == 1);
}

TEST_CASE("csv messages of several tables have each the columns of their own", "[message]") {
  MessageFixture fixture;
  auto encoder = std::move(make_message_encoder(csv(), {"demo", "out", {}})).value();
  MessageBuffer out;
  const Record first = fixture.record(Op::kInsert, {Value::int64(1), Value::null(), Value::null()});
  Record second = fixture.record(Op::kInsert, {Value::int64(2), Value::int64(3)});
  second.schema = fixture.batch->keep(fixture.pool.intern({"", "public", "t", {{"a"}, {"b"}}, {0}}));
  REQUIRE(encoder->encode(*fixture.batch, first, out));
  REQUIRE(encoder->encode(*fixture.batch, second, out));
  CHECK(out.view(*out.messages()[1].value) == "2,3");
  CHECK(out.view(*out.messages()[1].key) == R"({"a":2})");
}

}  // namespace sluice
