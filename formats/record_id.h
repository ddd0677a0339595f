#pragma once
// The identity of a record as `meta.id` writes it: "<source>/<partition>/<major>/<minor>" and, for one of several that a step made, its
// number.

#include <string>
#include <string_view>

#include "core/batch.h"
#include "core/record.h"
#include "formats/text_buffer.h"

namespace sluice {

// Appends it without quotes or escapes.
void write_record_id(const Batch& batch, const Record& record, TextBuffer& out);

}  // namespace sluice
