#include <simdjson.h>

#include <charconv>

#include "core/civil_time.h"
#include "daemon/client/letter_answers_internal.h"

namespace sluice::client {

namespace {

namespace ondemand = simdjson::ondemand;

std::string text_of(ondemand::value value) { return std::string(std::string_view(value.get_string())); }

std::int64_t time_of(ondemand::value value) {
  const auto time = parse_timestamp(std::string_view(value.get_string()));
  return time ? time->as_int64() : 0;
}

std::uint64_t number_of(std::string_view text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

Ordinal ordinal_of(ondemand::value value) {
  std::uint64_t parts[2] = {};
  std::size_t i = 0;
  for (auto part : value.get_array()) {
    const std::string_view text = part.get_string();
    if (i < 2) parts[i++] = number_of(text);
  }
  return {parts[0], parts[1]};
}

std::string raw_object(ondemand::value value) {
  ondemand::object object = value.get_object();
  return std::string(std::string_view(object.raw_json()));
}

std::string raw_array(ondemand::value value) {
  ondemand::array array = value.get_array();
  return std::string(std::string_view(array.raw_json()));
}

std::string bytes_of(std::string_view base64) {
  std::string bytes;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : base64) {
    const int digit = c >= 'A' && c <= 'Z'   ? c - 'A'
                      : c >= 'a' && c <= 'z' ? c - 'a' + 26
                      : c >= '0' && c <= '9' ? c - '0' + 52
                      : c == '+'             ? 62
                      : c == '/'             ? 63
                                             : -1;
    if (digit < 0) break;  // the padding
    bits = (bits << 6U | static_cast<std::uint32_t>(digit)) & 0xffffffU;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> static_cast<unsigned>(count) & 0xffU);
  }
  return bytes;
}

void take_content(std::string_view name, ondemand::value value, dlq::StoredLetter& letter) {
  if (name == "key" && !value.is_null()) letter.key = raw_object(value);
  if (name == "sinks") letter.sinks = raw_array(value);
  if (name == "note") letter.note = text_of(value);
  if (name == "raw_base64") letter.raw = bytes_of(std::string_view(value.get_string()));
  if (name == "input") letter.input = raw_object(value);
  if (name == "record") letter.record = raw_object(value);
}

dlq::StoredLetter read_letter(ondemand::object object) {
  struct Text {
    std::string_view name;
    std::string dlq::StoredLetter::*member;
  };
  using Letter = dlq::StoredLetter;
  constexpr Text kTexts[] = {{"pipeline", &Letter::pipeline},      {"stage", &Letter::stage},         {"phase", &Letter::phase},
                             {"component", &Letter::component},    {"code", &Letter::code},           {"message", &Letter::message},
                             {"source", &Letter::source},          {"partition", &Letter::partition}, {"state", &Letter::state},
                             {"config_hash", &Letter::config_hash}};
  Letter letter;
  for (auto field : object) {
    const std::string_view name = field.unescaped_key();
    ondemand::value value = field.value();
    bool known = false;
    for (const Text& text : kTexts) {
      if (text.name != name) continue;
      letter.*text.member = text_of(value);
      known = true;
    }
    if (known) continue;
    if (name == "id") {
      letter.id = value.get_int64();
    } else if (name == "attempts") {
      letter.attempts = value.get_int64();
    } else if (name == "sub") {
      letter.sub = static_cast<std::uint32_t>(std::uint64_t(value.get_uint64()));
    } else if (name == "ordinal") {
      letter.ordinal = ordinal_of(value);
    } else if (name == "first_seen") {
      letter.first_seen = time_of(value);
    } else if (name == "last_seen") {
      letter.last_seen = time_of(value);
    } else {
      take_content(name, value, letter);
    }
  }
  return letter;
}

}  // namespace

std::optional<dlq::StoredLetter> letter_of(const std::string& json) {
  try {
    ondemand::parser parser;
    const simdjson::padded_string text(json);
    ondemand::document document = parser.iterate(text);
    return read_letter(document.get_object());
  } catch (const simdjson::simdjson_error&) {
    return std::nullopt;
  }
}

std::optional<std::vector<dlq::StoredLetter>> letters_of(const std::string& json) {
  try {
    ondemand::parser parser;
    const simdjson::padded_string text(json);
    ondemand::document document = parser.iterate(text);
    std::vector<dlq::StoredLetter> letters;
    for (auto letter : document["letters"].get_array()) letters.push_back(read_letter(letter.get_object()));
    return letters;
  } catch (const simdjson::simdjson_error&) {
    return std::nullopt;
  }
}

}  // namespace sluice::client
