#include "formats/message_json.h"

#include <string>

#include "formats/message_key.h"

namespace sluice {

namespace {

// What a message holds is one record, so there is no first line that names the columns: a CSV message is its line alone, of the columns
// that the format names or else of the record's own.
class LineMessageEncoder final : public MessageEncoder {
 public:
  LineMessageEncoder(const CodecConfig& config, const MessageContext& context)
      : config_(config), own_columns_(config.format == Format::kCsv && config.csv.columns.empty()), keys_(context.key_paths) {}

  Status encode(const Batch& batch, const Record& record, MessageBuffer& out) override {
    const std::string_view key = SLUICE_TRY(keys_.write(record));
    line_.clear();
    SLUICE_TRY(lines_of(record).encode(batch, record, line_));
    line_.pop_back();  // the line feed
    const auto key_range = key.empty() ? std::nullopt : std::optional(out.copy(key));
    out.add(key_range, out.copy(line_));
    return {};
  }

 private:
  // A CSV writer keeps to the columns of the first schema that it meets.
  Encoder& lines_of(const Record& record) {
    const std::uint64_t id = own_columns_ && record.schema != nullptr ? record.schema->id() : 0;
    if (lines_ != nullptr && id == lines_schema_) return *lines_;
    lines_ = make_encoder(config_);
    lines_schema_ = id;
    return *lines_;
  }

  const CodecConfig config_;
  const bool own_columns_;
  std::unique_ptr<Encoder> lines_;
  std::uint64_t lines_schema_ = 0;
  MessageKeyWriter keys_;
  std::string line_;
};

}  // namespace

std::unique_ptr<MessageEncoder> make_line_message_encoder(const CodecConfig& config, const MessageContext& context) {
  return std::make_unique<LineMessageEncoder>(config, context);
}

}  // namespace sluice
