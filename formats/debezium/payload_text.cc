#include "formats/debezium/payload_text.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "formats/debezium/java_number.h"

namespace sluice::debezium {

namespace {

constexpr std::size_t kIntegerBytes = 24;

}  // namespace

void append_integer(std::int64_t number, TextBuffer& out) {
  char* const at = out.room(kIntegerBytes);
  out.end_at(std::to_chars(at, at + kIntegerBytes, number).ptr);
}

void append_double(double value, TextBuffer& out) {
  char* at = out.room(kJavaNumberBytes + 2);
  const bool finite = std::isfinite(value);
  if (!finite) *at++ = '"';
  at = write_java_double(at, value);
  if (!finite) *at++ = '"';
  out.end_at(at);
}

void append_float(float value, TextBuffer& out) {
  char* at = out.room(kJavaNumberBytes + 2);
  const bool finite = std::isfinite(value);
  if (!finite) *at++ = '"';
  at = write_java_float(at, value);
  if (!finite) *at++ = '"';
  out.end_at(at);
}

bool parse_double(std::string_view text, double& out) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error == std::errc::result_out_of_range) {  // as Double.parseDouble: zero or infinity
    const bool tiny = text.find("e-") != std::string_view::npos || text.find("0.0") != std::string_view::npos;
    out = tiny ? 0.0 : std::numeric_limits<double>::infinity();
    if (text.front() == '-') out = -out;
    return true;
  }
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace sluice::debezium
