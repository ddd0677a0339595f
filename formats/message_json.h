#pragma once
// The message encoder of the line formats (json, csv).

#include <memory>

#include "formats/message_encoder.h"

namespace sluice {

std::unique_ptr<MessageEncoder> make_line_message_encoder(const CodecConfig& config, const MessageContext& context);

}  // namespace sluice
