#pragma once
// Records -> messages for brokers: a key, a value, headers; one record may make several (Debezium's change of key) or none.
// Lines for files and HTTP bodies are codec.h's Encoder.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/batch.h"
#include "core/record.h"
#include "core/result.h"
#include "formats/codec.h"

namespace sluice {

// Bytes of a MessageBuffer, from `begin` up to `end`.
struct ByteRange {
  std::size_t begin = 0, end = 0;
};

// Messages in one reused buffer: no allocation per record once it has grown.  Views are valid until the next append or clear.
class MessageBuffer {
 public:
  using Range = ByteRange;
  struct Header {
    Range name, value;
  };
  struct Message {
    std::optional<Range> key, value;  // nullopt: null on the wire; a message without a value is a tombstone
    Range topic;                      // empty: where the sink sends this record
    std::uint32_t first_header = 0, header_count = 0;
  };

  void clear() {
    bytes_.clear();
    headers_.clear();
    messages_.clear();
  }
  // The text being built: append to it, then name the part with since().
  std::string& bytes() { return bytes_; }
  std::size_t mark() const { return bytes_.size(); }
  Range since(std::size_t mark) const { return {mark, bytes_.size()}; }
  Range copy(std::string_view text) {
    const std::size_t start = mark();
    bytes_.append(text);
    return since(start);
  }
  // Headers belong to the message that is added next.
  void header(Range name, Range value) { headers_.push_back({name, value}); }
  void add(std::optional<Range> key, std::optional<Range> value, Range topic = {}) {
    const std::uint32_t first = messages_.empty() ? 0 : messages_.back().first_header + messages_.back().header_count;
    messages_.push_back({key, value, topic, first, static_cast<std::uint32_t>(headers_.size()) - first});
  }

  const std::vector<Message>& messages() const { return messages_; }
  const std::vector<Header>& headers() const { return headers_; }
  std::string_view view(Range range) const { return std::string_view(bytes_).substr(range.begin, range.end - range.begin); }

 private:
  std::string bytes_;
  std::vector<Header> headers_;
  std::vector<Message> messages_;
};

// What a broker sink knows and the format needs.
struct MessageContext {
  std::string pipeline, component;     // for the formats that name the connector
  std::vector<std::string> key_paths;  // `key:` of the sink; empty: the key of the source
};

// One thread.
class MessageEncoder {
 public:
  virtual ~MessageEncoder() = default;

  // Appends the messages of one record.  kBadRecord on failure; `out` is as before then.
  virtual Status encode(const Batch& batch, const Record& record, MessageBuffer& out) = 0;
};

// For every format that CodecConfig can name.  `json` and `csv`: the value is the line without its line feed, the key a JSON object of
// the key's columns ({"id":1}) or null where there is no key.
Result<std::unique_ptr<MessageEncoder>> make_message_encoder(const CodecConfig& config, const MessageContext& context);

}  // namespace sluice
