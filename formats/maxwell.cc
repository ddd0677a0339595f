#include "formats/maxwell.h"

#include <charconv>
#include <unordered_map>
#include <vector>

#include "core/civil_time.h"
#include "formats/codec.h"
#include "formats/json_text.h"
#include "formats/message_encoder.h"
#include "formats/message_key.h"

namespace sluice {

namespace {

constexpr std::size_t kMaxPlans = 1024;  // free-form JSON may have more shapes than are worth keeping
constexpr std::int64_t kMicrosPerSecond = 1'000'000;
using Row = std::span<const Value>;

void write_number(std::int64_t number, TextBuffer& out) {
  constexpr std::size_t kBytes = 24;
  char* const at = out.room(kBytes);
  out.end_at(std::to_chars(at, at + kBytes, number).ptr);
}

// "2026-01-31 13:59:01.000250": a space for the T, and no Z.
void write_moment(const Value& value, TextBuffer& out) {
  char* const begin = out.room(kTimeTextBytes + 2);
  char* at = begin;
  *at++ = '"';
  char* end = write_local_timestamp(at, value.as_int64());
  for (; at < end; ++at) *at = *at == 'T' ? ' ' : *at;
  *end++ = '"';
  out.end_at(end);
}

void write_value(const Value& value, TextBuffer& out) {
  switch (value.type()) {
    case Value::Type::kDecimal: {
      const std::string_view text = value.as_text();
      const bool special = text == "NaN" || text.ends_with("Infinity");
      return special ? write_json_value(value, out) : out.append(text);
    }
    case Value::Type::kTimestamp:
    case Value::Type::kLocalTimestamp: return write_moment(value, out);
    default: return write_json_value(value, out);
  }
}

// What the messages of one schema share.
struct MaxwellPlan {
  std::string names;                // "database":...,"table":...
  std::vector<std::string> fields;  // "name":
  std::string key_columns;          // ["id"]
};

std::string json_text(std::string_view text) {
  TextBuffer out;
  write_json_string(text, out);
  return std::string(out.view());
}

MaxwellPlan make_plan(const Schema& schema) {
  const SchemaSpec& spec = schema.spec();
  MaxwellPlan plan;
  plan.names = "\"database\":" + json_text(spec.schema.empty() ? spec.database : spec.schema) + ",\"table\":" + json_text(spec.table);
  for (const Field& field : schema.fields()) plan.fields.push_back(json_text(field.name) + ':');
  for (const std::uint32_t slot : schema.key())
    plan.key_columns += (plan.key_columns.empty() ? "" : ",") + json_text(schema.fields()[slot].name);
  return plan;
}

std::string_view type_name_of(Op op) {
  switch (op) {
    case Op::kRead: return "bootstrap-insert";
    case Op::kInsert: return "insert";
    case Op::kUpdate: return "update";
    case Op::kDelete: return "delete";
    default: return {};
  }
}

// One message of one record, without a line feed.
class MaxwellWriter {
 public:
  explicit MaxwellWriter(const MaxwellOptions& options) : options_(options) {}

  static bool makes_nothing(const Record& record) { return type_name_of(record.op).empty() || record.schema == nullptr; }

  void append(const Batch& batch, const Record& record, std::string& out) {
    const MaxwellPlan& plan = plan_of(*record.schema);
    find_slots(batch);
    text_.clear();
    text_.append('{');
    text_.append(plan.names);
    text_.append(",\"type\":\"");
    text_.append(type_name_of(record.op));
    text_.append("\",\"ts\":");
    write_number((record.source_time != 0 ? record.source_time : batch.ingest_time()) / kMicrosPerSecond, text_);
    write_transaction(record);
    if (options_.primary_keys) write_key(plan, record);
    text_.append(",\"data\":");
    write_row(plan, record.row(), {});
    if (record.op == Op::kUpdate) {
      text_.append(",\"old\":");
      write_row(plan, record.before, record.after);
    }
    text_.append('}');
    out.append(text_.view());
  }

  // {"database":...,"table":...,"pk.id":1}; `columns` is {"pk.id":1}, or empty.
  void append_key(const Record& record, std::string_view columns, std::string& out) {
    out.append("{").append(plan_of(*record.schema).names);
    if (columns.empty()) {
      out += '}';
    } else {
      out.append(",").append(columns.substr(1));
    }
  }

 private:
  const MaxwellPlan& plan_of(const Schema& schema) {
    const auto found = plans_.find(schema.id());
    if (found != plans_.end()) return found->second;
    if (plans_.size() >= kMaxPlans) plans_.clear();
    return plans_.emplace(schema.id(), make_plan(schema)).first->second;
  }

