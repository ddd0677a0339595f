#pragma once
// CloudEvents 1.0 (github.com/cloudevents/spec), JSON format, structured mode: one event a record.
//
//   {"specversion":"1.0","id":<meta.id>,"source":<the source's name>,"type":"sluice.insert","subject":"public.orders",
//    "time":"2026-01-31T13:59:01.000250Z","datacontenttype":"application/json","data":{<the row as `json` writes it>}}
//
// `time` is the source's and is left out where it does not know; a delete's data are the columns of `before`.  Columns that the log left
// out are no part of the data but named by the extension "sluiceunchanged" ("a,b").

#include <memory>
#include <string>

#include "core/config_fields.h"

namespace sluice {

class Encoder;
class MessageEncoder;
struct MessageContext;

struct CloudEventsOptions {
  std::string source;            // empty: the name of the record's source
  std::string type = "sluice.";  // before the operation's name

  bool operator==(const CloudEventsOptions&) const = default;
  static const ConfigFields<CloudEventsOptions>& fields();
};

// Messages carry the header "content-type" that the Kafka protocol binding asks for; the key is the record's.
std::unique_ptr<MessageEncoder> make_cloudevents_messages(const CloudEventsOptions& options, const MessageContext& context);
std::unique_ptr<Encoder> make_cloudevents_lines(const CloudEventsOptions& options);

}  // namespace sluice
