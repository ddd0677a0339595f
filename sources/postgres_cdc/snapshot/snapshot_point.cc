#include "sources/postgres_cdc/snapshot/snapshot_point.h"

#include "sources/postgres_cdc/position_words.h"

namespace sluice::sources::postgres {

namespace {

constexpr std::string_view kVersion = "ss1";
constexpr std::string_view kFolder = "snapshot";

std::string_view state_name(SnapshotPoint::State state) {
  switch (state) {
    case SnapshotPoint::State::kByKeys: return "keys";
    case SnapshotPoint::State::kByBlocks: return "blocks";
    case SnapshotPoint::State::kFinished: break;
  }
  return "done";
}

}  // namespace

std::string encode_key(const KeyText& key) {
  std::string text;
  for (const std::string& column : key) text += std::to_string(column.size()) + ':' + column;
  return text;
}

std::optional<KeyText> decode_key(std::string_view text) {
  KeyText key;
  while (!text.empty()) {
    const std::size_t colon = text.find(':');
    std::size_t size = 0;
    if (colon == std::string_view::npos || !parse_number(text.substr(0, colon), size)) return std::nullopt;
    text.remove_prefix(colon + 1);
    if (size > text.size()) return std::nullopt;
    key.emplace_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return key;
}

std::string SnapshotPoint::encode() const {
  std::string text(kVersion);
  text += ' ' + system_id + ' ' + std::to_string(table) + ' ';
  text += state_name(state);
  if (state == State::kByKeys) text += ' ' + encode_key(last);
  return text;
}

std::optional<SnapshotPoint> SnapshotPoint::decode(std::string_view text) {
  if (next_word(text) != kVersion) return std::nullopt;
  SnapshotPoint point;
  point.system_id = next_word(text);
  if (!parse_number(next_word(text), point.table)) return std::nullopt;
  const std::string_view state = next_word(text);
  if (state == "blocks") point.state = State::kByBlocks;
  if (state == "done") point.state = State::kFinished;
  if (state != state_name(point.state)) return std::nullopt;
  if (point.state != State::kByKeys) return text.empty() ? std::optional(point) : std::nullopt;
  std::optional<KeyText> key = decode_key(text);
  if (!key || key->empty()) return std::nullopt;
  point.last = *std::move(key);
  return point;
}

std::string SnapshotPartition::text() const {
  const std::string folder(kFolder);
  if (moved) return folder + '@' + std::to_string(moved->major) + '.' + std::to_string(moved->minor) + '/' + table;
  return generation == 1 ? folder + '/' + table : folder + '~' + std::to_string(generation) + '/' + table;
}

std::optional<SnapshotPartition> SnapshotPartition::parse(std::string_view text) {
  if (!text.starts_with(kFolder)) return std::nullopt;
  text.remove_prefix(kFolder.size());
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  SnapshotPartition partition;
  partition.table = text.substr(slash + 1);
  if (slash == 0) return partition;
  if (text[0] == '@') {
    const std::size_t dot = text.find('.');
    Ordinal& moved = partition.moved.emplace();
    if (dot >= slash || !parse_number(text.substr(1, dot - 1), moved.major) ||
        !parse_number(text.substr(dot + 1, slash - dot - 1), moved.minor))
      return std::nullopt;
    return partition;
  }
  if (text[0] != '~' || !parse_number(text.substr(1, slash - 1), partition.generation)) return std::nullopt;
  return partition;
}

}  // namespace sluice::sources::postgres
