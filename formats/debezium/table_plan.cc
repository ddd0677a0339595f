#include "formats/debezium/table_plan.h"

#include <algorithm>
#include <array>

#include "formats/debezium/connect_schema.h"
#include "formats/debezium/default_value.h"
#include "formats/debezium/jackson_text.h"
#include "formats/debezium/name_uuid.h"

namespace sluice::debezium {

namespace {

constexpr int kEnvelopeVersion = 2;

std::string quoted(std::string_view text) {
  TextBuffer out;
  write_jackson_string(text, out);
  return std::string(out.view());
}

// What stands for nothing in a column that must not be null.
std::string fallback_json(const ColumnType& type, const Options& options) {
  const std::string_view connect = connect_type(type, options);
  if (connect == "array") return "[]";
  if (connect == "map") return "{}";
  switch (type.kind) {
    case ColumnKind::kDate:
      if (connect == "string") return "\"1970-01-01Z\"";
      break;
    case ColumnKind::kTime:
    case ColumnKind::kZonedTime:
      if (connect == "string") return "\"00:00:00Z\"";
      break;
    case ColumnKind::kTimestamp:
    case ColumnKind::kZonedTimestamp:
      if (connect == "string") return "\"1970-01-01T00:00:00Z\"";
      break;
    case ColumnKind::kInterval:
      if (connect == "string") return "\"P0Y0M0DT0H0M0S\"";
      break;
    case ColumnKind::kHstore: return "\"{}\"";
    case ColumnKind::kPoint: return R"({"x":0.0,"y":0.0,"wkb":"AQEAAAAAAAAAAAAAAAAAAAAAAAAA","srid":null})";
    case ColumnKind::kGeometry:
    case ColumnKind::kGeography: return R"({"wkb":"AQcAAAAAAAAA","srid":null})";  // an empty collection
    case ColumnKind::kDecimal:
    case ColumnKind::kVariableDecimal:
    case ColumnKind::kMoney: {
      if (connect == "bytes") return "\"AA==\"";
      if (connect == "struct") return R"({"scale":0,"value":"AA=="})";
      if (connect == "double") return "0.0";
      DecimalDigits zero;
      zero.scale = static_cast<std::size_t>(type.kind == ColumnKind::kMoney ? options.money_fraction_digits : type.scale);
      std::string text;
      zero.append_text(text);
      return '"' + text + '"';
    }
    default: break;
  }
  if (connect == "boolean") return "false";
  if (connect == "float" || connect == "double") return "0.0";
  if (connect == "string" || connect == "bytes") return "\"\"";
  return connect.starts_with("int") ? "0" : "null";
}

// The placeholder's bytes as numbers, which is what Debezium puts into arrays of integers.
std::string numbers_of(std::string_view placeholder) {
  std::string text = "[";
  for (const char c : placeholder) text += (text.size() == 1 ? "" : ",") + std::to_string(static_cast<signed char>(c));
  return text + ']';
}

std::string unchanged_array(const ColumnType& type, const Options& options, const std::string& binary) {
  const std::string& placeholder = options.unavailable_value_placeholder;
  static constexpr std::array<std::string_view, 5> kTexts = {"text", "varchar", "bpchar", "json", "jsonb"};
  if (type.kind == ColumnKind::kUnknown) return "null";
  if (std::find(kTexts.begin(), kTexts.end(), type.name) != kTexts.end()) return '[' + quoted(placeholder) + ']';
  if (type.name == "bytea") return options.binary == BinaryMode::kBytes ? '[' + binary + ']' : "null";
  if (type.name == "int4" || type.name == "int8") return numbers_of(placeholder);
  const bool plain_date = type.name == "date" && options.time != TimeMode::kConnect && options.time != TimeMode::kIsoString;
  if (plain_date) return numbers_of(placeholder);
  if (type.name == "uuid") return "[\"" + name_uuid(placeholder) + "\"]";
  return "null";
}

std::string unchanged_json(const ColumnType& type, const Options& options, ValueWriter& writer) {
  const std::string& placeholder = options.unavailable_value_placeholder;
  TextBuffer bytes;
  writer.write_binary(placeholder, bytes);
  const std::string binary(bytes.view());
  if (type.is_array) return unchanged_array(type, options, binary);
  switch (type.kind) {
    case ColumnKind::kBytes:
    case ColumnKind::kUnknown:
    case ColumnKind::kShape:
      if (options.binary == BinaryMode::kHex) return quoted(placeholder);
      return options.binary == BinaryMode::kBytes ? binary : "null";
    case ColumnKind::kHstore: {
      if (options.hstore == HstoreMode::kMap) return '{' + quoted(placeholder) + ':' + quoted(placeholder) + '}';
      const std::string text = '"' + jackson_text(placeholder) + '"';
      return quoted('{' + text + ':' + text + '}');
    }
    default: return connect_type(type, options) == "string" ? quoted(placeholder) : "null";
  }
}

Error not_representable(const std::string& column) {
  return {ErrorKind::kBadRecord, "value_not_representable",
          "column \"" + column + "\": its value is none of the type that Debezium's schema says"};
}

}  // namespace

std::string topic_name(std::string_view name) {
  std::string result;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xc0) == 0x80) continue;  // one '_' for each character of Java's, of which there are two beyond the BMP
    const bool allowed = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' || c == '-';
    result.append(byte >= 0xf0 ? 2 : 1, allowed ? c : '_');
  }
  return result;
}

