#pragma once
// One row of `COPY ... TO STDOUT` in text format (PostgreSQL documentation, COPY, "Text Format"): fields between tabs, \N for null,
// backslash escapes.  The text of a field is what the type's output function gave, so the codecs of the stream read it.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/arena.h"
#include "core/value.h"
#include "sources/postgres_cdc/column_codec.h"

namespace sluice::sources::postgres {

// A value that could not be made, for the message.
struct BadField {
  std::size_t index = 0;
  std::string text;
};

enum class CopyRowState : std::uint8_t { kGood, kBadValue, kMalformed };

// `row` without its line end; `out` has as many values as there are codecs and is value-initialised.  `scratch` is reused memory.
// kMalformed: not as many fields as codecs.
CopyRowState decode_copy_row(std::string_view row, const std::vector<ColumnCodec>& codecs, Arena& arena, std::span<Value> out,
                             std::string& scratch, BadField& bad);

// The texts of the fields at `indices`, without escapes; empty where the row has no such field or it is null.
std::vector<std::string> copy_fields(std::string_view row, std::span<const std::uint32_t> indices);

}  // namespace sluice::sources::postgres
