#include "sources/file_decoder.h"

#include <optional>
#include <utility>

#include "formats/csv_reader.h"

namespace sluice::sources {

namespace {

std::size_t line_length(std::string_view text) {
  const std::size_t end = text.find('\n');
  return end == std::string_view::npos ? 0 : end + 1;
}

class JsonDecoder final : public FileDecoder {
 public:
  explicit JsonDecoder(JsonReader& reader) : reader_(reader) {}

  std::size_t record_length(std::string_view text) const override { return line_length(text); }
  bool is_blank(std::string_view record) const override { return record.find_first_not_of(" \t\r") == std::string_view::npos; }
  Columns columns() const override { return Columns::kKnown; }
  Status set_columns(std::string_view) override { return {}; }
  Status decode(std::string_view record, Batch& batch, Utf8 utf8, Record& out) override {
    auto row = reader_.read(record, batch, utf8);
    if (!row) return std::move(row).error();
    out.schema = row->schema;
    out.after = row->values;
    return {};
  }

 private:
  JsonReader& reader_;
};

class CsvDecoder final : public FileDecoder {
 public:
  CsvDecoder(SchemaPool& schemas, const CsvOptions& options) : reader_(schemas, options), header_(options.header) {}

  std::size_t record_length(std::string_view text) const override { return reader_.record_length(text); }
  bool is_blank(std::string_view record) const override { return record.empty(); }
  Columns columns() const override {
    if (reader_.has_columns() || bad_header_) return Columns::kKnown;
    return header_ ? Columns::kFromHeader : Columns::kFromFirstRecord;
  }
  Status set_columns(std::string_view first_record) override {
    Status status = reader_.set_columns(first_record);
    if (!status) bad_header_ = status.error();
    return status;
  }
  Status decode(std::string_view record, Batch& batch, Utf8 utf8, Record& out) override {
    if (!reader_.has_columns()) return *bad_header_;  // what the row's fields are called cannot be known
    auto row = reader_.read(record, batch, utf8);
    if (!row) return std::move(row).error();
    out.schema = row->schema;
    out.after = row->values;
    return {};
  }

 private:
  CsvReader reader_;
  const bool header_;
  std::optional<Error> bad_header_;
};

// Each line is a record with one field, `line`.
class LinesDecoder final : public FileDecoder {
 public:
  explicit LinesDecoder(SchemaPool& schemas) : schema_(schemas.intern({{}, {}, {}, {{"line", Value::Type::kString, false}}, {}})) {}

  std::size_t record_length(std::string_view text) const override { return line_length(text); }
  bool is_blank(std::string_view record) const override { return record.empty(); }
  Columns columns() const override { return Columns::kKnown; }
  Status set_columns(std::string_view) override { return {}; }
  Status decode(std::string_view record, Batch& batch, Utf8 utf8, Record& out) override {
    if (utf8 == Utf8::kUnchecked && !is_valid_utf8(record)) {
      return Error(ErrorKind::kBadRecord, "invalid_utf8",
                   "byte " + std::to_string(valid_utf8_prefix(record)) + " of the line is not UTF-8");
    }
    const auto values = batch.arena().array<Value>(1);
    values[0] = Value::string(record);
    out.schema = batch.keep(schema_);
    out.after = values;
    return {};
  }

 private:
  SchemaRef schema_;
};

}  // namespace

std::unique_ptr<FileDecoder> make_file_decoder(const InputCodecConfig& config, JsonReader& json, SchemaPool& schemas) {
  if (config.format == Format::kCsv) return std::make_unique<CsvDecoder>(schemas, config.csv);
  if (config.format == Format::kLines) return std::make_unique<LinesDecoder>(schemas);
  return std::make_unique<JsonDecoder>(json);
}

}  // namespace sluice::sources
