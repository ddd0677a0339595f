#include "formats/csv_writer.h"

#include <algorithm>
#include <utility>

#include "core/civil_time.h"
#include "formats/json_text.h"

namespace sluice {

namespace {

constexpr std::string_view kOpColumn = "_op";
constexpr std::string_view kIdColumn = "_id";
constexpr std::string_view kUnchangedColumn = "_unchanged";

// Content of a cell before quoting.
void write_content(const Value& value, TextBuffer& out) {
  if (value.type() == Value::Type::kBytes) return write_base64(value.as_text(), out);
  if (value.is_text()) return out.append(value.as_text());
  if (is_time_type(value.type())) return out.end_at(write_time_value(out.room(kTimeTextBytes), value));
  if (value.type() == Value::Type::kFloat64) return out.end_at(write_double(out.room(kDoubleTextBytes), value.as_float64()));
  write_json_value(value, out);
}

std::string id_of(const Batch& batch, const Record& record) {
  const Ordinal ordinal = batch.log_ordinal(record);
  std::string id = batch.checkpoint_keys()[record.partition] + '/' + std::to_string(ordinal.major) + '/' + std::to_string(ordinal.minor);
  if (record.sub != 0) id += '/' + std::to_string(record.sub);
  return id;
}

// The names of the row's unchanged columns, with commas between.
std::string unchanged_of(const Record& record) {
  std::string names;
  const auto row = record.row();
  for (std::size_t slot = 0; slot < row.size(); ++slot) {
    if (!row[slot].is_unchanged()) continue;
    if (!names.empty()) names += ',';
    names += record.schema->fields()[slot].name;
  }
  return names;
}

std::vector<std::string> names_of(const Schema& schema) {
  std::vector<std::string> names;
  for (const Field& field : schema.fields()) names.push_back(field.name);
  return names;
}

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Error bad(std::string_view code, std::string message) { return {ErrorKind::kBadRecord, code, std::move(message)}; }

}  // namespace

CsvWriter::CsvWriter(CsvOptions options) : options_(std::move(options)) {
  if (!options_.columns.empty()) set_columns(options_.columns);
}

void CsvWriter::set_columns(std::vector<std::string> names) {
  columns_ = std::move(names);
  has_op_ = contains(columns_, kOpColumn);
  has_unchanged_ = contains(columns_, kUnchangedColumn);
  bound_schema_ = 0;
}

void CsvWriter::header(const Schema& schema, std::string& out) {
  if (columns_.empty()) set_columns(names_of(schema));
  if (!options_.header) return;
  line_.clear();
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (i != 0) line_.append(options_.delimiter);
    write_text(columns_[i]);
  }
  line_.append('\n');
  out.append(line_.view());
}

Status CsvWriter::resume(std::string_view start) {
  if (!options_.header) return {};
  std::vector<CsvCell> cells;
  const std::size_t end = start.find('\n');
  Status split = split_csv_record(start.substr(0, end), options_.delimiter, cells);
  if (!split || end == std::string_view::npos) return bad("csv_header", "the file does not begin with a CSV header");
  std::vector<std::string> names;
  for (const CsvCell& cell : cells) names.push_back(csv_cell_text(cell));
  set_columns(std::move(names));
  return {};
}

void CsvWriter::bind(const Schema& schema) {
  bound_schema_ = schema.id();
  bindings_.clear();
  for (const std::string& name : columns_) {
    const std::uint32_t slot = schema.find(name);
    if (slot != Schema::kAbsent) {
      bindings_.push_back({Origin::kField, slot});
    } else {
      const Origin origin = name == kOpColumn          ? Origin::kOp
                            : name == kIdColumn        ? Origin::kId
                            : name == kUnchangedColumn ? Origin::kUnchanged
                                                       : Origin::kAbsent;
      bindings_.push_back({origin, 0});
    }
  }
  extra_field_.clear();
  if (!options_.columns.empty()) return;  // the user chose what to write
  for (const Field& field : schema.fields()) {
    if (!contains(columns_, field.name)) extra_field_ = field.name;
  }
}

Status CsvWriter::check(const Record& record) const {
  const bool is_row = record.op == Op::kRead || record.op == Op::kInsert || record.op == Op::kUpdate;
  if (!is_row && !has_op_) {
    return bad("csv_delete_without_op",
               "a " + std::string(op_name(record.op)) + " cannot be told from a row; add the column _op to csv's columns");
  }
  if (!extra_field_.empty()) return bad("csv_extra_field", "the field \"" + extra_field_ + "\" has no column in this CSV file");
  if (has_unchanged_) return {};
  for (const Value& value : record.row()) {
    if (value.is_unchanged()) {
      return bad("csv_value_unchanged",
                 "column(s) " + unchanged_of(record) + " are unchanged and unknown; add the column _unchanged to csv's columns");
    }
  }
  return {};
}

Status CsvWriter::append(const Batch& batch, const Record& record, std::string& out) {
  if (record.schema == nullptr) return bad("csv_delete_without_op", "a record without columns cannot be written as CSV");
  if (columns_.empty()) set_columns(names_of(*record.schema));
  if (record.schema->id() != bound_schema_) bind(*record.schema);
  Status status = check(record);
  if (!status) return status;
  line_.clear();
  for (std::size_t i = 0; i < bindings_.size(); ++i) {
    if (i != 0) line_.append(options_.delimiter);
    write_cell(batch, record, bindings_[i]);
  }
  if (line_.size() == 0) line_.append("\"\"");  // a blank line would be no record
  line_.append('\n');
  out.append(line_.view());
  return {};
}

void CsvWriter::write_cell(const Batch& batch, const Record& record, const Binding& binding) {
  const auto row = record.row();
  switch (binding.origin) {
    case Origin::kField: return binding.slot < row.size() ? write_value(row[binding.slot]) : write_value(Value::null());
    case Origin::kOp: return write_text(op_name(record.op));
    case Origin::kId: return write_text(id_of(batch, record));
    case Origin::kUnchanged: return write_text(unchanged_of(record));
    case Origin::kAbsent: return write_value(Value::null());
  }
}

void CsvWriter::write_value(const Value& value) {
  if (value.is_null() || value.is_unchanged()) return line_.append(options_.null_text);
  cell_.clear();
  write_content(value, cell_);
  write_text(cell_.view());
}

void CsvWriter::write_text(std::string_view text) {
  const char special[] = {options_.delimiter, '"', '\r', '\n'};
  const bool quoted = text == options_.null_text || text.find_first_of({special, sizeof(special)}) != std::string_view::npos;
  if (!quoted) return line_.append(text);
  line_.append('"');
  for (const char c : text) {
    if (c == '"') line_.append('"');
    line_.append(c);
  }
  line_.append('"');
}

}  // namespace sluice
