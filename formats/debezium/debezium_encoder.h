#pragma once
// Records -> what Debezium 3.5.0 writes for PostgreSQL with Kafka Connect's JsonConverter (docs/formats/debezium.md).
//
//   read, insert   key, value with op r, c
//   update         key, value with op u; with a changed key three messages (G17): delete and tombstone under the old key, with the header
//                  __debezium.newkey, and a create under the new one, with the header __debezium.oldkey
//   delete         key, value with op d; key, no value (the tombstone)
//   truncate       no key, value with op t
//   message        key {"prefix"}, value with op m, topic <prefix>.message
//
// With transactions: true a block in each value and BEGIN and END in the topic <prefix>.transaction.  The records of a lane do not say
// where a transaction ends, so END comes before the first message of the next one.

#include <memory>
#include <string>
#include <vector>

#include "formats/codec.h"
#include "formats/debezium/options.h"
#include "formats/message_encoder.h"

namespace sluice::debezium {

std::unique_ptr<MessageEncoder> make_debezium_messages(const Options& options, const MessageContext& context);
// Values alone, one a line; tombstones and messages of other topics are left out.
std::unique_ptr<Encoder> make_debezium_lines(const Options& options);

}  // namespace sluice::debezium