  void find_slots(const Batch& batch) {
    if (batch.meta_schema() == meta_schema_) return;
    meta_schema_ = batch.meta_schema();
    xid_ = meta_schema_ == nullptr ? Schema::kAbsent : meta_schema_->find("xid");
    lsn_ = meta_schema_ == nullptr ? Schema::kAbsent : meta_schema_->find("lsn");
  }

  void write_transaction(const Record& record) {
    if (xid_ < record.meta.size() && record.meta[xid_].type() == Value::Type::kInt64) {
      text_.append(",\"xid\":");
      write_number(record.meta[xid_].as_int64(), text_);
      text_.append(",\"xoffset\":");
      write_number(static_cast<std::int64_t>(record.ordinal.minor) - 1, text_);
    }
    if (options_.position && lsn_ < record.meta.size() && record.meta[lsn_].type() == Value::Type::kInt64) {
      const auto lsn = static_cast<std::uint64_t>(record.meta[lsn_].as_int64());
      char* at = text_.room(48);
      constexpr std::string_view kName = ",\"position\":\"";
      at = std::copy(kName.begin(), kName.end(), at);
      const auto hex = [&at](std::uint64_t number) {
        for (char* const end = std::to_chars(at, at + 16, number, 16).ptr; at < end; ++at)
          *at = *at >= 'a' ? static_cast<char>(*at - 32) : *at;
      };
      hex(lsn >> 32);
      *at++ = '/';
      hex(lsn & 0xffffffffU);
      *at++ = '"';
      text_.end_at(at);
    }
  }

  void write_key(const MaxwellPlan& plan, const Record& record) {
    text_.append(",\"primary_key\":[");
    for (std::size_t i = 0; i < record.key.size(); ++i) {
      if (i != 0) text_.append(',');
      write_value(record.key[i], text_);
    }
    text_.append("],\"primary_key_columns\":[");
    text_.append(record.key.empty() ? std::string_view() : std::string_view(plan.key_columns));
    text_.append(']');
  }

  // The columns that are known; with `after` only those that are known to differ.
  void write_row(const MaxwellPlan& plan, Row row, Row after) {
    bool first = true;
    text_.append('{');
    for (std::size_t slot = 0; slot < row.size(); ++slot) {
      if (row[slot].is_unchanged()) continue;
      if (!after.empty() && (after[slot].is_unchanged() || identical(row[slot], after[slot]))) continue;
      if (!first) text_.append(',');
      first = false;
      text_.append(plan.fields[slot]);
      write_value(row[slot], text_);
    }
    text_.append('}');
  }

  const MaxwellOptions options_;
  std::unordered_map<std::uint64_t, MaxwellPlan> plans_;  // by schema id
  const Schema* meta_schema_ = nullptr;
  std::uint32_t xid_ = Schema::kAbsent, lsn_ = Schema::kAbsent;
  TextBuffer text_;
};

class MaxwellMessages final : public MessageEncoder {
 public:
  MaxwellMessages(const MaxwellOptions& options, const MessageContext& context) : writer_(options), keys_(context.key_paths, "pk.") {}

  Status encode(const Batch& batch, const Record& record, MessageBuffer& out) override {
    if (MaxwellWriter::makes_nothing(record)) return {};
    const std::string_view columns = SLUICE_TRY(keys_.write(record));
    const std::size_t key_mark = out.mark();
    writer_.append_key(record, columns, out.bytes());
    const ByteRange key = out.since(key_mark);
    const std::size_t mark = out.mark();
    writer_.append(batch, record, out.bytes());
    out.add(key, out.since(mark));
    return {};
  }

 private:
  MaxwellWriter writer_;
  MessageKeyWriter keys_;
};

class MaxwellLines final : public Encoder {
 public:
  explicit MaxwellLines(const MaxwellOptions& options) : writer_(options) {}
  Status encode(const Batch& batch, const Record& record, std::string& out) override {
    if (MaxwellWriter::makes_nothing(record)) return {};
    writer_.append(batch, record, out);
    out += '\n';
    return {};
  }

 private:
  MaxwellWriter writer_;
};

}  // namespace

const ConfigFields<MaxwellOptions>& MaxwellOptions::fields() {
  static const auto kFields = ConfigFields<MaxwellOptions>{}
                                  .optional("primary_keys", &MaxwellOptions::primary_keys, "Writes primary_key and primary_key_columns.")
                                  .optional("position", &MaxwellOptions::position, "Writes the position in the server's log.");
  return kFields;
}

std::unique_ptr<MessageEncoder> make_maxwell_messages(const MaxwellOptions& options, const MessageContext& context) {
  return std::make_unique<MaxwellMessages>(options, context);
}

std::unique_ptr<Encoder> make_maxwell_lines(const MaxwellOptions& options) { return std::make_unique<MaxwellLines>(options); }

}  // namespace sluice
