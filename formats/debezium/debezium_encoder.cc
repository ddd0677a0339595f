#include "formats/debezium/debezium_encoder.h"

#include <algorithm>
#include <map>
#include <optional>
#include <unordered_map>

#include "formats/debezium/connect_schema.h"
#include "formats/debezium/jackson_text.h"
#include "formats/debezium/payload_text.h"
#include "formats/debezium/source_block.h"
#include "formats/debezium/table_plan.h"
#include "formats/debezium/value_writer.h"

namespace sluice::debezium {

namespace {

constexpr std::size_t kMaxPlans = 1024;  // free-form JSON may have more shapes than are worth keeping
constexpr std::string_view kNewKeyHeader = "__debezium.newkey";
constexpr std::string_view kOldKeyHeader = "__debezium.oldkey";
constexpr std::string_view kUnchangedHeader = "__sluice.unchanged";

using Row = std::span<const Value>;
using Image = TablePlan::Image;

class DebeziumMessages final : public MessageEncoder {
 public:
  DebeziumMessages(const Options& options, const MessageContext& context)
      : options_(options), key_paths_(context.key_paths), writer_(options_), message_schema_(message_value_schema(options_)) {}

  Status encode(const Batch& batch, const Record& record, MessageBuffer& out) override {
    if (skipped(record)) return {};
    use(batch, record);
    SLUICE_TRY(write_images(record));
    if (options_.transactions && batch_has_transactions(record)) follow_transaction(record, out);
    switch (record.op) {
      case Op::kRead: add_change(batch, record, 'r', out); break;
      case Op::kInsert: add_change(batch, record, 'c', out); break;
      case Op::kTruncate: add_change(batch, record, 't', out); break;
      case Op::kMessage: add_logical_message(batch, record, out); break;
      case Op::kDelete: add_delete(batch, record, new_key_range(key_, out), out); break;
      case Op::kUpdate: add_update(batch, record, out); break;
    }
    return {};
  }

 private:
  // The plans of one source; its name is the prefix of topics unless that is configured.
  struct Plans {
    std::string prefix, quoted_prefix;
    std::unordered_map<std::uint64_t, TablePlan> by_schema;
  };

  bool skipped(const Record& record) const {
    const auto skips = [this](Operation operation) {
      return std::find(options_.skipped_operations.begin(), options_.skipped_operations.end(), operation) !=
             options_.skipped_operations.end();
    };
    switch (record.op) {
      case Op::kRead: return false;
      case Op::kInsert: return skips(Operation::kCreate);
      case Op::kUpdate: return skips(Operation::kUpdate);
      case Op::kDelete: return skips(Operation::kDelete);
      case Op::kTruncate: return skips(Operation::kTruncate);
      case Op::kMessage: return skips(Operation::kMessage);
    }
    return false;
  }

  // Finds the plan of the record's schema and the slots of its source.
  void use(const Batch& batch, const Record& record) {
    if (plans_ == nullptr || source_ != batch.source()) {
      source_ = batch.source();
      plans_ = &sources_[source_];
      plans_->prefix = options_.topic_prefix.empty() ? source_ : options_.topic_prefix;
      TextBuffer quoted;
      write_jackson_string(plans_->prefix, quoted);
      plans_->quoted_prefix = quoted.view();
      plan_ = nullptr;
    }
    if (batch.meta_schema() != meta_schema_) {
      meta_schema_ = batch.meta_schema();
      meta_ = MetaSlots(meta_schema_);
    }
    const std::uint64_t id = record.schema == nullptr ? 0 : record.schema->id();
    if (plan_ != nullptr && id == plan_schema_) return;
    auto found = plans_->by_schema.find(id);
    if (found == plans_->by_schema.end()) {
      if (plans_->by_schema.size() >= kMaxPlans) plans_->by_schema.clear();
      static const Schema kNoSchema(0, {});
      const PlanSettings settings{options_, plans_->prefix, key_paths_};
      found = plans_->by_schema.try_emplace(id, record.schema == nullptr ? kNoSchema : *record.schema, settings, writer_).first;
    }
    plan_ = &found->second;
    plan_schema_ = id;
  }

  // Fills before_, after_, key_ and old_key_: everything that can fail.
  Status write_images(const Record& record) {
    before_.clear();
    after_.clear();
    key_.clear();
    old_key_.clear();
    if (record.op == Op::kTruncate || record.op == Op::kMessage) return {};
    key_changed_ = record.op == Op::kUpdate && plan_->has_key() && plan_->key_differs(record.before, record.after);
    SLUICE_TRY(plan_->write_row(record.before, Image::kBefore, writer_, before_));
    if (record.op != Op::kDelete) SLUICE_TRY(plan_->write_row(record.after, Image::kAfter, writer_, after_));
    if (!plan_->has_key()) return {};
    if (record.op == Op::kDelete) return plan_->write_key(record.row(), {}, writer_, key_);
    SLUICE_TRY(plan_->write_key(record.after, record.before, writer_, key_));
    if (key_changed_) return plan_->write_key(record.before, record.after, writer_, old_key_);
    return {};
  }

