#include "formats/json_writer.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <unordered_map>
#include <vector>

#include "core/civil_time.h"
#include "formats/json_text.h"
#include "formats/text_buffer.h"

namespace sluice {

namespace {

constexpr std::size_t kMaxCachedSchemas = 1024;  // free-form JSON may have more shapes than are worth keeping
constexpr std::size_t kWordBytes = 16;           // short keys are copied as one word of this size
constexpr std::size_t kIdBytes = 64;             // of "/<major>/<minor>/<sub>"
constexpr std::string_view kMetaField = "_meta";

// The keys of a schema as they stand in the text: ,"name": one after the other.
class SchemaKeys {
 public:
  explicit SchemaKeys(const Schema& schema) {
    TextBuffer text;
    for (const Field& field : schema.fields()) {
      offsets_.push_back(static_cast<std::uint32_t>(text.size()));
      text.append(',');
      write_json_string(field.name, text);
      text.append(':');
      has_meta_field_ = has_meta_field_ || field.name == kMetaField;
    }
    offsets_.push_back(static_cast<std::uint32_t>(text.size()));
    text_ = text.view();
    text_.append(kWordBytes, '\0');
  }

  // Writes the comma and key of `slot`.
  void write(std::size_t slot, TextBuffer& out) const {
    const char* const from = text_.data() + offsets_[slot];
    const std::size_t size = offsets_[slot + 1] - offsets_[slot];
    char* const at = out.room(size + kWordBytes);
    if (size <= kWordBytes) {
      std::memcpy(at, from, kWordBytes);
    } else {
      std::memcpy(at, from, size);
    }
    out.end_at(at + size);
  }

  bool has_meta_field() const { return has_meta_field_; }

  std::string meta;         // ","source":...,"table":...,"source_time":
  std::string meta_source;  // the source that `meta` is about

 private:
  std::string text_;
  std::vector<std::uint32_t> offsets_;
  bool has_meta_field_ = false;
};

void write_text_or_null(std::string_view text, TextBuffer& out) {
  if (text.empty()) {
    out.append("null");
  } else {
    write_json_string(text, out);
  }
}

// The part of _meta that all records of a schema and source share.
std::string meta_of(std::string_view source, const Schema* schema) {
  TextBuffer text;
  text.append("\",\"source\":");
  write_json_string(source, text);
  text.append(",\"schema\":");
  write_text_or_null(schema == nullptr ? std::string_view() : std::string_view(schema->spec().schema), text);
  text.append(",\"table\":");
  write_text_or_null(schema == nullptr ? std::string_view() : std::string_view(schema->spec().table), text);
  text.append(",\"source_time\":");
  return std::string(text.view());
}

template <typename T>
char* put_number(char* at, T number) {
  *at++ = '/';
  return std::to_chars(at, at + 20, number).ptr;
}

// Writes the row's fields, each behind its comma; true if some were left out as unchanged.
bool write_fields(const SchemaKeys& keys, std::span<const Value> row, TextBuffer& out) {
  bool unchanged = false;
  for (std::size_t slot = 0; slot < row.size(); ++slot) {
    if (row[slot].is_unchanged()) {
      unchanged = true;
      continue;
    }
    keys.write(slot, out);
    write_json_value(row[slot], out);
  }
  return unchanged;
}

void write_unchanged(const Schema& schema, std::span<const Value> row, TextBuffer& out) {
  out.append(",\"unchanged\":[");
  bool first = true;
  for (std::size_t slot = 0; slot < row.size(); ++slot) {
    if (!row[slot].is_unchanged()) continue;
    if (!first) out.append(',');
    first = false;
    write_json_string(schema.fields()[slot].name, out);
  }
  out.append(']');
}

bool key_changed(const Record& record) {
  if (record.op != Op::kUpdate || record.schema == nullptr || record.before.empty() || record.after.empty()) return false;
  const auto& key = record.schema->key();
  return std::any_of(key.begin(), key.end(), [&](std::uint32_t slot) {
    const Value& now = record.after[slot];
    return !record.before[slot].is_unchanged() && !now.is_unchanged() && !identical(record.before[slot], now);
  });
}

// G17: what the reader has of this row stands under the old key.
void write_before_key(const Record& record, TextBuffer& out) {
  out.append(",\"before_key\":{");
  bool first = true;
  for (const std::uint32_t slot : record.schema->key()) {
    // Not in the log's before-image: the key's column did not change.
    const Value& before = record.before[slot].is_unchanged() ? record.after[slot] : record.before[slot];
    if (before.is_unchanged()) continue;
    if (!first) out.append(',');
    first = false;
    write_json_string(record.schema->fields()[slot].name, out);
    out.append(':');
    write_json_value(before, out);
  }
  out.append('}');
}

// Text whose first byte is a comma becomes an object.
void append_object(TextBuffer& text, std::string_view end, std::string& out) {
  text.append(end);
  out += '{';
  const std::string_view view = text.view();
  out.append(view.substr(view.front() == ',' ? 1 : 0));
}

}  // namespace

class JsonWriter::Impl {
 public:
  explicit Impl(JsonMeta meta) : meta_(meta) {}

