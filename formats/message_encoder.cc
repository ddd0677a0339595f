#include "formats/message_encoder.h"

#include "formats/debezium/debezium_encoder.h"
#include "formats/message_json.h"

namespace sluice {

Result<std::unique_ptr<MessageEncoder>> make_message_encoder(const CodecConfig& config, const MessageContext& context) {
  switch (config.format) {
    case Format::kDebezium: return debezium::make_debezium_messages(config.debezium, context);
    case Format::kMaxwell: return make_maxwell_messages(config.maxwell, context);
    case Format::kCloudEvents: return make_cloudevents_messages(config.cloudevents, context);
    default: break;
  }
  return make_line_message_encoder(config, context);
}

}  // namespace sluice
