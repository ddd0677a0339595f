#include "sources/postgres_cdc/snapshot/snapshot_wishes.h"

#include <algorithm>
#include <optional>

#include "sources/postgres_cdc/position_words.h"
#include "sources/postgres_cdc/snapshot/snapshot_point.h"
#include "storage/durable_file.h"

namespace sluice::sources::postgres {

namespace {

constexpr std::string_view kHeader = "sluice snapshot wishes 1\n";

// Keys of two fields: table, generation.
std::optional<std::map<std::string, std::uint32_t>> parse(std::string_view content) {
  if (!content.starts_with(kHeader)) return std::nullopt;
  const std::optional<KeyText> entries = decode_key(content.substr(kHeader.size()));
  if (!entries) return std::nullopt;
  std::map<std::string, std::uint32_t> wishes;
  for (const std::string& entry : *entries) {
    const std::optional<KeyText> fields = decode_key(entry);
    std::uint32_t generation = 0;
    if (!fields || fields->size() != 2 || !parse_number((*fields)[1], generation)) return std::nullopt;
    wishes[fields->front()] = generation;
  }
  return wishes;
}

std::string text_of(const std::map<std::string, std::uint32_t>& wishes) {
  KeyText entries;
  for (const auto& [table, generation] : wishes) entries.push_back(encode_key({table, std::to_string(generation)}));
  return std::string(kHeader) + encode_key(entries);
}

}  // namespace

Status SnapshotWishes::load() {
  wishes_.clear();
  if (path_.empty()) return {};
  const std::optional<std::string> content = SLUICE_TRY(storage::read_file(path_));
  if (!content) return {};
  auto wishes = parse(*content);
  if (!wishes)
    return Error(
        ErrorKind::kFatal, "wishes_unreadable",
        "the note \"" + path_ + "\" of tables to read again cannot be understood (mend: remove it, and ask for the snapshot again)");
  wishes_ = *std::move(wishes);
  return {};
}

Status SnapshotWishes::add(const std::map<std::string, std::uint32_t>& wishes) {
  auto all = wishes_;
  for (const auto& [table, generation] : wishes) all[table] = std::max(all[table], generation);
  if (!path_.empty()) SLUICE_TRY(storage::replace_file(path_, text_of(all), faults_, "postgres_wishes"));
  wishes_ = std::move(all);
  return {};
}

std::uint32_t SnapshotWishes::generation(const std::string& table) const {
  const auto found = wishes_.find(table);
  return found == wishes_.end() ? 0 : found->second;
}

}  // namespace sluice::sources::postgres
