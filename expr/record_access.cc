#include "expr/record_access.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <string>

namespace sluice::expr {

namespace {

std::uint32_t slot_in_key(const Schema& schema, std::uint32_t slot) {
  const auto found = std::find(schema.key().begin(), schema.key().end(), slot);
  return found == schema.key().end() ? Schema::kAbsent : static_cast<std::uint32_t>(found - schema.key().begin());
}

Value number(std::uint64_t value) {
  return value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) ? Value::int64(static_cast<std::int64_t>(value))
                                                                                       : Value::uint64(value);
}

bool text_if_any(const std::string& text, Value& out) {
  out = Value::string(text);
  return !text.empty();
}

void append_number(std::string& out, std::uint64_t value) {
  std::array<char, 20> digits{};
  out.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr);
}

}  // namespace

void RecordAccess::find_slots() {
  slots_ = nullptr;
  if (record_->schema == nullptr) return;
  slots_ = cache_.find(*record_->schema, code_.fields.size(), [this](const Schema& schema, std::size_t i) {
    const std::uint32_t slot = schema.find(code_.fields[i].name);
    return code_.fields[i].root == Root::kKey && slot != Schema::kAbsent ? slot_in_key(schema, slot) : slot;
  });
}

Value RecordAccess::whole(Root root, Arena& arena) const {
  const std::span<const Value> row = rows_[static_cast<std::size_t>(root)];
  if (record_ == nullptr || record_->schema == nullptr || row.empty()) return Value::null();
  if (root != Root::kKey) return Value::structure_in(arena, record_->schema, row);
  const std::span<MapEntry> entries = arena.array<MapEntry>(std::min(row.size(), record_->schema->key().size()));
  for (std::size_t i = 0; i < entries.size(); ++i) {
    entries[i] = {Value::string(record_->schema->fields()[record_->schema->key()[i]].name), row[i]};
  }
  return Value::map(entries);
}

bool RecordAccess::meta(MetaName name, Arena& arena, Value& out) {
  if (batch_ == nullptr) return false;
  const Schema* schema = batch_->meta_schema();
  if (schema != nullptr && !record_->meta.empty()) {
    const std::uint32_t* const slots =
        meta_cache_.find(*schema, kMetaNames, [](const Schema& meta_schema, std::size_t i) { return meta_schema.find(meta_names()[i]); });
    const std::uint32_t slot = slots[static_cast<std::size_t>(name)];
    if (slot < record_->meta.size() && !record_->meta[slot].is_null() && !record_->meta[slot].is_unchanged()) {
      out = record_->meta[slot];
      return true;
    }
  }
  return builtin_meta(name, arena, out);
}

bool RecordAccess::builtin_meta(MetaName name, Arena& arena, Value& out) const {
  const auto spec_text = [&](std::string SchemaSpec::*member) {
    return record_->schema != nullptr && text_if_any(record_->schema->spec().*member, out);
  };
  switch (name) {
    case MetaName::kOp: out = Value::string(op_name(record_->op)); return true;
    case MetaName::kSource: return text_if_any(batch_->source(), out);
    case MetaName::kDatabase: return spec_text(&SchemaSpec::database);
    case MetaName::kSchema: return spec_text(&SchemaSpec::schema);
    case MetaName::kTable: return spec_text(&SchemaSpec::table);
    case MetaName::kPartition:
      return record_->partition < batch_->partitions().size() && text_if_any(batch_->partitions()[record_->partition], out);
    case MetaName::kOffset: out = number(batch_->log_ordinal(*record_).major); return true;
    case MetaName::kSourceTime: out = Value::timestamp(record_->source_time); return record_->source_time != 0;
    case MetaName::kIngestTime: out = Value::timestamp(batch_->ingest_time()); return true;
    case MetaName::kId: out = record_id(arena); return true;
    default: return false;
  }
}

// "<source>/<partition>/<major>/<minor>[/<sub>]"
Value RecordAccess::record_id(Arena& arena) const {
  std::string id = batch_->source() + "/";
  if (record_->partition < batch_->partitions().size()) id += batch_->partitions()[record_->partition];
  id += '/';
  const Ordinal ordinal = batch_->log_ordinal(*record_);
  append_number(id, ordinal.major);
  id += '/';
  append_number(id, ordinal.minor);
  if (record_->sub != 0) {
    id += '/';
    append_number(id, record_->sub);
  }
  return Value::string_in(arena, id);
}

}  // namespace sluice::expr
