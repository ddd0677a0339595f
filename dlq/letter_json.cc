#include "dlq/letter_json.h"

#include "core/civil_time.h"
#include "formats/json_writer.h"

namespace sluice::dlq {

namespace {

// `json` as it is.
void append_raw_member(std::string_view name, std::string_view json, std::string& out) {
  if (out.back() != '{') out += ',';
  out += '"';
  out += name;
  out += "\":";
  out += json;
}

void append_number(std::string_view name, std::uint64_t number, std::string& out) { append_raw_member(name, std::to_string(number), out); }

void append_member(std::string_view name, std::string_view text, std::string& out) {
  append_raw_member(name, "", out);
  append_json_string(text, out);
}

void append_time(std::string_view name, std::int64_t microseconds, std::string& out) {
  char text[kTimeTextBytes];
  append_member(name, {text, static_cast<std::size_t>(write_timestamp(text, microseconds) - text)}, out);
}

}  // namespace

void append_letter_json(const StoredLetter& letter, std::string& out) {
  out += '{';
  append_raw_member("id", std::to_string(letter.id), out);
  append_member("pipeline", letter.pipeline, out);
  append_member("stage", letter.stage, out);
  append_member("phase", letter.phase, out);
  append_member("component", letter.component, out);
  append_member("code", letter.code, out);
  append_member("message", letter.message, out);
  append_member("source", letter.source, out);
  append_member("partition", letter.partition, out);
  append_raw_member("ordinal", "[\"" + std::to_string(letter.ordinal.major) + "\",\"" + std::to_string(letter.ordinal.minor) + "\"]", out);
  append_number("sub", letter.sub, out);
  append_raw_member("key", letter.key.empty() ? "null" : letter.key, out);
  append_time("first_seen", letter.first_seen, out);
  append_time("last_seen", letter.last_seen, out);
  append_raw_member("attempts", std::to_string(letter.attempts), out);
  append_member("state", letter.state, out);
  append_member("config_hash", letter.config_hash, out);
  if (letter.sinks) append_raw_member("sinks", *letter.sinks, out);
  if (letter.note) append_member("note", *letter.note, out);
  if (letter.raw) {
    append_raw_member("raw_base64", "\"", out);
    append_base64(*letter.raw, out);
    out += '"';
  }
  if (letter.input) append_raw_member("input", *letter.input, out);
  if (letter.record) append_raw_member("record", *letter.record, out);
  out += '}';
}

void append_total_json(const LetterTotal& total, std::string& out) {
  out += '{';
  if (!total.stage.empty()) append_member("stage", total.stage, out);
  if (!total.code.empty()) append_member("code", total.code, out);
  append_number("count", total.count, out);
  append_number("pending", total.pending, out);
  append_number("open", total.open, out);
  append_number("replaying", total.replaying, out);
  append_number("replayed", total.replayed, out);
  append_number("discarded", total.discarded, out);
  append_time("first_seen", total.first_seen, out);
  append_time("last_seen", total.last_seen, out);
  out += '}';
}

}  // namespace sluice::dlq
