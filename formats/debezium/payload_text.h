#pragma once
// Numbers in Debezium's JSON, and numbers read from PostgreSQL's text.

#include <cstdint>
#include <string_view>

#include "formats/text_buffer.h"

namespace sluice::debezium {

void append_integer(std::int64_t number, TextBuffer& out);
// In Java's notation; NaN and the infinities in quotes.
void append_double(double value, TextBuffer& out);
void append_float(float value, TextBuffer& out);

// As Double.parseDouble: what is too large is infinite, what is too small is 0.  False for what is no number.
bool parse_double(std::string_view text, double& out);

}  // namespace sluice::debezium
