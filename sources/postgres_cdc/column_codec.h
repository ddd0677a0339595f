#pragma once
// How the text of a PostgreSQL value becomes a Value.  The session that sends it has datestyle ISO, timezone UTC, intervalstyle
// iso_8601 and bytea_output hex (connection.cc), so that there is one form of each.
//
//   bool                        kBool             numeric                      kDecimal, digits and scale as they are; NaN, Infinity
//   int2 int4 int8 oid          kInt64            text varchar bpchar name     kString; so are enums and every type not named here
//   float4 float8               kFloat64          json jsonb / uuid            kJson / kUuid
//   bytea                       kBytes            bit varbit                   kBits
//   date time timetz            kDate kTime kTimeTz, infinity and years BC included
//   timestamp timestamptz       kLocalTimestamp kTimestamp; moments after 294247-01-10T04:00:54.775805Z, which do not fit, are kString in
//                               the form of the others ("+294276-12-31T23:59:59.999999Z")
//   interval                    kInterval; infinity (PostgreSQL 17) is all three parts at their largest, as the server stores it
//   arrays of these             kList, nested for several dimensions; one with a lower bound other than 1 is kString, as the server
//                               spells it ("[0:1]={7,8}"), because a list could not say so (decision 0040)
//   "char"                      kString; a byte over 127 as "\\377", the form of newer servers, on older ones too

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/arena.h"
#include "core/value.h"

namespace sluice::sources::postgres {

enum class TextFormat : std::uint8_t {
  kBool,
  kInteger,
  kFloat,
  kDecimal,
  kString,
  kBytes,
  kDate,
  kTime,
  kTimeTz,
  kTimestamp,
  kTimestampTz,
  kInterval,
  kBits,
  kUuid,
  kJson,
  kChar
};

struct ColumnCodec {
  TextFormat format = TextFormat::kString;  // of the elements if `is_array`
  bool is_array = false;
  char delimiter = ',';  // between the elements: pg_type.typdelim
  bool operator==(const ColumnCodec&) const = default;
};

// By the oids of pg_type.dat, which never change; nullopt for an oid that is not the server's own (>= 16384) or not known here.
std::optional<ColumnCodec> builtin_codec(std::uint32_t type_oid);

// Of the values that decode() makes.
Value::Type value_type(const ColumnCodec& codec);

// False: not of that form, or not representable; `out` is unspecified then.  Long text, lists and intervals go to `arena`.  No
// allocation but the arena's.
bool decode_text(const ColumnCodec& codec, std::string_view text, Arena& arena, Value& out);

// One element or plain value.
bool decode_scalar(TextFormat format, std::string_view text, Arena& arena, Value& out);

// PostgreSQL's array text, "{1,NULL,\"a b\"}" or "[0:1]={...}" (documentation, "Array Input and Output Syntax").
bool decode_array(const ColumnCodec& codec, std::string_view text, Arena& arena, Value& out);

}  // namespace sluice::sources::postgres
