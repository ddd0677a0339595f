#include "formats/csv_reader.h"

#include <cstring>
#include <unordered_set>
#include <utility>

namespace sluice {

namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

Error bad_header(std::string message) { return {ErrorKind::kBadRecord, "csv_header", std::move(message)}; }

Error invalid_utf8(std::string_view record) {
  return {ErrorKind::kBadRecord, "invalid_utf8", "byte " + std::to_string(valid_utf8_prefix(record)) + " of the CSV record is not UTF-8"};
}

Result<std::vector<std::string>> names_of(const std::vector<CsvCell>& cells) {
  std::vector<std::string> names;
  std::unordered_set<std::string> seen;
  for (const CsvCell& cell : cells) {
    names.push_back(csv_cell_text(cell));
    if (names.back().empty()) return bad_header("column " + std::to_string(names.size()) + " of the CSV header has no name");
    if (!seen.insert(names.back()).second) return bad_header("the CSV header has the column \"" + names.back() + "\" twice");
  }
  return names;
}

SchemaSpec spec_of(std::vector<std::string> names) {
  SchemaSpec spec;
  for (std::string& name : names) spec.fields.push_back({std::move(name), Value::Type::kString});
  return spec;
}

// The end of a record that has a quote in it: a line feed outside of quotes.
std::size_t quoted_record_length(std::string_view text, char delimiter) {
  bool at_cell_start = true;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (at_cell_start && text[i] == '"') {
      do {  // behind an opening quote, or behind the first of a doubled one
        i = text.find('"', i + 1);
        if (i == std::string_view::npos) return 0;
        ++i;
      } while (i < text.size() && text[i] == '"');
      if (i >= text.size()) return 0;
    }
    if (text[i] == '\n') return i + 1;
    at_cell_start = text[i] == delimiter;
  }
  return 0;
}

}  // namespace

CsvReader::CsvReader(SchemaPool& schemas, CsvOptions options) : schemas_(schemas), options_(std::move(options)) {}

std::size_t CsvReader::record_length(std::string_view text) const {
  const std::size_t line = text.find('\n');
  const std::size_t quote = text.substr(0, line).find('"');
  if (quote != std::string_view::npos) return quoted_record_length(text, options_.delimiter);
  return line == std::string_view::npos ? 0 : line + 1;
}

Status CsvReader::set_columns(std::string_view first_record) {
  if (first_record.starts_with(kByteOrderMark)) first_record.remove_prefix(kByteOrderMark.size());
  if (options_.header && !is_valid_utf8(first_record)) return invalid_utf8(first_record);
  Status split = split_csv_record(first_record, options_.delimiter, cells_);
  if (!split) return split;
  std::vector<std::string> names;
  if (options_.header) {
    names = SLUICE_TRY(names_of(cells_));
  } else if (!options_.columns.empty()) {
    names = options_.columns;
  } else {
    for (std::size_t i = 1; i <= cells_.size(); ++i) names.push_back("c" + std::to_string(i));
  }
  schema_ = schemas_.intern(spec_of(std::move(names)));
  return {};
}

Result<CsvRow> CsvReader::read(std::string_view record, Batch& batch, Utf8 utf8) {
  if (utf8 == Utf8::kUnchecked && !is_valid_utf8(record)) return invalid_utf8(record);
  Status split = split_csv_record(record, options_.delimiter, cells_);
  if (!split) return std::move(split).error();
  if (cells_.size() != schema_->size()) {
    return Error(ErrorKind::kBadRecord, "csv_ragged_row",
                 "the row has " + std::to_string(cells_.size()) + " fields, the header has " + std::to_string(schema_->size()));
  }
  const auto values = batch.arena().array<Value>(cells_.size());
  for (std::size_t i = 0; i < cells_.size(); ++i) values[i] = value_of(cells_[i], batch.arena());
  return CsvRow{batch.keep(schema_), values};
}

Value CsvReader::value_of(const CsvCell& cell, Arena& arena) const {
  if (!cell.quoted && cell.text == options_.null_text) return Value::null();
  if (!cell.doubled) return Value::string(cell.text);
  return Value::string_in(arena, csv_cell_text(cell));
}

}  // namespace sluice
