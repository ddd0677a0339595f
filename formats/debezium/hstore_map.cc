#include "formats/debezium/hstore_map.h"

#include <algorithm>

namespace sluice::debezium {

namespace {

constexpr std::size_t kFirstBuckets = 16;  // of a new HashMap, which doubles when it is three quarters full

struct HstoreParser {
  std::string_view text;
  std::size_t at = 0;

  void skip_spaces() {
    while (at < text.size() && text[at] == ' ') ++at;
  }
  bool take(std::string_view token) {
    skip_spaces();
    if (!text.substr(at).starts_with(token)) return false;
    at += token.size();
    return true;
  }
  bool quoted(std::string& out) {
    if (!take("\"")) return false;
    out.clear();
    for (; at < text.size() && text[at] != '"'; ++at) {
      if (text[at] == '\\') ++at;
      if (at < text.size()) out += text[at];
    }
    return take("\"");
  }
};

}  // namespace

std::uint32_t java_hash(std::string_view text) {
  std::uint32_t hash = 0;
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = [&](std::size_t offset) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i + offset])); };
    const std::size_t size = byte(0) < 0x80 ? 1 : byte(0) < 0xe0 ? 2 : byte(0) < 0xf0 ? 3 : 4;
    if (i + size > text.size()) break;
    std::uint32_t code = size == 1 ? byte(0) : byte(0) & (0x7fU >> size);
    for (std::size_t k = 1; k < size; ++k) code = code << 6 | (byte(k) & 0x3f);
    if (code >= 0x10000) {
      hash = hash * 31 + (0xd800 + ((code - 0x10000) >> 10));
      code = 0xdc00 + (code & 0x3ff);
    }
    hash = hash * 31 + code;
    i += size;
  }
  return hash;
}

bool HstoreMap::parse(std::string_view text) {
  HstoreParser parser{text};
  parser.skip_spaces();
  while (parser.at < text.size()) {
    Entry entry;
    std::string value;
    if (!parser.quoted(entry.key) || !parser.take("=>")) return false;
    if (!parser.take("NULL")) {
      if (!parser.quoted(value)) return false;
      entry.value = std::move(value);
    }
    entries_.push_back(std::move(entry));
    if (!parser.take(",")) break;
  }
  parser.skip_spaces();
  return parser.at == text.size();
}

std::uint32_t java_bucket(std::string_view key, std::size_t entries) {
  std::size_t buckets = kFirstBuckets;
  while (entries > buckets / 4 * 3) buckets *= 2;
  const std::uint32_t hash = java_hash(key);
  return (hash ^ hash >> 16) & static_cast<std::uint32_t>(buckets - 1);
}

void HstoreMap::order() {
  for (Entry& entry : entries_) entry.bucket = java_bucket(entry.key, entries_.size());
  std::stable_sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) { return a.bucket < b.bucket; });
}

bool HstoreMap::read(const Value& value) {
  entries_.clear();
  if (value.type() == Value::Type::kMap) {
    for (const MapEntry& entry : value.as_map()) {
      if (!entry.key.is_text() || !(entry.value.is_text() || entry.value.is_null())) return false;
      entries_.push_back(
          {std::string(entry.key.as_text()), entry.value.is_null() ? std::nullopt : std::optional(std::string(entry.value.as_text())), 0});
    }
  } else if (!value.is_text() || !parse(value.as_text())) {
    return false;
  }
  order();
  return true;
}

}  // namespace sluice::debezium
