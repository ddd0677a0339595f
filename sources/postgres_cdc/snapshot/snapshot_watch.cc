// Changes that come while their table is being read (G15).
//
// An update may leave out columns that did not change (G16).  Of a row that no sink can have yet there is nothing that it could be applied
// to; the row is read later, with this change and complete.  So such an update is not given out, or only as the delete of the old key when it
// moves the row.
//
//   ... every sink has it ...] last  ... some may have it ...  ] highest end noted  ... no sink has it ...
//        given out                    owed (moved_rows.h)          left out
//
// No sink can have what lies behind the highest end of a chunk that was ever noted (chunk_bounds.h, B1).  Between that and what every sink
// has the row is read once more by its key under the next anchor, for all sinks.

#include <algorithm>

#include "sources/postgres_cdc/snapshot/snapshot_reader.h"

namespace sluice::sources::postgres {

namespace {

// The row before the update, by the columns of the table's key.  nullopt when the record does not tell.
std::optional<KeyText> old_key(const Record& record, const TableShape& shape) {
  KeyText key;
  for (const KeyColumn& column : shape.key) {
    const std::uint32_t slot = record.schema->find(shape.relation.columns[column.slot].name);
    if (slot == Schema::kAbsent) return std::nullopt;
    const bool told = !record.before.empty() && !record.before[slot].is_unchanged();
    std::optional<std::string> text = key_text(told ? record.before[slot] : record.after[slot]);
    if (!text) return std::nullopt;
    key.push_back(*std::move(text));
  }
  return key;
}

// What is left of an update that moves a row: a sink may have the old row from an insert that came beside the snapshot.
void make_delete(Record& record, Arena& arena) {
  const auto& slots = record.schema->key();
  const auto key = arena.array<Value>(slots.size());
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = record.before[slots[i]];
  record.op = Op::kDelete;
  record.key = key;
  record.after = {};
}

}  // namespace

void SnapshotReader::watch(BatchBuilder& out, std::stop_token stop) {
  std::vector<Record>& records = out.batch().records();
  std::map<Work*, std::vector<std::size_t>> incomplete;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const Record& record = records[i];
    if (record.op != Op::kUpdate || !lacks_columns(record)) continue;
    const SchemaSpec& spec = record.schema->spec();
    const auto work = std::find_if(tables_.begin(), tables_.end(), [&](const Work& entry) {
      return entry.table.schema == spec.schema && entry.table.name == spec.table;
    });
    if (work == tables_.end()) continue;
    const bool partly_read = work->last || !work->fixed.empty();
    if (partly_read && key_changed(record) && !owe(*work, record, out)) begin_anew(*work);
    incomplete[&*work].push_back(i);
  }
  std::vector<std::size_t> superseded;
  for (auto& [work, indices] : incomplete) {
    const Status asked = keep_superseded(*work, out, indices, stop);
    if (asked) superseded.insert(superseded.end(), indices.begin(), indices.end());
    if (asked) continue;
    watched_.reset();
    session_.reset();  // they are given out: at worst a sink refuses them
  }
  std::sort(superseded.rbegin(), superseded.rend());
  for (const std::size_t index : superseded) {
    if (key_changed(records[index])) {
      make_delete(records[index], out.arena());
      continue;
    }
    records.erase(records.begin() + static_cast<std::ptrdiff_t>(index));
    --out.batch().counts().in;
  }
  superseded_.add(static_cast<double>(superseded.size()));
}

bool SnapshotReader::owe(const Work& work, const Record& record, BatchBuilder& out) {
  return moved_.owe(record, work.table.oid, system_id_, settings_.component, out);
}

// Leaves those of `indices` whose row no sink can have, and those whose row some sink may not have: these are owed.
Status SnapshotReader::keep_superseded(const Work& work, BatchBuilder& out, std::vector<std::size_t>& indices, std::stop_token stop) {
  const std::vector<Record>& records = out.batch().records();
  const std::optional<KeyText> end = bounds_.newest_end(work.partition.text());
  if (!end) return {};  // nothing of this generation was read
  if (!session_) session_ = SLUICE_TRY(snapshot_session(settings_.connect, stop));
  // Only the key is used; one that changed meanwhile fails the query, and then it is asked for again.
  if (!watched_ || watched_->relation.id != work.table.oid)
    watched_ = SLUICE_TRY(describe_table(*session_, work.table.oid, settings_.publication, settings_.filter, stop));
  const std::optional<TableShape>& shape = watched_;
  std::vector<std::size_t> asked;
  std::vector<KeyText> keys;
  for (const std::size_t index : indices) {
    std::optional<KeyText> key = shape ? old_key(records[index], *shape) : std::nullopt;
    if (!key || shape->key.size() != end->size()) continue;
    asked.push_back(index);
    keys.push_back(*std::move(key));
  }
  indices.clear();
  if (asked.empty()) return {};
  constexpr std::string_view kDoing = "compare keys of a table";
  SLUICE_TRY(session_->query("BEGIN", kDoing, stop));
  SLUICE_TRY(session_->query("SET LOCAL search_path = " + shape->search_path, kDoing, stop));
  const Rows unread = SLUICE_TRY(session_->query(compare_keys(*session_, *shape, keys, *end), kDoing, stop));
  const Rows behind = SLUICE_TRY(session_->query(compare_keys(*session_, *shape, keys, work.last.value_or(*end)), kDoing, stop));
  SLUICE_TRY(session_->query("COMMIT", kDoing, stop));
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const auto row = static_cast<int>(i);
    const Record& record = records[asked[i]];
    const bool between = unread.text(row, 0) != "t" && (!work.last || behind.text(row, 0) == "t");
    if (unread.text(row, 0) == "t" || (between && (key_changed(record) || owe(work, record, out)))) indices.push_back(asked[i]);
  }
  return {};
}

}  // namespace sluice::sources::postgres
