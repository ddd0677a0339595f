#include "dlq/letter_content.h"

#include "core/civil_time.h"
#include "formats/json_writer.h"

namespace sluice::dlq {

namespace {

void append_name(std::string_view name, std::string& out) {
  if (out.back() != '{') out += ',';
  append_json_string(name, out);
  out += ':';
}

void append_text(std::string_view name, std::string_view text, std::string& out) {
  if (text.empty()) return;
  append_name(name, out);
  append_json_string(text, out);
}

void append_row(std::string_view name, const Schema* schema, std::span<const Value> row, std::string& out) {
  if (schema == nullptr || row.empty()) return;
  append_name(name, out);
  append_json_row(*schema, row, out);
}

void append_unchanged(const Record& record, std::string& out) {
  const auto row = record.row();
  std::string names;
  for (std::size_t slot = 0; slot < row.size(); ++slot) {
    if (!row[slot].is_unchanged()) continue;
    if (!names.empty()) names += ',';
    append_json_string(record.schema->fields()[slot].name, names);
  }
  if (names.empty()) return;
  append_name("unchanged", out);
  out += '[' + names + ']';
}

}  // namespace

std::string letter_key(const Record& record) {
  if (record.schema == nullptr || record.key.empty()) return {};
  std::string out = "{";
  const auto& slots = record.schema->key();
  for (std::size_t i = 0; i < record.key.size() && i < slots.size(); ++i) {
    append_name(record.schema->fields()[slots[i]].name, out);
    append_json_value(record.key[i], out);
  }
  return out + '}';
}

std::string letter_record(const Batch& batch, const Record& record) {
  std::string out = "{";
  append_text("op", op_name(record.op), out);
  if (record.schema != nullptr) {
    append_text("database", record.schema->spec().database, out);
    append_text("schema", record.schema->spec().schema, out);
    append_text("table", record.schema->spec().table, out);
  }
  if (record.source_time != 0) {
    char time[kTimeTextBytes];
    append_text("source_time", {time, static_cast<std::size_t>(write_timestamp(time, record.source_time) - time)}, out);
  }
  append_row("before", record.schema, record.before, out);
  append_row("after", record.schema, record.after, out);
  if (const std::string key = letter_key(record); !key.empty()) {
    append_name("key", out);
    out += key;
  }
  append_row("meta", batch.meta_schema(), record.meta, out);
  append_unchanged(record, out);
  return out + '}';
}

std::string letter_input(const Record& record) {
  std::string out;
  if (record.input_schema != nullptr && !record.input.empty()) {
    append_json_row(*record.input_schema, record.input, out);
  } else if (record.raw.empty() && record.schema != nullptr && !record.row().empty()) {
    append_json_row(*record.schema, record.row(), out);  // no step has changed it
  }
  return out;
}

}  // namespace sluice::dlq
