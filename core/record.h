#pragma once
// One change or row on its way through a pipeline.  Owns nothing: all that it points to lives with its Batch.

#include <cstdint>
#include <span>
#include <string_view>

#include "core/position.h"
#include "core/schema.h"
#include "core/value.h"

namespace sluice {

enum class Op : std::uint8_t { kRead, kInsert, kUpdate, kDelete, kTruncate, kMessage };

// "read", "insert", ...: the values of `meta.op`.
std::string_view op_name(Op op);

struct Record {
  Op op = Op::kRead;
  std::uint16_t partition = 0;  // index into Batch::partitions()
  std::uint32_t sub = 0;        // which of several records a step made of this one
  Ordinal ordinal;
  const Schema* schema = nullptr;        // of before, after and key; kept alive by the Batch
  std::span<const Value> before, after;  // as many values as the schema has fields, or empty where the operation has none
  std::span<const Value> key;            // the source's key, in the order of schema->key(); empty where there is none.
                                         // For an update that changed its key this is the new one; `before` has the old (G17).
  std::span<const Value> meta;           // slots of Batch::meta_schema() (file, lsn, headers, ...)
  const Schema* input_schema = nullptr;  // of `input`
  std::span<const Value> input;          // the row as the source made it, for dead letters (G19); empty until a step changes it
  std::string_view raw;                  // the original bytes, where there are any
  Value tags;                            // list of strings that `on_error: tag` added (meta.tags); null: none
  std::int64_t source_time = 0;          // microseconds since 1970 UTC as the origin reports it; 0: it does not

  // What `this` means: the after-image, or the before-image of a delete.
  std::span<const Value> row() const { return op == Op::kDelete && after.empty() ? before : after; }
};

}  // namespace sluice
