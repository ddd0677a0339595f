// The baseline of `./dev bench json`: reads a file of JSON lines and parses every line with simdjson, visiting every value, and nothing
// else.  No pipeline can be cheaper than this.  Usage: simdjson_parse FILE; prints records and a checksum of what was seen.
#include <simdjson.h>

#include <cstdio>
#include <cstdlib>

namespace {

std::size_t visit(simdjson::dom::element element) {
  std::size_t sum = 1;
  if (element.is_object()) {
    for (const auto field : simdjson::dom::object(element)) sum += field.key.size() + visit(field.value);
  } else if (element.is_array()) {
    for (const auto item : simdjson::dom::array(element)) sum += visit(item);
  } else if (element.is_string()) {
    sum += std::string_view(element).size();
  } else if (element.is_int64()) {
    sum += static_cast<std::size_t>(std::int64_t(element) & 0xff);
  }
  return sum;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: simdjson_parse FILE\n", stderr);
    return EXIT_FAILURE;
  }
  simdjson::padded_string text;
  if (const auto error = simdjson::padded_string::load(argv[1]).get(text)) {
    std::fprintf(stderr, "%s: %s\n", argv[1], simdjson::error_message(error));
    return EXIT_FAILURE;
  }
  simdjson::dom::parser parser;
  simdjson::dom::document_stream lines;
  if (const auto error = parser.parse_many(text).get(lines)) {
    std::fprintf(stderr, "%s: %s\n", argv[1], simdjson::error_message(error));
    return EXIT_FAILURE;
  }
  std::size_t records = 0, sum = 0;
  for (const auto document : lines) {
    simdjson::dom::element element;
    if (document.get(element) != simdjson::SUCCESS) return EXIT_FAILURE;
    sum += visit(element);
    ++records;
  }
  std::printf("%zu records, checksum %zu\n", records, sum);
  return EXIT_SUCCESS;
}
