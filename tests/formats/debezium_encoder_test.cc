// What the comparison with Debezium (tests/integration/debezium_recording_test.cc) does not reach: hand-made records, refusals, options.
#include "formats/debezium/debezium_encoder.h"

#include <catch2/catch.hpp>
#include <random>

#include "formats/message_encoder.h"

namespace sluice {

namespace {

using Row = std::vector<Value>;
using Type = Value::Type;

SchemaSpec orders() {
  SchemaSpec spec{"shop", "public", "orders", {}, {0}};
  spec.fields.push_back({"id", Type::kInt64, false, "integer"});
  spec.fields.push_back({"name", Type::kString, true, "text"});
  spec.fields.push_back({"n", Type::kDecimal, true, "numeric(5,2)"});
  return spec;
}

// A batch whose records have the meta slots lsn, xid, snapshot.
class Records {
 public:
  Records() {
    SchemaSpec meta;
    for (const char* name : {"lsn", "xid", "snapshot", "prefix"}) meta.fields.push_back({name});
    origin_ = std::make_shared<BatchOrigin>(BatchOrigin{"shop", pool_.intern(std::move(meta))});
    batch = std::make_shared<Batch>(origin_, 1'700'000'000'123'456);
  }

  Record record(Op op, const SchemaSpec& spec, Row before, Row after) {
    Record record;
    record.op = op;
    record.partition = batch->partition("p");
    record.ordinal = {100, 2};
    record.schema = batch->keep(pool_.intern(spec));
    record.before = keep(std::move(before));
    record.after = keep(std::move(after));
    record.meta = keep({Value::int64(90), Value::int64(7), Value::null(), Value::string("greeting")});
    record.source_time = 1'600'000'000'000'001;
    return record;
  }

  std::shared_ptr<Batch> batch;

 private:
  std::span<const Value> keep(Row row) {
    const auto copy = batch->arena().array<Value>(row.size());
    std::copy(row.begin(), row.end(), copy.begin());
    return copy;
  }

  SchemaPool pool_;
  std::shared_ptr<const BatchOrigin> origin_;
};

struct Message {
  std::string key, value, topic;
  std::vector<std::pair<std::string, std::string>> headers;
};

CodecConfig config_with(debezium::Options options) {
  CodecConfig config;
  config.format = Format::kDebezium;
  config.debezium = std::move(options);
  return config;
}

std::vector<Message> messages_of(MessageEncoder& encoder, const Records& records, const Record& record) {
  MessageBuffer buffer;
  const Status status = encoder.encode(*records.batch, record, buffer);
  INFO((status ? std::string() : status.error().message()));
  REQUIRE(status);
  std::vector<Message> result;
  for (const auto& message : buffer.messages()) {
    const auto text = [&](const std::optional<ByteRange>& range) { return range ? std::string(buffer.view(*range)) : "<null>"; };
    Message out{text(message.key), text(message.value), std::string(buffer.view(message.topic)), {}};
    for (std::uint32_t i = 0; i < message.header_count; ++i) {
      const auto& header = buffer.headers()[message.first_header + i];
      out.headers.emplace_back(buffer.view(header.name), buffer.view(header.value));
    }
    result.push_back(std::move(out));
  }
  return result;
}

std::vector<Message> encode(const Records& records, const Record& record, debezium::Options options = {},
                            std::vector<std::string> keys = {}) {
  const auto encoder = std::move(make_message_encoder(config_with(std::move(options)), {"demo", "out", std::move(keys)})).value();
  return messages_of(*encoder, records, record);
}

std::string refused(const Records& records, const Record& record, std::vector<std::string> keys = {}) {
  const auto encoder = std::move(make_message_encoder(config_with({}), {"demo", "out", std::move(keys)})).value();
  MessageBuffer buffer;
  const Status status = encoder->encode(*records.batch, record, buffer);
  REQUIRE_FALSE(status);
  CHECK(status.error().kind() == ErrorKind::kBadRecord);
  CHECK(buffer.messages().empty());
  CHECK(buffer.bytes().empty());
  return std::string(status.error().code());
}

}  // namespace

TEST_CASE("a change event, whole", "[debezium]") {
  Records records;
  const Record insert = records.record(Op::kInsert, orders(), {}, {Value::int64(1), Value::string("a"), Value::decimal("1.50")});
  const auto messages = encode(records, insert);
  REQUIRE(messages.size() == 1);
  CHECK(messages[0].key == R"({"id":1})");
  CHECK(messages[0].value ==
        R"({"before":null,"after":{"id":1,"name":"a","n":"AJY="},"source":{"version":"3.5.0.Final","connector":"postgresql","name":"shop",)"
        R"("ts_ms":1600000000000,"snapshot":"false","db":"shop","sequence":"[\"100\",\"90\"]","ts_us":1600000000000001,)"
        R"("ts_ns":1600000000000001000,"schema":"public","table":"orders","txId":7,"lsn":90,"xmin":null,"origin":null,"origin_lsn":null},)"
        R"("transaction":null,"op":"c","ts_ms":1700000000123,"ts_us":1700000000123456,"ts_ns":1700000000123456000})");
}

TEST_CASE("what the placeholder has no room for is named in a header", "[debezium]") {  // G16
  Records records;
  const Record update = records.record(Op::kUpdate, orders(), {}, {Value::int64(1), Value::unchanged(), Value::unchanged()});
  const auto messages = encode(records, update);
  REQUIRE(messages.size() == 1);
  CHECK(messages[0].value.find(R"("after":{"id":1,"name":"__debezium_unavailable_value","n":null})") != std::string::npos);
  REQUIRE(messages[0].headers.size() == 1);
  CHECK(messages[0].headers[0] == std::pair<std::string, std::string>{"__sluice.unchanged", R"(["n"])"});
}

TEST_CASE("a key that the log left out is refused, not written as null", "[debezium]") {  // G16
  Records records;
  const Record removed = records.record(Op::kDelete, orders(), {Value::int64(1), Value::unchanged(), Value::unchanged()}, {});
  CHECK(refused(records, removed, {"name"}) == "key_unavailable");
  CHECK(refused(records, removed, {"nothing"}) == "key_missing");
  const auto messages = encode(records, removed);
  REQUIRE(messages.size() == 2);
  CHECK(messages[0].key == R"({"id":1})");
  CHECK(messages[1].value == "<null>");
}

TEST_CASE("a value that the schema has no room for is refused and leaves nothing behind", "[debezium]") {
  Records records;
  const Record large = records.record(Op::kInsert, orders(), {}, {Value::int64(1LL << 40), Value::null(), Value::null()});
  CHECK(refused(records, large) == "value_not_representable");
  const Record text = records.record(Op::kInsert, orders(), {}, {Value::string("x"), Value::null(), Value::null()});
  CHECK(refused(records, text) == "value_not_representable");
  const Record digits = records.record(Op::kInsert, orders(), {}, {Value::int64(1), Value::null(), Value::decimal("1.505")});
  CHECK(refused(records, digits) == "value_not_representable");
}

TEST_CASE("operations can be skipped", "[debezium]") {
  Records records;
  const Record truncate = records.record(Op::kTruncate, orders(), {}, {});
  CHECK(encode(records, truncate).empty());
  debezium::Options options;
  options.skipped_operations = {debezium::Operation::kCreate};
  const auto messages = encode(records, truncate, options);
  REQUIRE(messages.size() == 1);
  CHECK(messages[0].key == "<null>");
  CHECK(messages[0].value.find(R"("op":"t")") != std::string::npos);
  CHECK(encode(records, records.record(Op::kInsert, orders(), {}, {Value::int64(1), Value::null(), Value::null()}), options).empty());
}

TEST_CASE("a logical message has a topic of its own", "[debezium]") {
  Records records;
  const SchemaSpec content{"shop", "", "", {{"content", Type::kBytes, false, "bytea"}}, {}};
  const auto messages = encode(records, records.record(Op::kMessage, content, {}, {Value::bytes("hi")}));
  REQUIRE(messages.size() == 1);
  CHECK(messages[0].topic == "shop.message");
  CHECK(messages[0].key == R"({"prefix":"greeting"})");
  CHECK(messages[0].value.ends_with(R"("transaction":null,"message":{"prefix":"greeting","content":"aGk="}})"));
}

TEST_CASE("END comes before the first message of the next transaction", "[debezium]") {
  Records records;
  debezium::Options options;
  options.transactions = true;
  const auto encoder = std::move(make_message_encoder(config_with(options), {"demo", "out", {}})).value();
  Record record = records.record(Op::kInsert, orders(), {}, {Value::int64(1), Value::null(), Value::null()});
  record.ordinal.minor = 1;
  auto messages = messages_of(*encoder, records, record);
  REQUIRE(messages.size() == 2);
  CHECK(messages[0].topic == "shop.transaction");
  CHECK(messages[0].value == R"({"status":"BEGIN","id":"7:90","event_count":null,"data_collections":null,"ts_ms":1600000000000})");
  CHECK(messages[1].value.find(R"("transaction":{"id":"7:90","total_order":1,"data_collection_order":1})") != std::string::npos);
  record.ordinal = {200, 1};
  messages = messages_of(*encoder, records, record);
  REQUIRE(messages.size() == 3);
  CHECK(messages[0].value ==
        R"({"status":"END","id":"7:90","event_count":1,"data_collections":[{"data_collection":"public.orders","event_count":1}],)"
        R"("ts_ms":1600000000000})");
}

TEST_CASE("after a restart inside a transaction its order goes on", "[debezium]") {
  Records records;
  debezium::Options options;
  options.transactions = true;
  Record record = records.record(Op::kInsert, orders(), {}, {Value::int64(1), Value::null(), Value::null()});
  record.ordinal.minor = 5;
  const auto messages = encode(records, record, options);
  CHECK(messages.back().value.find(R"("total_order":5,"data_collection_order":1)") != std::string::npos);
}

TEST_CASE("records without PostgreSQL's types have those of their fields", "[debezium]") {
  Records records;
  SchemaSpec spec{"", "", "events", {}, {}};
  spec.fields = {{"i", Type::kInt64}, {"t", Type::kTimestamp}, {"any", std::nullopt}};
  static const std::vector<Value> kItems = {Value::int64(1), Value::string("x")};
  const Record record = records.record(Op::kInsert, spec, {}, {Value::int64(1), Value::timestamp(0), Value::list(kItems)});
  CHECK(encode(records, record)[0].value.find(R"("after":{"i":1,"t":"1970-01-01T00:00:00.000000Z","any":[1,"x"]})") != std::string::npos);
  debezium::Options options;
  options.schemas = true;
  const std::string value = encode(records, record, options)[0].value;
  CHECK(value.find(R"("any":"[1,\"x\"]")") != std::string::npos);
  CHECK(value.find(R"({"type":"string","optional":true,"name":"io.debezium.data.Json","version":1,"field":"any"})") != std::string::npos);
}

TEST_CASE("as lines only the values are written", "[debezium]") {
  Records records;
  debezium::Options options;
  options.transactions = true;
  const auto encoder = make_encoder(config_with(options));
  std::string out;
  REQUIRE(encoder->encode(*records.batch, records.record(Op::kDelete, orders(), {Value::int64(1), Value::null(), Value::null()}, {}), out));
  CHECK(std::count(out.begin(), out.end(), '\n') == 1);
  CHECK(out.find(R"("op":"d")") != std::string::npos);
  CHECK(out.back() == '\n');
}

}  // namespace sluice
