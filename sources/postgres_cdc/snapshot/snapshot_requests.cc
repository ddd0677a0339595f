// Tables that are read again because somebody asked for it (snapshot_wishes.h).
//
// The rows come under a new generation of the partition, merged with the stream like any others.  A table that is being read when the
// request comes is read to the end of its chunk and then begins anew: rows that went to the sinks before the request do not count.

#include <algorithm>

#include "sources/postgres_cdc/snapshot/snapshot_reader.h"

namespace sluice::sources::postgres {

namespace {

constexpr std::size_t kMostNamed = 10;  // tables in a message

Error unknown_table(const std::string& text, const std::vector<ListedTable>& tables) {
  std::string list;
  for (std::size_t i = 0; i < tables.size() && i < kMostNamed; ++i) list += (i == 0 ? "" : ", ") + tables[i].text();
  if (tables.size() > kMostNamed) list += " and " + std::to_string(tables.size() - kMostNamed) + " more";
  return {ErrorKind::kFatal, "unknown_table",
          "read \"" + text + "\" again: the pipeline reads no such table; write schema.table (it reads " + (list.empty() ? "none" : list) +
              ')'};
}

}  // namespace

Status SnapshotReader::request(std::span<const std::string> tables, const Checkpoint& from, std::stop_token stop) {
  const std::vector<ListedTable> listed = SLUICE_TRY(list(Missing::kAllowed, std::move(stop)));
  std::map<std::string, std::uint32_t> wishes;
  for (const std::string& text : tables) {
    TablePattern pattern;
    const bool readable = parse_table_pattern(text, pattern);
    bool found = false;
    for (const ListedTable& table : listed) {
      if (!readable || !pattern.matches(table.schema, table.name)) continue;
      wishes[table.text()] = next_generation(table.text(), from);
      found = true;
    }
    if (!found) return unknown_table(text, listed);
  }
  SLUICE_TRY(wishes_.add(wishes));
  const std::size_t before = tables_.size();
  const KnownTables known = known_tables(from);
  for (const ListedTable& table : listed) {
    if (!wishes.contains(table.text()) || done_.contains(table.text())) continue;
    const std::size_t planned = tables_.size();
    SLUICE_TRY(plan_table(table, known));
    if (anchor_ && tables_.size() > planned) ++postponed_;  // it may have been published since
  }
  begin_requested();
  note_joined(before);
  return {};
}

Result<bool> SnapshotReader::has_requests() {
  SLUICE_TRY(load_notes());
  return !wishes_.all().empty();
}

bool SnapshotReader::is_begun(const Work& work) const {
  return work.position || work.last || work.rows != 0 || bounds_.knows(work.partition.text());
}

std::uint32_t SnapshotReader::next_generation(const std::string& table, const Checkpoint& from) const {
  const auto work = std::find_if(tables_.begin(), tables_.end(), [&](const Work& each) { return each.is(table); });
  if (work != tables_.end()) return is_begun(*work) ? work->partition.generation + 1 : work->partition.generation;
  std::uint32_t newest = bounds_.newest_generation(table);
  if (const auto finished = done_.find(table); finished != done_.end()) newest = std::max(newest, finished->second.partition.generation);
  const std::string prefix = checkpoint_key(settings_.component, "");
  for (const auto& [key, position] : from) {
    if (!std::string_view(key).starts_with(prefix)) continue;
    const auto partition = SnapshotPartition::parse(std::string_view(key).substr(prefix.size()));
    if (partition && !partition->moved && partition->table == table) newest = std::max(newest, partition->generation);
  }
  return newest + 1;
}

// Between two chunks.
void SnapshotReader::begin_requested() {
  for (const auto& [table, generation] : wishes_.all()) {
    const auto work = std::find_if(tables_.begin(), tables_.end(), [&, &name = table](const Work& each) { return each.is(name); });
    if (work != tables_.end()) {
      const bool first = work == tables_.begin();
      if (work->partition.generation >= generation || (first && work->rows != 0)) continue;
      if (first) stop_reading();
      begin_anew(*work);
      continue;
    }
    const auto finished = done_.find(table);
    if (finished == done_.end() || finished->second.partition.generation >= generation) continue;
    Work again = std::move(finished->second);
    done_.erase(finished);
    again.resumed = false;
    begin_anew(again);
    tables_.insert(tables_.end() - static_cast<std::ptrdiff_t>(postponed_), std::move(again));
  }
}

// From here on the checkpoint says what is left to read.
void SnapshotReader::grant_requests(const Checkpoint& done) {
  if (wishes_.all().empty()) return;
  std::vector<std::string> granted;
  const auto look = [&](const Work& work) {
    const std::uint32_t wished = wishes_.generation(work.partition.table);
    const bool is_there = wished != 0 && work.partition.generation >= wished && done.contains(work.key(settings_.component));
    if (is_there) granted.push_back(work.partition.table);
  };
  for (const Work& work : tables_) look(work);
  for (const auto& [table, work] : done_) look(work);
  for (const std::string& table : granted) wishes_.grant(table);
}

}  // namespace sluice::sources::postgres
