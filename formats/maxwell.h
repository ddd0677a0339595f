#pragma once
// Maxwell's JSON (github.com/zendesk/maxwell, docs/dataformat.md):
//
//   {"database":"public","table":"orders","type":"update","ts":1477053217,"xid":23396,"xoffset":2,"data":{...},"old":{...}}
//
//   type       insert, update, delete; bootstrap-insert for a row of a snapshot.  A truncate or a logical message makes nothing, as
//              Maxwell knows neither.
//   database   the schema, or the database where the origin has no schemas
//   ts         seconds since 1970 of the commit;  xid, xoffset: transaction and the row's place in it, from 0.  Maxwell marks the last
//              row with "commit":true instead: records do not say which is the last.
//   data       decimals as numbers with all their digits, json as JSON, bytes base64, times as "2026-01-31 13:59:01.000250" in UTC;
//              columns that the log left out are left out (G16)
//   old        of an update: the columns that changed, as they were, as far as the log says
//
// The key of a message is {"database":"public","table":"orders","pk.id":1}.  A changed key is one update (G17).

#include <memory>

#include "core/config_fields.h"

namespace sluice {

class Encoder;
class MessageEncoder;
struct MessageContext;

struct MaxwellOptions {
  bool primary_keys = false;  // "primary_key":[1],"primary_key_columns":["id"]
  bool position = false;      // "position":"16/B374D848"

  bool operator==(const MaxwellOptions&) const = default;
  static const ConfigFields<MaxwellOptions>& fields();
};

std::unique_ptr<MessageEncoder> make_maxwell_messages(const MaxwellOptions& options, const MessageContext& context);
std::unique_ptr<Encoder> make_maxwell_lines(const MaxwellOptions& options);

}  // namespace sluice
