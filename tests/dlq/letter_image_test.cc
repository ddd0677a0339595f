#include "dlq/letter_image.h"

#include <catch2/catch.hpp>

#include "dlq/letter_content.h"

using namespace sluice;
using namespace sluice::dlq;

namespace {

struct Made {
  SchemaPool schemas;
  std::shared_ptr<Batch> batch;
  Record record;
};

// A record with a value of every type, twice, and all that a record can have.
void make(Made& made) {
  SchemaSpec meta;
  meta.fields = {{"file"}, {"lsn"}};
  made.batch = std::make_shared<Batch>(std::make_shared<BatchOrigin>(BatchOrigin{"s", made.schemas.intern(meta)}), 123);
  Arena& arena = made.batch->arena();
  const std::string long_text(1000, 'x');
  const std::vector<Value> items = {Value::int64(-1), Value::null(), Value::string_in(arena, long_text)};
  auto list = arena.array<Value>(items.size());
  std::copy(items.begin(), items.end(), list.begin());
  auto map = arena.array<MapEntry>(1);
  map[0] = {Value::string("k"), Value::list(list)};
  SchemaSpec inner;
  inner.fields = {{"a", Value::Type::kInt64}};
  const Schema* inner_schema = made.batch->keep(made.schemas.intern(inner));
  const Value inner_value = Value::int64(5);
  const std::vector<Value> values = {Value::null(),
                                     Value::boolean(true),
                                     Value::int64(std::numeric_limits<std::int64_t>::min()),
                                     Value::uint64(std::numeric_limits<std::uint64_t>::max()),
                                     Value::float64(-0.0),
                                     Value::decimal("12345678901234567890.10"),
                                     Value::string("short"),
                                     Value::string_in(arena, long_text),
                                     Value::bytes(std::string_view("\0\xff", 2)),
                                     Value::date(Value::kInfinity),
                                     Value::time(86'400'000'000),
                                     Value::time_tz(1, -3600),
                                     Value::timestamp(-5, 999),
                                     Value::local_timestamp(Value::kMinusInfinity),
                                     Value::duration(-1),
                                     Value::interval_in(arena, {1, -2, 3}),
                                     Value::text(Value::Type::kBits, "0101"),
                                     Value::text_in(arena, Value::Type::kUuid, "6f9619ff-8b86-d011-b42d-00c04fc964ff"),
                                     Value::text(Value::Type::kJson, "{\"a\":1}"),
                                     Value::list(list),
                                     Value::structure_in(arena, inner_schema, {&inner_value, 1}),
                                     Value::map(map),
                                     Value::unchanged()};
  SchemaSpec spec;
  spec.database = "d";
  spec.schema = "public";
  spec.table = "orders";
  for (std::size_t i = 0; i < values.size(); ++i) spec.fields.push_back({"f" + std::to_string(i)});
  spec.fields[1] = {"f1", Value::Type::kBool, false, "boolean", "bool", "true", {"x", "y"}};
  spec.key = {2, 1};
  Record& record = made.record;
  record.schema = made.batch->keep(made.schemas.intern(spec));
  const auto row = [&](std::span<const Value> from) {
    auto copy = arena.array<Value>(from.size());
    std::copy(from.begin(), from.end(), copy.begin());
    return copy;
  };
  record.op = Op::kUpdate;
  record.before = row(values);
  record.after = row(values);
  record.key = row({values.data() + 1, 2});
  record.input_schema = inner_schema;
  record.input = row({&inner_value, 1});
  record.meta = row({values.data() + 5, 2});
  record.tags = Value::list(list);
  record.source_time = -7;
}

}  // namespace

TEST_CASE("Letter image: a record comes back without loss (G16, G19)") {
  Made made;
  make(made);
  const std::string image = letter_image(*made.batch, made.record);
  const auto header = read_image_header(image);
  REQUIRE(header);
  CHECK(header->ingest_time == 123);
  CHECK(header->meta == std::vector<std::string>{"file", "lsn"});
  SchemaPool schemas;
  Batch batch(std::make_shared<BatchOrigin>(BatchOrigin{"s", schemas.intern(made.batch->meta_schema()->spec())}), header->ingest_time);
  const auto read = read_image(image, schemas, batch);
  REQUIRE(read);
  CHECK(read->op == Op::kUpdate);
  CHECK(read->source_time == -7);
  CHECK(read->schema->spec() == made.record.schema->spec());
  CHECK(read->input_schema->spec() == made.record.input_schema->spec());
  const auto same = [](std::span<const Value> a, std::span<const Value> b) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](const Value& x, const Value& y) {
             if (x.type() == Value::Type::kStruct) return identical(x.as_struct()[0], y.as_struct()[0]);
             return identical(x, y);
           });
  };
  CHECK(same(read->before, made.record.before));
  CHECK(same(read->after, made.record.after));
  CHECK(same(read->key, made.record.key));
  CHECK(same(read->input, made.record.input));
  CHECK(same(read->meta, made.record.meta));
  CHECK(identical(read->tags, made.record.tags));
  CHECK((letter_image(batch, *read) == image));
  CHECK(letter_record(batch, *read) == letter_record(*made.batch, made.record));
}

TEST_CASE("Letter image: damaged bytes are an error and never more") {
  Made made;
  make(made);
  const std::string image = letter_image(*made.batch, made.record);
  SchemaPool schemas;
  for (std::size_t size = 0; size < image.size(); size += 7) {
    Batch batch(std::make_shared<BatchOrigin>(BatchOrigin{"s", nullptr}), 1);
    const auto read = read_image(std::string_view(image).substr(0, size), schemas, batch);
    REQUIRE(!read);
    CHECK(read.error().code() == "damaged_letter");
  }
  for (std::size_t at = 0; at < image.size(); ++at) {  // what it says is its own business; that it ends well is ours
    std::string other = image;
    other[at] = static_cast<char>(other[at] ^ 0x55);
    Batch batch(std::make_shared<BatchOrigin>(BatchOrigin{"s", nullptr}), 1);
    const auto read = read_image(other, schemas, batch);
    if (read) static_cast<void>(letter_record(batch, *read));
  }
}
