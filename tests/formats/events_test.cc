// maxwell and cloudevents.
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "formats/message_encoder.h"

namespace sluice {

namespace {

using Row = std::vector<Value>;
using Type = Value::Type;

class Change {
 public:
  Change(Op op, Row before, Row after) : before_(std::move(before)), after_(std::move(after)) {
    SchemaSpec meta;
    for (const char* name : {"lsn", "xid"}) meta.fields.push_back({name});
    batch = std::make_shared<Batch>(std::make_shared<BatchOrigin>(BatchOrigin{"shop", pool_.intern(std::move(meta))}), 0);
    SchemaSpec spec{
        "db", "public", "orders", {{"id", Type::kInt64}, {"n", Type::kDecimal}, {"at", Type::kLocalTimestamp}, {"t", Type::kString}}, {0}};
    record.op = op;
    record.partition = batch->partition("p");
    record.ordinal = {100, 3};
    record.schema = batch->keep(pool_.intern(std::move(spec)));
    record.before = before_;
    record.after = after_;
    record.key = record.row().first(record.row().empty() ? 0 : 1);
    record.meta = meta_;
    record.source_time = 1'600'000'000'500'000;
  }
  Change(const Change&) = delete;

  std::shared_ptr<Batch> batch;
  Record record;

 private:
  SchemaPool pool_;
  Row before_, after_;
  Row meta_ = {Value::int64(0x16B374D848), Value::int64(7)};
};

struct Message {
  std::string key, value, header;
};

std::vector<Message> encode(const Change& change, const CodecConfig& config) {
  const auto encoder = std::move(make_message_encoder(config, {"demo", "out", {}})).value();
  MessageBuffer buffer;
  REQUIRE(encoder->encode(*change.batch, change.record, buffer));
  std::vector<Message> result;
  for (const auto& message : buffer.messages()) {
    result.push_back({message.key ? std::string(buffer.view(*message.key)) : "<null>", std::string(buffer.view(*message.value)), ""});
    if (message.header_count > 0) {
      const auto& header = buffer.headers()[message.first_header];
      result.back().header = std::string(buffer.view(header.name)) + ": " + std::string(buffer.view(header.value));
    }
  }
  return result;
}

CodecConfig maxwell(bool all = false) {
  CodecConfig config;
  config.format = Format::kMaxwell;
  config.maxwell = {all, all};
  return config;
}

CodecConfig cloudevents() {
  CodecConfig config;
  config.format = Format::kCloudEvents;
  return config;
}

const Value kMoment = Value::local_timestamp(1'600'000'000'500'000);

}  // namespace

TEST_CASE("a row as Maxwell writes it", "[maxwell]") {
  const Change insert(Op::kInsert, {}, {Value::int64(1), Value::decimal("12.50"), kMoment, Value::null()});
  const auto messages = encode(insert, maxwell());
  REQUIRE(messages.size() == 1);
  CHECK(messages[0].key == R"({"database":"public","table":"orders","pk.id":1})");
  CHECK(messages[0].value == R"({"database":"public","table":"orders","type":"insert","ts":1600000000,"xid":7,"xoffset":2,)"
                             R"("data":{"id":1,"n":12.50,"at":"2020-09-13 12:26:40.500000","t":null}})");
  CHECK(encode(insert, maxwell(true))[0].value.find(R"("position":"16/B374D848","primary_key":[1],"primary_key_columns":["id"],"data":)") !=
        std::string::npos);
}

TEST_CASE("old holds the columns that changed, as far as the log says", "[maxwell]") {  // G16, G17
  const Change update(Op::kUpdate, {Value::int64(1), Value::unchanged(), kMoment, Value::string("x")},
                      {Value::int64(2), Value::decimal("NaN"), kMoment, Value::unchanged()});
  const std::string value = encode(update, maxwell())[0].value;
  CHECK(value.ends_with(R"("data":{"id":2,"n":"NaN","at":"2020-09-13 12:26:40.500000"},"old":{"id":1}})"));
}

TEST_CASE("deletes, snapshots and what Maxwell does not know", "[maxwell]") {
  const Change removed(Op::kDelete, {Value::int64(1), Value::unchanged(), Value::unchanged(), Value::unchanged()}, {});
  CHECK(encode(removed, maxwell())[0].value.ends_with(R"("type":"delete","ts":1600000000,"xid":7,"xoffset":2,"data":{"id":1}})"));
  const Change read(Op::kRead, {}, {Value::int64(1), Value::null(), Value::null(), Value::null()});
  CHECK(encode(read, maxwell())[0].value.find(R"("type":"bootstrap-insert")") != std::string::npos);
  CHECK(encode(Change(Op::kTruncate, {}, {}), maxwell()).empty());
}

TEST_CASE("a row as a CloudEvent", "[cloudevents]") {
  const Change update(Op::kUpdate, {}, {Value::int64(1), Value::decimal("12.50"), Value::unchanged(), Value::string("x\n")});
  const auto messages = encode(update, cloudevents());
  REQUIRE(messages.size() == 1);
  CHECK(messages[0].key == R"({"id":1})");
  CHECK(messages[0].header == "content-type: application/cloudevents+json; charset=UTF-8");
  CHECK(messages[0].value == R"({"specversion":"1.0","id":"shop/p/100/3","source":"shop","type":"sluice.update","subject":"public.orders",)"
                             R"("time":"2020-09-13T12:26:40.500000Z","sluiceunchanged":"at","datacontenttype":"application/json",)"
                             R"("data":{"id":1,"n":"12.50","t":"x\n"}})");
}

TEST_CASE("a CloudEvent of a truncate has no data", "[cloudevents]") {
  const auto messages = encode(Change(Op::kTruncate, {}, {}), cloudevents());
  REQUIRE(messages.size() == 1);
  CHECK(messages[0].key == "<null>");
  CHECK(messages[0].value.ends_with(R"("time":"2020-09-13T12:26:40.500000Z"})"));
}

TEST_CASE("the formats' lines are their values", "[maxwell][cloudevents]") {
  const Change insert(Op::kInsert, {}, {Value::int64(1), Value::null(), Value::null(), Value::null()});
  for (const CodecConfig& config : {maxwell(), cloudevents()}) {
    std::string out;
    REQUIRE(make_encoder(config)->encode(*insert.batch, insert.record, out));
    CHECK(out == encode(insert, config)[0].value + '\n');
  }
}

}  // namespace sluice
