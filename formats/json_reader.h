#pragma once
// Bytes of one JSON object -> a row of a batch.
//
// A hand-written single pass: each key is first compared with the key that followed the same keys last time, so that a record of a
// known shape costs one comparison of 8 or 16 bytes per key and no hash; text without escapes is borrowed from the input.
//
// How JSON maps to values (RFC 8259):
//   integer                  int64, uint64 above its range, beyond 2^64 a decimal: nothing is rounded
//   other number             float64 up to 17 significant digits (what a double's text can have), with more a decimal of the same text;
//                            out of a double's range a decimal where its plain text has at most kMaxDecimalDigits digits
//   string, true/false, null string, bool, null
//   object inside, array     map in the order written, list; nesting up to kMaxDepth
//   top-level object         row of a schema made of its keys in their order, up to kMaxFields
//
// Bad records (ErrorKind::kBadRecord; the message has the byte offset within the text):
//   json_syntax, json_not_object, json_depth, json_fields, json_number_range, invalid_utf8,
//   json_duplicate_key (also in nested objects: to keep the last one would lose data silently).

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "core/batch.h"
#include "core/result.h"
#include "core/schema.h"
#include "core/value.h"
#include "formats/text.h"

namespace sluice {

struct JsonRow {
  const Schema* schema = nullptr;  // kept alive by the batch
  std::span<const Value> values;   // in the batch's arena; longer text may point into the input
};

// One per thread; keeps scratch memory and the shapes it has met (bounded).  Outlived by its SchemaPool.
class JsonReader {
 public:
  // Bytes behind the text that must be readable (their content does not matter): the reader looks ahead in words.
  static constexpr std::size_t kPadding = 32;
  // Levels of nesting, the top-level object included.
  static constexpr std::size_t kMaxDepth = 1024;
  static constexpr std::size_t kMaxFields = 4096;
  static constexpr std::size_t kMaxDecimalDigits = 1000;

  explicit JsonReader(SchemaPool& schemas);
  ~JsonReader();
  JsonReader(const JsonReader&) = delete;
  JsonReader& operator=(const JsonReader&) = delete;

  // `text` is one object, white space around it allowed.  It must live as long as `batch` (in its arena) and be followed by kPadding
  // readable bytes: the row borrows from it.  On failure the batch is as before, but for unused bytes in its arena.
  Result<JsonRow> read(std::string_view text, Batch& batch, Utf8 utf8 = Utf8::kUnchecked);

  // The same for text that lives elsewhere: copied into the batch's arena first.
  Result<JsonRow> read_copy(std::string_view text, Batch& batch);

  // Any JSON value, an object as a map; copied into `arena`.  For columns and settings, not for the hot path.
  Result<Value> read_value(std::string_view text, Arena& arena);

 private:
  class Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace sluice
