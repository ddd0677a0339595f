#pragma once
// Records and values -> JSON text (the `json` format of COMPONENTS.md).
//
//   null                       null
//   bool, int64, uint64        as they are, exact
//   float64                    shortest text that reads back as the same double, always with '.' or 'e'; NaN and infinities, which JSON
//                              does not have, are the strings "NaN", "Infinity", "-Infinity"
//   decimal, uuid, bits        string
//   string                     string; only what RFC 8259 demands is escaped
//   bytes                      base64 (RFC 4648 section 4)
//   date and time types        RFC 3339 with microseconds (core/civil_time.h); intervals ISO 8601; durations "1.5s"
//   json                       as it is, line breaks between tokens as spaces
//   list, struct, map          array, object; keys of a map as text
//   unchanged                  omitted (G16)

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/batch.h"
#include "core/record.h"
#include "core/result.h"
#include "core/schema.h"
#include "core/value.h"

namespace sluice {

enum class JsonMeta : std::uint8_t { kInclude, kOmit };

// Appends to `out`.  Unchanged values at the top level become null.
void append_json_value(const Value& value, std::string& out);
// With quotes and escapes.
void append_json_string(std::string_view text, std::string& out);
// {"a":1,"b":"x"} without a line feed; unchanged columns are left out.  For dead letters and request bodies.
void append_json_row(const Schema& schema, std::span<const Value> row, std::string& out);
// Standard alphabet, padded.
void append_base64(std::string_view bytes, std::string& out);

// Writes records as lines: the row's fields, then
//   "_meta":{"op","source","schema","table","source_time","id","before_key","unchanged"}
// where what the source does not have is null, "before_key" (an object of the old key's columns) is there only when an update has
// changed the key (G17) and "unchanged" only when columns are left out.  A delete carries the columns of `before`.  One per thread: caches the keys of each schema.  No allocation per record once its buffers have grown.
class JsonWriter {
 public:
  explicit JsonWriter(JsonMeta meta = JsonMeta::kInclude);
  ~JsonWriter();
  JsonWriter(const JsonWriter&) = delete;
  JsonWriter& operator=(const JsonWriter&) = delete;

  // Appends one line with its line feed.  kBadRecord json_meta_conflict where the row itself has a field "_meta" (drop it, or
  // write with meta: false); `out` is as before then.
  Status append(const Batch& batch, const Record& record, std::string& out);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice
