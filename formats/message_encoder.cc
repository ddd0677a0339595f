#include "formats/message_encoder.h"

#include "formats/debezium/debezium_encoder.h"
#include "formats/message_json.h"

namespace sluice {

Result<std::unique_ptr<MessageEncoder>> make_message_encoder(const CodecConfig& config, const MessageContext& context) {
  if (config.format == Format::kDebezium) return debezium::make_debezium_messages(config.debezium, context);
  return make_line_message_encoder(config, context);
}

}  // namespace sluice
