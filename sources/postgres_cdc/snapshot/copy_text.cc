#include "sources/postgres_cdc/snapshot/copy_text.h"

#include <cstring>
#include <utility>

namespace sluice::sources::postgres {

namespace {

constexpr std::string_view kNull = "\\N";

// Cuts the next field off `rest`; `more` is false for the last one.
std::string_view next_field(std::string_view& rest, bool& more) {
  const void* tab = rest.empty() ? nullptr : std::memchr(rest.data(), '\t', rest.size());
  more = tab != nullptr;
  if (!more) return std::exchange(rest, {});
  const auto size = static_cast<std::size_t>(static_cast<const char*>(tab) - rest.data());
  const std::string_view field = rest.substr(0, size);
  rest.remove_prefix(size + 1);
  return field;
}

bool has_escape(std::string_view text) { return !text.empty() && std::memchr(text.data(), '\\', text.size()) != nullptr; }

// The server writes only these; octal and hexadecimal escapes are for its input side.
char escaped(char c) {
  switch (c) {
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'v': return '\v';
    default: return c;
  }
}

void unescape(std::string_view text, std::string& out) {
  out.clear();
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '\\' && i + 1 < text.size();
    out += escape ? escaped(text[++i]) : text[i];
  }
}

}  // namespace

CopyRowState decode_copy_row(std::string_view row, const std::vector<ColumnCodec>& codecs, Arena& arena, std::span<Value> out,
                             std::string& scratch, BadField& bad) {
  if (codecs.empty()) return row.empty() ? CopyRowState::kGood : CopyRowState::kMalformed;
  const bool any_escape = has_escape(row);
  bool more = true;
  for (std::size_t i = 0; i < codecs.size(); ++i) {
    if (!more) return CopyRowState::kMalformed;
    std::string_view text = next_field(row, more);
    if (any_escape && has_escape(text)) {
      if (text == kNull) continue;
      unescape(text, scratch);
      text = scratch;
    }
    if (decode_text(codecs[i], text, arena, out[i])) continue;
    bad = {i, std::string(text.substr(0, 100))};
    return CopyRowState::kBadValue;
  }
  return more ? CopyRowState::kMalformed : CopyRowState::kGood;
}

std::vector<std::string> copy_fields(std::string_view row, std::span<const std::uint32_t> indices) {
  std::vector<std::string> fields;
  for (const std::uint32_t index : indices) {
    std::string_view rest = row;
    std::string_view field;
    bool more = true;
    for (std::uint32_t i = 0; i <= index && more; ++i) field = next_field(rest, more);
    unescape(field == kNull ? std::string_view() : field, fields.emplace_back());
  }
  return fields;
}

}  // namespace sluice::sources::postgres
