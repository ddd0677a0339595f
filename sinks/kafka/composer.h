#pragma once
// From a record to messages with topic, key, value and headers.  One thread; its buffers are reused, so there is no allocation per record
// once they have grown.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/build_context.h"
#include "sinks/kafka/routing.h"

namespace sluice::sinks {

struct MessageHeader {
  std::string_view name, value;
};

class Composer {
 public:
  static Result<Composer> build(const KafkaSinkConfig& config, const BuildContext& context);

  // kBadRecord when the record has no topic, key, header or value.  What the other methods return is valid until the next call.
  Status compose(const Batch& batch, const Record& record);

  const std::vector<MessageBuffer::Message>& messages() const { return buffer_.messages(); }
  // The message's own topic, or the record's.
  const std::string& topic(const MessageBuffer::Message& message);
  // nullptr data: null on the wire.
  std::string_view key(const MessageBuffer::Message& message) const { return view(message.key); }
  std::string_view value(const MessageBuffer::Message& message) const { return view(message.value); }
  // The format's headers, then the user's.
  const std::vector<MessageHeader>& headers(const MessageBuffer::Message& message);

 private:
  struct HeaderTemplate {
    std::string name;
    std::unique_ptr<expr::Template> value;
  };

  explicit Composer(Routing routing) : routing_(std::move(routing)) {}
  std::string_view view(const std::optional<ByteRange>& range) const;

  Routing routing_;
  std::vector<HeaderTemplate> templates_;
  MessageBuffer buffer_;
  std::string record_topic_, own_topic_;
  std::string header_text_;               // values of the user's headers, one behind the other
  std::vector<std::size_t> header_ends_;  // as templates_
  std::vector<MessageHeader> headers_;
};

}  // namespace sluice::sinks
