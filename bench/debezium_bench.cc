// Rows of ten columns as Debezium's change events.  Prints CPU nanoseconds per record, the median of interleaved rounds, and ratios to a
// memcpy of the same bytes and to our `json` of the same rows.      debezium_bench [records [rounds]]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "formats/message_encoder.h"

namespace {

using namespace sluice;
using Type = Value::Type;

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

SchemaSpec orders() {
  SchemaSpec spec{"shop", "public", "orders", {}, {0}};
  spec.fields = {{"id", Type::kInt64, false, "bigint"},
                 {"customer_id", Type::kInt64, false, "integer"},
                 {"status", Type::kString, true, "character varying(20)"},
                 {"total", Type::kDecimal, true, "numeric(12,2)"},
                 {"weight", Type::kFloat64, true, "double precision"},
                 {"created", Type::kTimestamp, true, "timestamp with time zone"},
                 {"updated", Type::kLocalTimestamp, true, "timestamp without time zone"},
                 {"paid", Type::kBool, true, "boolean"},
                 {"email", Type::kString, true, "text"},
                 {"details", Type::kJson, true, "jsonb"}};
  return spec;
}

std::shared_ptr<Batch> make_batch(SchemaPool& pool, std::size_t records) {
  SchemaSpec meta;
  for (const char* name : {"lsn", "xid"}) meta.fields.push_back({name});
  auto batch =
      std::make_shared<Batch>(std::make_shared<BatchOrigin>(BatchOrigin{"shop", pool.intern(std::move(meta))}), 1'700'000'000'000'000);
  const Schema* const schema = batch->keep(pool.intern(orders()));
  const auto partition = batch->partition("p");
  Arena& arena = batch->arena();
  static const char* const kStatuses[] = {"new", "paid", "shipped", "test", "refunded"};
  for (std::size_t i = 0; i < records; ++i) {
    const auto n = static_cast<std::int64_t>(i * 7919 % 100'003);
    const auto row = arena.array<Value>(10);
    row[0] = Value::int64(static_cast<std::int64_t>(i));
    row[1] = Value::int64(n);
    row[2] = Value::string(kStatuses[i % 5]);
    row[3] = Value::text_in(arena, Type::kDecimal, std::to_string(n) + "." + std::to_string(10 + i % 90));
    row[4] = Value::float64(static_cast<double>(n) / 100);
    row[5] = Value::timestamp(1'700'000'000'000'000 + n * 1'000'003);
    row[6] = Value::local_timestamp(1'700'000'000'000'000 + n * 1'000'003);
    row[7] = Value::boolean(i % 2 == 0);
    row[8] = Value::string_in(arena, "customer" + std::to_string(n) + "@example.com");
    row[9] = Value::text_in(arena, Type::kJson, "{\"items\": " + std::to_string(n % 9) + ", \"note\": \"gift\"}");
    const auto slots = arena.array<Value>(2);
    slots[0] = Value::int64(25'000'000 + static_cast<std::int64_t>(i) * 200);
    slots[1] = Value::int64(776);
    Record record;
    record.op = Op::kInsert;
    record.partition = partition;
    record.ordinal = {1000, i + 1};
    record.schema = schema;
    record.after = row;
    record.key = row.first(1);
    record.meta = slots;
    record.source_time = 1'700'000'000'000'000;
    batch->records().push_back(record);
  }
  return batch;
}

struct Encoding {
  const char* name;
  std::unique_ptr<MessageEncoder> encoder;
  std::vector<double> encode, copy;  // seconds
  std::size_t bytes = 0;
};

Encoding encoding(const char* name, Format format, const debezium::Options& options) {
  CodecConfig config;
  config.format = format;
  config.debezium = options;
  return {name, std::move(make_message_encoder(config, {"bench", "out", {}})).value(), {}, {}, 0};
}

void run(Encoding& encoding, const Batch& batch, MessageBuffer& buffer, std::string& copy) {
  const double t0 = cpu_seconds();
  encoding.bytes = 0;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (i % 2048 == 0) buffer.clear();
    const std::size_t mark = buffer.mark();
    if (!encoding.encoder->encode(batch, batch.records()[i], buffer)) std::abort();
    encoding.bytes += buffer.mark() - mark;
  }
  const double t1 = cpu_seconds();
  const std::size_t each = encoding.bytes / batch.size();
  copy.resize(each * 2048);
  for (std::size_t i = 0; i < batch.size(); ++i) std::memcpy(copy.data() + i % 2048 * each, buffer.bytes().data(), each);
  const double t2 = cpu_seconds();
  encoding.encode.push_back(t1 - t0);
  encoding.copy.push_back(t2 - t1);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t records = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 100'000;
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 9;
  SchemaPool pool;
  const auto batch = make_batch(pool, records);
  debezium::Options lossless;
  lossless.decimal = debezium::DecimalMode::kString;
  lossless.interval = debezium::IntervalMode::kString;
  debezium::Options schemas;
  schemas.schemas = true;
  std::vector<Encoding> encodings;
  encodings.push_back(encoding("json", Format::kJson, {}));
  encodings.push_back(encoding("debezium_json", Format::kDebezium, {}));
  encodings.push_back(encoding("debezium_json lossless", Format::kDebezium, lossless));
  encodings.push_back(encoding("debezium_json schemas", Format::kDebezium, schemas));
  MessageBuffer buffer;
  std::string copy;
  for (int round = 0; round < rounds; ++round) {
    for (Encoding& each : encodings) run(each, *batch, buffer, copy);
  }
  const double per = 1e9 / static_cast<double>(records);
  const double json = median(encodings[0].encode);
  for (const Encoding& each : encodings) {
    std::printf("%-24s %7.0f ns/record  %5zu bytes  memcpy %4.0f ns  ratio to json %.2f\n", each.name, median(each.encode) * per,
                each.bytes / records, median(each.copy) * per, median(each.encode) / json);
  }
}