TablePlan::TablePlan(const Schema& schema, const PlanSettings& settings, ValueWriter& writer) {
  const SchemaSpec& spec = schema.spec();
  topic_ = topic_name(settings.prefix + (spec.schema.empty() ? "" : "." + spec.schema) + (spec.table.empty() ? "" : "." + spec.table));
  table_id_ = spec.schema.empty() ? spec.table : spec.schema + "." + spec.table;
  source_names_ = R"(,"schema":)" + quoted(spec.schema) + R"(,"table":)" + quoted(spec.table);
  database_ = quoted(spec.database);
  for (std::uint32_t slot = 0; slot < schema.size(); ++slot) add_column(schema.fields()[slot], slot, settings, writer);
  find_key(schema, settings);
  if (settings.options.schemas) make_schemas();
  column_schemas_.clear();
}

void TablePlan::add_column(const Field& field, std::uint32_t slot, const PlanSettings& settings, ValueWriter& writer) {
  const Options& options = settings.options;
  Column column;
  column.type = column_type(field);
  if (!is_written(column.type, options)) return;
  column.name = field.name;
  column.slot = slot;
  column.prefix = ',' + quoted(field.name) + ':';
  const auto default_value = default_json(column.type, field.default_expression, writer);
  column.null_json = options.replace_null_with_default ? default_value.value_or("null") : "null";
  column.missing_json = field.nullable ? column.null_json : default_value.value_or(fallback_json(column.type, options));
  column.unchanged_json = unchanged_json(column.type, options, writer);
  column_schemas_.push_back(column_schema(column.type, options, field.nullable, default_value.value_or(""), field.name));
  columns_.push_back(std::move(column));
}

void TablePlan::find_key(const Schema& schema, const PlanSettings& settings) {
  std::vector<std::uint32_t> slots = schema.key();
  if (!settings.key_paths.empty()) slots.clear();
  for (const std::string& path : settings.key_paths) {
    const bool quoted_name = path.size() > 1 && path.front() == '`' && path.back() == '`';
    slots.push_back(schema.find(quoted_name ? std::string_view(path).substr(1, path.size() - 2) : std::string_view(path)));
    if (slots.back() == Schema::kAbsent) missing_key_ = path;
  }
  has_key_ = !slots.empty();
  for (const std::uint32_t slot : slots) {
    const auto found = std::find_if(columns_.begin(), columns_.end(), [slot](const Column& column) { return column.slot == slot; });
    if (found != columns_.end()) {
      key_.push_back(static_cast<std::size_t>(found - columns_.begin()));
    } else if (slot != Schema::kAbsent) {
      missing_key_ = schema.fields()[slot].name;  // of a type that is left out
    }
  }
}

