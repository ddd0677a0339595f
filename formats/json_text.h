#pragma once
// Values -> JSON text in a TextBuffer; what json_writer.h and csv_writer.h are made of.

#include <string_view>

#include "core/value.h"
#include "formats/text_buffer.h"

namespace sluice {

// With quotes and escapes.
void write_json_string(std::string_view text, TextBuffer& out);
void write_json_value(const Value& value, TextBuffer& out);
void write_base64(std::string_view bytes, TextBuffer& out);

// Shortest text that reads back as `value`; "NaN", "Infinity", "-Infinity".  Writes at `out`, which has room for kDoubleTextBytes.
inline constexpr std::size_t kDoubleTextBytes = 40;
char* write_double(char* out, double value);

}  // namespace sluice
