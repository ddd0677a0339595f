#include "sinks/kafka/composer.h"

namespace sluice::sinks {

Result<Composer> Composer::build(const KafkaSinkConfig& config, const BuildContext& context) {
  Composer result(SLUICE_TRY(Routing::build(config, context)));
  for (const auto& [name, text] : config.headers) {
    result.templates_.push_back({name, SLUICE_TRY(expr::Template::compile(text, expr::Template::Encoding::kNone))});
  }
  return result;
}

Status Composer::compose(const Batch& batch, const Record& record) {
  buffer_.clear();
  header_text_.clear();
  header_ends_.clear();
  Routing::Route& route = routing_.find(record);
  SLUICE_TRY(routing_.topic(route, batch, record, record_topic_));
  for (const HeaderTemplate& header : templates_) {
    SLUICE_TRY(header.value->render(batch, record, header_text_));
    header_ends_.push_back(header_text_.size());
  }
  return route.encoder->encode(batch, record, buffer_);
}

const std::string& Composer::topic(const MessageBuffer::Message& message) {
  if (message.topic.begin == message.topic.end) return record_topic_;
  own_topic_ = buffer_.view(message.topic);
  return own_topic_;
}

std::string_view Composer::view(const std::optional<ByteRange>& range) const {
  if (!range) return {};
  const std::string_view text = buffer_.view(*range);
  return text.data() != nullptr ? text : std::string_view("");
}

const std::vector<MessageHeader>& Composer::headers(const MessageBuffer::Message& message) {
  headers_.clear();
  for (std::uint32_t i = 0; i < message.header_count; ++i) {
    const MessageBuffer::Header& header = buffer_.headers()[message.first_header + i];
    headers_.push_back({buffer_.view(header.name), buffer_.view(header.value)});
  }
  std::size_t begin = 0;
  for (std::size_t i = 0; i < templates_.size(); ++i) {
    headers_.push_back({templates_[i].name, std::string_view(header_text_).substr(begin, header_ends_[i] - begin)});
    begin = header_ends_[i];
  }
  return headers_;
}

}  // namespace sluice::sinks
