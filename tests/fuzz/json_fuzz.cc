// Any bytes as a JSON line: no crash, no read out of bounds; what is accepted is valid for simdjson too, and is written as JSON that reads
// back as the same row.
#include <simdjson.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "formats/json_reader.h"
#include "formats/json_writer.h"

namespace {

using namespace sluice;

void require(bool holds) {
  if (!holds) std::abort();
}

bool is_stricter_here(std::string_view code) {
  return code == "json_duplicate_key" || code == "json_not_object" || code == "json_fields" || code == "json_number_range" ||
         code == "json_depth";
}

void check(const JsonRow& row, Batch& batch, JsonReader& reader) {
  std::string text;
  append_json_row(*row.schema, row.values, text);
  const auto again = reader.read_copy(text, batch);
  require(again.has_value() && again->schema == row.schema);
  for (std::size_t i = 0; i < row.values.size(); ++i) {
    // A decimal is written as text: it reads back as a string.
    std::string first, second;
    append_json_value(row.values[i], first);
    append_json_value(again->values[i], second);
    require(first == second);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const auto origin = std::make_shared<BatchOrigin>(BatchOrigin{"fuzz", nullptr});
  SchemaPool pool;
  JsonReader reader(pool);
  Batch batch(origin, 0);
  // Exactly the promised padding and nothing behind it, filled with what would continue a number or a text.
  auto memory = std::make_unique<char[]>(size + JsonReader::kPadding);
  if (size != 0) std::memcpy(memory.get(), data, size);
  std::memset(memory.get() + size, '1', JsonReader::kPadding);
  const auto row = reader.read({memory.get(), size}, batch);
  simdjson::dom::parser parser;
  simdjson::dom::element element;
  const auto error = parser.parse(text.data(), size).get(element);
  if (row) {
    require(error == simdjson::SUCCESS || error == simdjson::NUMBER_ERROR);
    check(*row, batch, reader);
  } else if (error == simdjson::SUCCESS) {
    const bool lone_surrogate = text.find("\\u") != std::string_view::npos;  // some lone surrogates pass in simdjson 3.0
    require(is_stricter_here(row.error().code()) || lone_surrogate);
  }
  return 0;
}
