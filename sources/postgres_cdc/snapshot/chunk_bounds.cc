#include "sources/postgres_cdc/snapshot/chunk_bounds.h"

#include <algorithm>
#include <charconv>

#include "storage/durable_file.h"

namespace sluice::sources::postgres {

namespace {

constexpr std::string_view kHeader = "sluice chunk bounds 1\n";

// Entries are keys of three fields: partition, chunk, key.
std::string entry_text(const std::string& partition, std::uint64_t chunk, const KeyText& end) {
  const std::string fields = encode_key({partition, std::to_string(chunk), encode_key(end)});
  return encode_key({fields});
}

}  // namespace

Status ChunkBounds::load() {
  partitions_.clear();
  if (path_.empty()) return {};
  const std::optional<std::string> content = SLUICE_TRY(storage::read_file(path_));
  if (content && !parse(*content)) partitions_.clear();
  return {};
}

bool ChunkBounds::parse(std::string_view content) {
  if (!content.starts_with(kHeader)) return false;
  const std::optional<KeyText> entries = decode_key(content.substr(kHeader.size()));
  if (!entries) return false;
  for (const std::string& entry : *entries) {
    const std::optional<KeyText> fields = decode_key(entry);
    if (!fields || fields->size() != 3) return false;
    const std::string& number = (*fields)[1];
    std::uint64_t chunk = 0;
    std::from_chars(number.data(), number.data() + number.size(), chunk);
    std::optional<KeyText> end = decode_key((*fields)[2]);
    if (!end) return false;
    partitions_[(*fields)[0]].insert_or_assign(chunk, *std::move(end));
  }
  return true;
}

Status ChunkBounds::save() const {
  if (path_.empty()) return {};
  std::string content(kHeader);
  for (const auto& [partition, ends] : partitions_) {
    for (const auto& [chunk, end] : ends) content += entry_text(partition, chunk, end);
  }
  return storage::replace_file(path_, content, faults_, "postgres_snapshot");
}

Status ChunkBounds::put(const std::string& partition, std::uint64_t chunk, const KeyText& end) {
  partitions_[partition].insert_or_assign(chunk, end);
  return save();
}

std::optional<KeyText> ChunkBounds::find(const std::string& partition, std::uint64_t chunk) const {
  const auto ends = partitions_.find(partition);
  if (ends == partitions_.end()) return std::nullopt;
  const auto end = ends->second.find(chunk);
  return end == ends->second.end() ? std::nullopt : std::optional(end->second);
}

std::optional<KeyText> ChunkBounds::newest_end(const std::string& partition) const {
  const auto ends = partitions_.find(partition);
  if (ends == partitions_.end() || ends->second.empty() || ends->second.rbegin()->first == 0) return std::nullopt;
  return ends->second.rbegin()->second;
}

std::uint32_t ChunkBounds::newest_generation(const std::string& table) const {
  std::uint32_t newest = 0;
  for (const auto& [name, ends] : partitions_) {
    const auto partition = SnapshotPartition::parse(name);
    if (partition && partition->table == table) newest = std::max(newest, partition->generation);
  }
  return newest;
}

void ChunkBounds::forget_before(const std::string& partition, std::uint64_t chunk) {
  const auto ends = partitions_.find(partition);
  if (ends != partitions_.end()) ends->second.erase(ends->second.begin(), ends->second.lower_bound(chunk));
}

}  // namespace sluice::sources::postgres
