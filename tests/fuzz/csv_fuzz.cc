// Any bytes as a CSV file, its first byte choosing the options: no crash, no endless loop; rows that are accepted are written as CSV that
// reads back as the same row.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "core/value.h"
#include "formats/csv_reader.h"
#include "formats/csv_writer.h"

namespace {

using namespace sluice;

void require(bool holds) {
  if (!holds) std::abort();
}

void check(const CsvRow& row, const CsvOptions& options, SchemaPool& pool, Batch& batch) {
  CsvWriter writer(options);
  Record record;
  record.op = Op::kInsert;
  record.partition = batch.partition("p");
  record.schema = row.schema;
  record.after = row.values;
  std::string text;
  require(writer.append(batch, record, text).has_value());
  const bool single_null = row.values.size() == 1 && row.values[0].is_null() && options.null_text.empty();
  if (single_null) return;  // written as "", see csv_writer.h
  CsvOptions names = options;
  names.header = false;
  names.columns.clear();
  for (const Field& field : row.schema->fields()) names.columns.push_back(field.name);
  CsvReader reader(pool, names);
  require(reader.record_length(text) == text.size());
  require(reader.set_columns(text).has_value());
  const auto again = reader.read(batch.arena().copy(text), batch);
  require(again.has_value() && again->values.size() == row.values.size());
  for (std::size_t i = 0; i < row.values.size(); ++i) require(identical(row.values[i], again->values[i]));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  CsvOptions options;
  options.delimiter = (data[0] & 1) != 0 ? ';' : ',';
  options.header = (data[0] & 2) != 0;
  if ((data[0] & 4) != 0) options.null_text = "NULL";
  static const auto origin = std::make_shared<BatchOrigin>(BatchOrigin{"fuzz", nullptr});
  SchemaPool pool;
  Batch batch(origin, 0);
  std::string_view text = batch.arena().copy({reinterpret_cast<const char*>(data) + 1, size - 1});
  CsvReader reader(pool, options);
  while (!text.empty()) {
    std::size_t length = reader.record_length(text);
    require(length <= text.size());
    if (length == 0) length = text.size();
    const std::string_view record = text.substr(0, length);
    text.remove_prefix(length);
    if (!reader.has_columns()) {
      const bool named = reader.set_columns(record).has_value();
      if (!named || options.header) continue;
    }
    const auto row = reader.read(record, batch);
    if (row) check(*row, options, pool, batch);
  }
  return 0;
}