  // ---- messages ------------------------------------------------------------------------------------------------------
  std::optional<ByteRange> new_key_range(const TextBuffer& key, MessageBuffer& out) const {
    if (key.size() == 0) return std::nullopt;
    return with_schema(plan_->key_schema(), key.view(), out);
  }

  ByteRange with_schema(std::string_view schema, std::string_view payload, MessageBuffer& out) const {
    if (!options_.schemas) return out.copy(payload);
    const std::size_t mark = out.mark();
    out.bytes().append("{\"schema\":").append(schema).append(",\"payload\":").append(payload) += '}';
    return out.since(mark);
  }

  void add_header(std::string_view name, ByteRange value, MessageBuffer& out) const { out.header(out.copy(name), value); }

  // Columns whose placeholder their type has no room for are null in the value: the header tells them from nulls (G16).
  void add_unchanged_header(Row row, MessageBuffer& out) const {
    const std::string names = plan_->lost_columns(row);
    if (!names.empty()) add_header(kUnchangedHeader, out.copy(names), out);
  }

  void add_change(const Batch& batch, const Record& record, char op, MessageBuffer& out) {
    const auto key = new_key_range(key_, out);
    const ByteRange value = envelope(batch, record, "null", after_.view(), op, out);
    add_unchanged_header(record.after, out);
    out.add(key, value);
  }

  void add_delete(const Batch& batch, const Record& record, std::optional<ByteRange> key, MessageBuffer& out) {
    out.add(key, envelope(batch, record, before_.view(), "null", 'd', out));
    if (options_.tombstones_on_delete) out.add(key, std::nullopt);
  }

  void add_update(const Batch& batch, const Record& record, MessageBuffer& out) {
    const auto key = new_key_range(key_, out);
    if (!key_changed_) {
      const ByteRange value = envelope(batch, record, before_.view(), after_.view(), 'u', out);
      add_unchanged_header(record.after, out);
      out.add(key, value);
      return;
    }
    const auto old_key = new_key_range(old_key_, out);
    const ByteRange removed = envelope(batch, record, before_.view(), "null", 'd', out);
    add_header(kNewKeyHeader, *key, out);
    out.add(old_key, removed);
    if (options_.tombstones_on_delete) {
      add_header(kNewKeyHeader, *key, out);
      out.add(old_key, std::nullopt);
    }
    const ByteRange created = envelope(batch, record, "null", after_.view(), 'c', out);
    add_header(kOldKeyHeader, *old_key, out);
    add_unchanged_header(record.after, out);
    out.add(key, created);
  }

  void add_logical_message(const Batch& batch, const Record& record, MessageBuffer& out) {
    text_.clear();
    const Value& prefix = meta_.prefix(record);
    text_.append("{\"prefix\":");
    writer_.write_text(prefix.is_text() ? prefix.as_text() : std::string_view(), text_);
    text_.append('}');
    const ByteRange key = with_schema(message_key_schema(), text_.view(), out);
    text_.clear();
    text_.append("{\"op\":\"m\",\"ts_ms\":");
    append_integer(batch.ingest_time() / 1000, text_);
    text_.append(',');
    write_source(batch, record, meta_, *plan_, source_names(), text_);
    write_transaction(record);
    text_.append(",\"message\":{\"prefix\":");
    writer_.write_text(prefix.is_text() ? prefix.as_text() : std::string_view(), text_);
    text_.append(",\"content\":");
    const bool has_content = !record.after.empty() && record.after[0].is_text();
    writer_.write_binary(has_content ? record.after[0].as_text() : record.raw, text_);
    text_.append("}}");
    const ByteRange value = with_schema(message_schema_, text_.view(), out);
    out.add(key, value, out.copy(topic_name(plans_->prefix + ".message")));
  }

  ByteRange envelope(const Batch& batch, const Record& record, std::string_view before, std::string_view after, char op,
                     MessageBuffer& out) {
    text_.clear();
    text_.append("{\"before\":");
    text_.append(before);
    text_.append(",\"after\":");
    text_.append(after.empty() ? std::string_view("null") : after);
    text_.append(',');
    write_source(batch, record, meta_, *plan_, source_names(), text_);
    write_transaction(record);
    text_.append(",\"op\":\"");
    text_.append(op);
    const std::int64_t micros = batch.ingest_time();
    text_.append("\",\"ts_ms\":");
    append_integer(micros / 1000, text_);
    text_.append(",\"ts_us\":");
    append_integer(micros, text_);
    text_.append(",\"ts_ns\":");
    append_integer(micros * 1000, text_);
    text_.append('}');
    return with_schema(plan_->value_schema(), text_.view(), out);
  }

