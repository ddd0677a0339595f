#include "formats/cloudevents.h"

#include "core/civil_time.h"
#include "formats/codec.h"
#include "formats/json_text.h"
#include "formats/json_writer.h"
#include "formats/message_encoder.h"
#include "formats/message_key.h"
#include "formats/record_id.h"

namespace sluice {

namespace {

constexpr std::string_view kContentType = "application/cloudevents+json; charset=UTF-8";

void write_attribute(std::string_view name, std::string_view text, TextBuffer& out) {
  out.append(",\"");
  out.append(name);
  out.append("\":");
  write_json_string(text, out);
}

// One event of one record, without a line feed.
class CloudEventWriter {
 public:
  explicit CloudEventWriter(CloudEventsOptions options) : options_(std::move(options)), rows_(JsonMeta::kOmit) {}

  Status append(const Batch& batch, const Record& record, std::string& out) {
    text_.clear();
    text_.append("{\"specversion\":\"1.0\"");
    id_.clear();
    write_record_id(batch, record, id_);
    write_attribute("id", id_.view(), text_);
    write_attribute("source", options_.source.empty() ? std::string_view(batch.source()) : std::string_view(options_.source), text_);
    name_ = options_.type;
    name_ += op_name(record.op);
    write_attribute("type", name_, text_);
    write_subject(record);
    if (record.source_time != 0) {
      char time[kTimeTextBytes];
      write_attribute("time", {time, write_timestamp(time, record.source_time)}, text_);
    }
    write_unchanged(record);
    if (!record.row().empty()) {
      row_.clear();
      SLUICE_TRY(rows_.append(batch, record, row_));
      row_.pop_back();  // the line feed
      text_.append(",\"datacontenttype\":\"application/json\",\"data\":");
      text_.append(row_);
    }
    text_.append('}');
    out.append(text_.view());
    return {};
  }

 private:
  void write_subject(const Record& record) {
    if (record.schema == nullptr || record.schema->spec().table.empty()) return;
    const SchemaSpec& spec = record.schema->spec();
    name_ = spec.schema;
    if (!name_.empty()) name_ += '.';
    name_ += spec.table;
    write_attribute("subject", name_, text_);
  }

  void write_unchanged(const Record& record) {
    const auto row = record.row();
    name_.clear();
    for (std::size_t slot = 0; slot < row.size(); ++slot) {
      if (!row[slot].is_unchanged()) continue;
      if (!name_.empty()) name_ += ',';
      name_ += record.schema->fields()[slot].name;
    }
    if (!name_.empty()) write_attribute("sluiceunchanged", name_, text_);
  }

  const CloudEventsOptions options_;
  JsonWriter rows_;
  TextBuffer text_, id_;
  std::string row_, name_;  // scratch
};

class CloudEventMessages final : public MessageEncoder {
 public:
  CloudEventMessages(const CloudEventsOptions& options, const MessageContext& context) : writer_(options), keys_(context.key_paths) {}

  Status encode(const Batch& batch, const Record& record, MessageBuffer& out) override {
    const std::string_view key = SLUICE_TRY(keys_.write(record));
    const std::size_t mark = out.mark();
    SLUICE_TRY(writer_.append(batch, record, out.bytes()));
    const ByteRange value = out.since(mark);
    out.header(out.copy("content-type"), out.copy(kContentType));
    out.add(key.empty() ? std::nullopt : std::optional(out.copy(key)), value);
    return {};
  }

 private:
  CloudEventWriter writer_;
  MessageKeyWriter keys_;
};

class CloudEventLines final : public Encoder {
 public:
  explicit CloudEventLines(const CloudEventsOptions& options) : writer_(options) {}
  Status encode(const Batch& batch, const Record& record, std::string& out) override {
    SLUICE_TRY(writer_.append(batch, record, out));
    out += '\n';
    return {};
  }

 private:
  CloudEventWriter writer_;
};

}  // namespace

const ConfigFields<CloudEventsOptions>& CloudEventsOptions::fields() {
  static const auto kFields =
      ConfigFields<CloudEventsOptions>{}
          .optional("source", &CloudEventsOptions::source, "The events' source; default: the name of the record's source.")
          .optional("type", &CloudEventsOptions::type, "What stands before the operation in the events' type.");
  return kFields;
}

std::unique_ptr<MessageEncoder> make_cloudevents_messages(const CloudEventsOptions& options, const MessageContext& context) {
  return std::make_unique<CloudEventMessages>(options, context);
}

std::unique_ptr<Encoder> make_cloudevents_lines(const CloudEventsOptions& options) { return std::make_unique<CloudEventLines>(options); }

}  // namespace sluice
