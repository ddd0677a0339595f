// CSV both ways.
#include <catch2/catch.hpp>
#include <random>

#include "formats/csv_reader.h"
#include "formats/csv_writer.h"

namespace sluice {

namespace {

std::shared_ptr<Batch> new_batch() { return std::make_shared<Batch>(std::make_shared<BatchOrigin>(BatchOrigin{"s", nullptr}), 0); }

struct Reading {
  SchemaPool pool;
  CsvReader reader;
  std::shared_ptr<Batch> batch = new_batch();

  explicit Reading(const CsvOptions& options = {}, std::string_view header = "a,b") : reader(pool, options) {
    REQUIRE(reader.set_columns(header));
  }

  // The row as text, null as <null>.
  std::string row(std::string_view record) {
    const auto row = reader.read(batch->arena().copy(record), *batch);
    if (!row) return std::string(row.error().code());
    std::string text;
    for (const Value& value : row->values) text += '[' + (value.is_null() ? "<null>" : std::string(value.as_text())) + ']';
    return text;
  }
};

Record record_of(Batch& batch, const SchemaRef& schema, std::span<const Value> row) {
  Record record;
  record.op = Op::kInsert;
  record.partition = batch.partition("p");
  record.ordinal = {5, 0};
  record.schema = batch.keep(schema);
  record.after = row;
  return record;
}

SchemaRef schema_of(SchemaPool& pool, const std::vector<std::string>& names) {
  SchemaSpec spec;
  for (const std::string& name : names) spec.fields.push_back({name});
  return pool.intern(std::move(spec));
}

}  // namespace

TEST_CASE("CSV cells as RFC 4180 has them") {
  Reading r;
  CHECK(r.row("1,x\n") == "[1][x]");
  CHECK(r.row("1,x\r\n") == "[1][x]");
  CHECK(r.row("1,x") == "[1][x]");
  CHECK(r.row("\"a,b\",\"c\"\"d\"\n") == "[a,b][c\"d]");
  CHECK(r.row("\"line\r\nbreak\",é\n") == "[line\r\nbreak][é]");
  CHECK(r.row(",\n") == "[<null>][<null>]");
  CHECK(r.row("\"\",\" \"\n") == "[][ ]");
  CHECK(r.row(" a b ,x\"y\n") == "[ a b ][x\"y]");
  CHECK(r.row("\"\"\"\",\"a\"\"\"\"b\"\n") == "[\"][a\"\"b]");
}

TEST_CASE("Bad CSV rows") {
  Reading r;
  CHECK(r.row("1\n") == "csv_ragged_row");
  CHECK(r.row("1,2,3\n") == "csv_ragged_row");
  CHECK(r.row("1,2,\n") == "csv_ragged_row");
  CHECK(r.row("\"a\"b,2\n") == "csv_syntax");
  CHECK(r.row("\"a,2\n") == "csv_unterminated_quote");
  CHECK(r.row("\xff,2\n") == "invalid_utf8");
}

TEST_CASE("CSV options and headers") {
  CsvOptions options;
  options.delimiter = ';';
  options.null_text = "NULL";
  Reading r(options, "\xef\xbb\xbfid;\"na;me\"\r\n");
  CHECK(r.row("NULL;\"NULL\"\n") == "[<null>][NULL]");
  CHECK(r.row(";1,5\n") == "[][1,5]");
  const auto row = r.reader.read(r.batch->arena().copy("1;2"), *r.batch);
  REQUIRE(row);
  CHECK(row->schema->fields()[0].name == "id");
  CHECK(row->schema->fields()[1].name == "na;me");

  CHECK(r.reader.set_columns("a;a").error().code() == "csv_header");
  CHECK(r.reader.set_columns("a;").error().code() == "csv_header");

  options.header = false;
  CsvReader unnamed(r.pool, options);
  REQUIRE(unnamed.set_columns("1;2;3\n"));
  const auto first = unnamed.read(r.batch->arena().copy("1;2;3\n"), *r.batch);
  REQUIRE(first);
  CHECK(first->schema->fields()[2].name == "c3");
}

TEST_CASE("Records end at line feeds outside of quotes") {
  SchemaPool pool;
  const CsvReader reader(pool, {});
  CHECK(reader.record_length("a,b\nc") == 4);
  CHECK(reader.record_length("a,b") == 0);
  CHECK(reader.record_length("") == 0);
  CHECK(reader.record_length("\n") == 1);
  CHECK(reader.record_length("\"a\nb\",c\nd") == 8);
  CHECK(reader.record_length("\"a\"\"\nb\",c\nd") == 10);
  CHECK(reader.record_length("\"a\nb") == 0);
  CHECK(reader.record_length("\"a\"") == 0);
  CHECK(reader.record_length("x\"y\nz\"\n") == 4);
  CHECK(reader.record_length("a,\"b\n\"\r\nz") == 8);
}

TEST_CASE("CSV writing quotes what needs it and keeps null apart from text") {
  SchemaPool pool;
  const auto batch = new_batch();
  const auto row = batch->arena().array<Value>(4);
  row[0] = Value::int64(1);
  row[1] = Value::string("a,\"b\"\n");
  row[2] = Value::null();
  row[3] = Value::string("");
  const SchemaRef schema = schema_of(pool, {"id", "te,xt", "n", "e"});
  CsvWriter writer({});
  std::string out;
  writer.header(*schema, out);
  REQUIRE(writer.append(*batch, record_of(*batch, schema, row), out));
  CHECK(out == "id,\"te,xt\",n,e\n1,\"a,\"\"b\"\"\n\",,\"\"\n");

  row[0] = Value::float64(1.5);
  row[1] = Value::timestamp(0);
  row[2] = Value::bytes("foo");
  const auto list = batch->arena().array<Value>(2);
  list[0] = Value::int64(1);
  list[1] = Value::string("x");
  row[3] = Value::list(list);
  out.clear();
  REQUIRE(writer.append(*batch, record_of(*batch, schema, row), out));
  CHECK(out == "1.5,1970-01-01T00:00:00.000000Z,Zm9v,\"[1,\"\"x\"\"]\"\n");
}

TEST_CASE("Records of another schema are fitted into a CSV file's columns by name") {
  SchemaPool pool;
  const auto batch = new_batch();
  const auto row = batch->arena().array<Value>(2);
  row[0] = Value::int64(1);
  row[1] = Value::int64(2);
  CsvWriter writer({});
  std::string out;
  REQUIRE(writer.append(*batch, record_of(*batch, schema_of(pool, {"a", "b"}), row), out));
  REQUIRE(writer.append(*batch, record_of(*batch, schema_of(pool, {"b", "a"}), row), out));
  REQUIRE(writer.append(*batch, record_of(*batch, schema_of(pool, {"b"}), std::span(row).first(1)), out));
  CHECK(out == "1,2\n2,1\n,1\n");
  const Status extra = writer.append(*batch, record_of(*batch, schema_of(pool, {"b", "c"}), row), out);
  REQUIRE_FALSE(extra);
  CHECK(extra.error().code() == "csv_extra_field");

  CsvWriter resumed({});
  REQUIRE(resumed.resume("b,a\n7,8\n"));
  out.clear();
  REQUIRE(resumed.append(*batch, record_of(*batch, schema_of(pool, {"a", "b"}), row), out));
  CHECK(out == "2,1\n");
  CHECK(resumed.resume("no line end").error().code() == "csv_header");
}

TEST_CASE("G16: unchanged values need a column _unchanged, deletes a column _op") {
  SchemaPool pool;
  const auto batch = new_batch();
  const auto row = batch->arena().array<Value>(2);
  row[0] = Value::int64(1);
  row[1] = Value::unchanged();
  const SchemaRef schema = schema_of(pool, {"a", "b"});
  Record record = record_of(*batch, schema, row);
  std::string out = "kept";
  CsvWriter plain({});
  CHECK(plain.append(*batch, record, out).error().code() == "csv_value_unchanged");
  record.op = Op::kDelete;
  CHECK(plain.append(*batch, record, out).error().code() == "csv_delete_without_op");
  CHECK(out == "kept");

  CsvOptions options;
  options.columns = {"_op", "_id", "a", "b", "_unchanged"};
  CsvWriter full(options);
  record.before = record.after;
  record.after = {};
  out.clear();
  full.header(*schema, out);
  REQUIRE(full.append(*batch, record, out));
  CHECK(out == "_op,_id,a,b,_unchanged\ndelete,s/p/5/0,1,,b\n");
}

TEST_CASE("Random texts: reading CSV gives back what was written, wherever the text is cut", "[property]") {
  static const std::vector<std::string> kPieces = {"a", ",", "\"",   "\n",   "\r\n", ";",
                                                   "é", " ", "NULL", "\"\"", "\t",   "long text without anything special"};
  std::mt19937_64 random(3);
  for (int round = 0; round < 400; ++round) {
    CsvOptions options;
    options.delimiter = random() % 2 == 0 ? ',' : ';';
    if (random() % 2 == 0) options.null_text = "NULL";
    SchemaPool pool;
    const auto batch = new_batch();
    const std::size_t width = 2 + random() % 4;
    std::vector<std::string> names;
    for (std::size_t i = 0; i < width; ++i) names.push_back("c" + std::to_string(i));
    const SchemaRef schema = schema_of(pool, names);
    CsvWriter writer(options);
    std::string text;
    std::vector<std::span<Value>> rows;
    writer.header(*schema, text);
    for (int i = 0; i < 10; ++i) {
      rows.push_back(batch->arena().array<Value>(width));
      for (Value& value : rows.back()) {
        std::string cell;
        for (std::uint64_t pieces = random() % 4; pieces > 0; --pieces) cell += kPieces[random() % kPieces.size()];
        value = random() % 8 == 0 ? Value::null() : Value::string_in(batch->arena(), cell);
      }
      REQUIRE(writer.append(*batch, record_of(*batch, schema, rows.back()), text));
    }
    CsvReader reader(pool, options);
    std::string_view rest = text;
    const std::size_t header = reader.record_length(rest);
    REQUIRE(reader.set_columns(rest.substr(0, header)));
    rest.remove_prefix(header);
    for (const auto& expected : rows) {
      const std::size_t length = reader.record_length(rest);
      REQUIRE(length != 0);
      for (std::size_t cut = 0; cut < length; ++cut) REQUIRE(reader.record_length(rest.substr(0, cut)) == 0);
      const auto row = reader.read(batch->arena().copy(rest.substr(0, length)), *batch);
      REQUIRE(row);
      REQUIRE(row->values.size() == width);
      for (std::size_t i = 0; i < width; ++i) REQUIRE(identical(row->values[i], expected[i]));
      rest.remove_prefix(length);
    }
    CHECK(rest.empty());
  }
}

}  // namespace sluice