  SourceNames source_names() const {
    return {plans_->quoted_prefix, options_.replace_null_with_default ? std::string_view("\"false\"") : std::string_view("null")};
  }

  // ---- transactions --------------------------------------------------------------------------------------------------
  bool batch_has_transactions(const Record& record) const {
    return record.op != Op::kRead && meta_.transaction_id(record).type() == Value::Type::kInt64;
  }

  std::int64_t lsn_of(const Record& record) const {
    const Value& lsn = meta_.lsn(record);
    return lsn.type() == Value::Type::kInt64 ? lsn.as_int64() : 0;
  }

  // Ends the transaction before and begins that of the record.
  void follow_transaction(const Record& record, MessageBuffer& out) {
    const std::int64_t id = meta_.transaction_id(record).as_int64();
    if (transaction_.is_running(id, record.ordinal.major)) return;
    if (transaction_.running()) add_transaction_message(transaction_.last_lsn(), "END", out);
    transaction_.begin(id, record);
    add_transaction_message(lsn_of(record), "BEGIN", out);
  }

  void append_transaction_id(std::int64_t lsn) {
    text_.append("\"id\":\"");
    append_integer(transaction_.id(), text_);
    text_.append(':');
    append_integer(lsn, text_);
    text_.append('"');
  }

  void add_transaction_message(std::int64_t lsn, std::string_view status, MessageBuffer& out) {
    text_.clear();
    text_.append('{');
    append_transaction_id(lsn);
    text_.append('}');
    const ByteRange key = with_schema(transaction_key_schema(), text_.view(), out);
    text_.clear();
    text_.append("{\"status\":\"");
    text_.append(status);
    text_.append("\",");
    append_transaction_id(lsn);
    text_.append(",\"event_count\":");
    if (status == "END") {
      append_integer(transaction_.events(), text_);
      append_event_counts();
    } else {
      text_.append("null,\"data_collections\":null");
    }
    text_.append(",\"ts_ms\":");
    append_integer(transaction_.commit_micros() / 1000, text_);
    text_.append('}');
    const ByteRange value = with_schema(transaction_value_schema(), text_.view(), out);
    out.add(key, value, out.copy(topic_name(plans_->prefix + ".transaction")));
  }

  void append_event_counts() {
    text_.append(",\"data_collections\":[");
    bool first = true;
    for (const auto& [table, count] : transaction_.tables()) {
      text_.append(first ? "{\"data_collection\":" : ",{\"data_collection\":");
      first = false;
      write_jackson_string(table, text_);
      text_.append(",\"event_count\":");
      append_integer(count, text_);
      text_.append('}');
    }
    text_.append(']');
  }

  void write_transaction(const Record& record) {
    if (!options_.transactions || !batch_has_transactions(record)) return text_.append(",\"transaction\":null");
    const std::int64_t lsn = lsn_of(record);
    const TransactionCounter::Event event = transaction_.count(plan_->table_id(), lsn);
    text_.append(",\"transaction\":{");
    append_transaction_id(lsn);
    text_.append(",\"total_order\":");
    append_integer(event.total_order, text_);
    text_.append(",\"data_collection_order\":");
    append_integer(event.table_order, text_);
    text_.append('}');
  }

  const Options options_;
  const std::vector<std::string> key_paths_;
  ValueWriter writer_;
  const std::string message_schema_;
  std::map<std::string, Plans, std::less<>> sources_;

  // Of the record at hand.
  std::string source_;
  Plans* plans_ = nullptr;
  const TablePlan* plan_ = nullptr;
  std::uint64_t plan_schema_ = 0;
  const Schema* meta_schema_ = nullptr;
  MetaSlots meta_;
  TransactionCounter transaction_;
  bool key_changed_ = false;
  TextBuffer before_, after_, key_, old_key_, text_;
};

class DebeziumLines final : public Encoder {
 public:
  explicit DebeziumLines(const Options& options) : messages_(make_debezium_messages(options, {})) {}

  Status encode(const Batch& batch, const Record& record, std::string& out) override {
    buffer_.clear();
    SLUICE_TRY(messages_->encode(batch, record, buffer_));
    for (const MessageBuffer::Message& message : buffer_.messages()) {
      const bool of_the_table = message.topic.begin == message.topic.end || record.op == Op::kMessage;
      if (!message.value || !of_the_table) continue;
      out.append(buffer_.view(*message.value)) += '\n';
    }
    return {};
  }

 private:
  std::unique_ptr<MessageEncoder> messages_;
  MessageBuffer buffer_;
};

}  // namespace

std::unique_ptr<MessageEncoder> make_debezium_messages(const Options& options, const MessageContext& context) {
  return std::make_unique<DebeziumMessages>(options, context);
}

std::unique_ptr<Encoder> make_debezium_lines(const Options& options) { return std::make_unique<DebeziumLines>(options); }

}  // namespace sluice::debezium