void TablePlan::make_schemas() {
  std::string row, key;
  for (const std::string& column : column_schemas_) row += (row.empty() ? "" : ",") + column;
  for (const std::size_t index : key_) key += (key.empty() ? "" : ",") + column_schemas_[index];
  if (has_key_) key_schema_ = struct_schema(key, false, topic_ + ".Key", 0, {});
  const std::string fields = struct_schema(row, true, topic_ + ".Value", 0, "before") + ',' +
                             struct_schema(row, true, topic_ + ".Value", 0, "after") + ',' + std::string(source_schema()) + ',' +
                             std::string(transaction_block_schema()) +
                             R"(,{"type":"string","optional":false,"field":"op"},{"type":"int64","optional":true,"field":"ts_ms"},)"
                             R"({"type":"int64","optional":true,"field":"ts_us"},{"type":"int64","optional":true,"field":"ts_ns"})";
  value_schema_ = struct_schema(fields, false, topic_ + ".Envelope", kEnvelopeVersion, {});
}

Status TablePlan::write_value(const Column& column, const Value& value, Image image, ValueWriter& writer, TextBuffer& out) const {
  if (image == Image::kBefore && (value.is_null() || value.is_unchanged())) {
    out.append(column.missing_json);
  } else if (value.is_null()) {
    out.append(column.null_json);
  } else if (value.is_unchanged()) {
    out.append(column.unchanged_json);
  } else if (!writer.write(column.type, value, out)) {
    return not_representable(column.name);
  }
  return {};
}

Status TablePlan::write_row(std::span<const Value> row, Image image, ValueWriter& writer, TextBuffer& out) const {
  if (row.empty()) return out.append("null"), Status();
  bool first = true;
  for (const Column& column : columns_) {
    const std::string_view prefix(column.prefix);
    out.append(first ? '{' : ',');
    out.append(prefix.substr(1));
    first = false;
    SLUICE_TRY(write_value(column, row[column.slot], image, writer, out));
  }
  out.append(first ? "{}" : "}");
  return {};
}

Status TablePlan::write_key(std::span<const Value> row, std::span<const Value> other, ValueWriter& writer, TextBuffer& out) const {
  if (!missing_key_.empty()) {
    return Error(ErrorKind::kBadRecord, "key_missing",
                 "the message's key: the record has no column " + missing_key_ + " that a key could be made of");
  }
  for (std::size_t i = 0; i < key_.size(); ++i) {
    const Column& column = columns_[key_[i]];
    const Value* value = &row[column.slot];
    if (value->is_unchanged() && !other.empty()) value = &other[column.slot];
    if (value->is_unchanged()) {
      return Error(ErrorKind::kBadRecord, "key_unavailable",
                   "the message's key: the log left out the value of " + column.name +
                       " (mend: ALTER TABLE ... REPLICA IDENTITY FULL, or another key)");
    }
    out.append(i == 0 ? '{' : ',');
    out.append(std::string_view(column.prefix).substr(1));
    SLUICE_TRY(write_value(column, *value, Image::kAfter, writer, out));
  }
  out.append('}');
  return {};
}

bool TablePlan::key_differs(std::span<const Value> before, std::span<const Value> after) const {
  if (before.empty() || after.empty()) return false;
  return std::any_of(key_.begin(), key_.end(), [&](std::size_t index) {
    const Value& old_value = before[columns_[index].slot];
    const Value& new_value = after[columns_[index].slot];
    return !old_value.is_unchanged() && !new_value.is_unchanged() && !identical(old_value, new_value);
  });
}

std::string TablePlan::lost_columns(std::span<const Value> row) const {
  std::string names;
  for (const Column& column : columns_) {
    if (row.empty() || !row[column.slot].is_unchanged() || column.unchanged_json != "null") continue;
    names += (names.empty() ? "[" : ",") + quoted(column.name);
  }
  return names.empty() ? names : names + ']';
}

}  // namespace sluice::debezium
