#pragma once
// JSON text as Jackson 2.19 writes it in UTF-8, which is what Kafka Connect's JsonConverter uses: control characters as \u001F with
// upper-case digits, characters beyond the BMP as two \u escapes (a surrogate pair), everything else as it is.

#include <string>
#include <string_view>

#include "formats/text_buffer.h"

namespace sluice::debezium {

// In quotes.
void write_jackson_string(std::string_view text, TextBuffer& out);
// JSON inside a JSON string: Jackson's text for characters (not bytes), which keeps characters beyond the BMP; no quotes around it.
std::string jackson_text(std::string_view text);

}  // namespace sluice::debezium