  Status append(const Batch& batch, const Record& record, std::string& out) {
    SchemaKeys& keys = keys_of(record.schema);
    if (meta_ == JsonMeta::kInclude && keys.has_meta_field()) {
      return Error(ErrorKind::kBadRecord, "json_meta_conflict",
                   "the record has a field \"_meta\" of its own; drop or rename it, or write with meta: false");
    }
    text_.clear();
    const auto row = record.row();
    const bool unchanged = write_fields(keys, row, text_);
    if (meta_ == JsonMeta::kInclude) write_meta(batch, record, keys, unchanged);
    append_object(text_, "}\n", out);
    return {};
  }

 private:
  SchemaKeys& keys_of(const Schema* schema) {
    const std::uint64_t id = schema == nullptr ? 0 : schema->id();
    if (last_ != nullptr && id == last_id_) return *last_;
    if (by_schema_.size() >= kMaxCachedSchemas) by_schema_.clear();
    auto found = by_schema_.find(id);
    if (found == by_schema_.end()) found = by_schema_.try_emplace(id, schema == nullptr ? Schema(0, {}) : *schema).first;
    last_id_ = id;
    last_ = &found->second;
    return *last_;
  }

  void write_meta(const Batch& batch, const Record& record, SchemaKeys& keys, bool unchanged) {
    if (keys.meta.empty() || keys.meta_source != batch.source()) {
      keys.meta = meta_of(batch.source(), record.schema);
      keys.meta_source = batch.source();
    }
    text_.append(",\"_meta\":{\"op\":\"");
    text_.append(op_name(record.op));
    text_.append(keys.meta);
    if (record.source_time == 0) {
      text_.append("null");
    } else {
      write_json_value(Value::timestamp(record.source_time), text_);
    }
    write_id(batch, record);
    if (key_changed(record)) write_before_key(record, text_);
    if (unchanged) write_unchanged(*record.schema, record.row(), text_);
    text_.append('}');
  }

  void write_id(const Batch& batch, const Record& record) {
    const std::string& key = batch.checkpoint_keys()[record.partition];
    if (key != id_key_ || id_text_.empty()) {
      TextBuffer text;
      text.append(",\"id\":");
      write_json_string(key, text);
      id_text_ = text.view().substr(0, text.size() - 1);  // without the closing quote
      id_key_ = key;
    }
    text_.append(id_text_);
    char* at = text_.room(kIdBytes);
    const Ordinal ordinal = batch.log_ordinal(record);
    at = put_number(at, ordinal.major);
    at = put_number(at, ordinal.minor);
    if (record.sub != 0) at = put_number(at, record.sub);
    *at++ = '"';
    text_.end_at(at);
  }

  const JsonMeta meta_;
  TextBuffer text_;
  std::unordered_map<std::uint64_t, SchemaKeys> by_schema_;
  SchemaKeys* last_ = nullptr;
  std::uint64_t last_id_ = 0;
  std::string id_key_, id_text_;  // of the partition written last
};

JsonWriter::JsonWriter(JsonMeta meta) : impl_(std::make_unique<Impl>(meta)) {}
JsonWriter::~JsonWriter() = default;

Status JsonWriter::append(const Batch& batch, const Record& record, std::string& out) { return impl_->append(batch, record, out); }

void append_json_value(const Value& value, std::string& out) {
  TextBuffer text;
  write_json_value(value, text);
  out.append(text.view());
}

void append_json_string(std::string_view string, std::string& out) {
  TextBuffer text;
  write_json_string(string, text);
  out.append(text.view());
}

void append_json_row(const Schema& schema, std::span<const Value> row, std::string& out) {
  TextBuffer text;
  (void)write_fields(SchemaKeys(schema), row, text);
  append_object(text, "}", out);
}

void append_base64(std::string_view bytes, std::string& out) {
  TextBuffer text;
  write_base64(bytes, text);
  out.append(text.view());
}

}  // namespace sluice
