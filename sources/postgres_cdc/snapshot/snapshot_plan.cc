// Which tables a snapshot reads and where in each it goes on.

#include <algorithm>

#include "sources/postgres_cdc/snapshot/snapshot_reader.h"

namespace sluice::sources::postgres {

namespace {

Error unreadable(const std::string& partition, const std::string& resume) {
  return {ErrorKind::kFatal, "position_unreadable",
          "the checkpoint of \"" + partition + "\" holds the position \"" + resume + "\", which this version does not understand"};
}

}  // namespace

SnapshotReader::KnownTables SnapshotReader::known_tables(const Checkpoint& from) const {
  const std::string prefix = checkpoint_key(settings_.component, "");
  KnownTables tables;
  for (const auto& [key, position] : from) {
    if (position.retired || !std::string_view(key).starts_with(prefix)) continue;
    const auto partition = SnapshotPartition::parse(std::string_view(key).substr(prefix.size()));
    if (!partition || partition->moved) continue;
    const auto best = tables.find(partition->table);
    if (best != tables.end() && best->second.partition.generation > partition->generation) continue;
    tables.insert_or_assign(partition->table, Known{*partition, position});
  }
  return tables;
}

Status SnapshotReader::load_notes() {
  if (notes_loaded_) return {};
  SLUICE_TRY(bounds_.load());
  SLUICE_TRY(wishes_.load());
  notes_loaded_ = true;
  return {};
}

Result<std::vector<ListedTable>> SnapshotReader::list(Missing missing, std::stop_token stop) {
  const auto connection = SLUICE_TRY(snapshot_session(settings_.connect, stop));
  return list_tables(*connection, settings_.publication, settings_.filter, missing, stop);
}

Status SnapshotReader::plan(const Checkpoint& from, const std::string& system_id, const std::string& database, std::stop_token stop) {
  system_id_ = system_id;
  database_ = database;
  SLUICE_TRY(load_notes());
  const std::vector<ListedTable> tables = SLUICE_TRY(list(Missing::kError, stop));
  moved_.load(from, settings_.component);
  const KnownTables known = known_tables(from);
  for (const ListedTable& table : tables) SLUICE_TRY(plan_table(table, known));
  retire_unwanted(from);
  double rows = 0;
  for (const Work& work : tables_) rows += work.table.rows;
  if (!tables_.empty()) progress_.begin(rows, tables_.size());
  if (!unfinished()) progress_.nothing_to_do();
  first_row_ = std::none_of(tables_.begin(), tables_.end(), [](const Work& work) { return work.resumed; });
  return {};
}

Result<bool> SnapshotReader::plan_more(const Checkpoint& from, std::stop_token stop) {
  const std::vector<ListedTable> tables = SLUICE_TRY(list(Missing::kAllowed, std::move(stop)));
  const std::size_t before = tables_.size();
  const KnownTables known = known_tables(from);
  for (const ListedTable& table : tables) {
    const auto finished = done_.find(table.text());
    if (finished != done_.end() && finished->second.table.oid == table.oid) continue;
    const std::size_t planned = tables_.size();
    SLUICE_TRY(plan_table(table, known));
    if (tables_.size() == planned) continue;
    if (anchor_) ++postponed_;  // it was not published yet when that was taken
  }
  note_joined(before);
  return tables_.size() > before;
}

// For the operator: tables behind the first `before` are new.
void SnapshotReader::note_joined(std::size_t before) {
  if (tables_.size() == before) return;
  double rows = 0;
  for (std::size_t i = before; i < tables_.size(); ++i) rows += tables_[i].table.rows;
  if (before != 0) return progress_.join(rows);
  progress_.begin(rows, tables_.size());
  first_row_ = true;
}

Status SnapshotReader::plan_table(const ListedTable& table, const KnownTables& known_tables) {
  const std::string name = table.text();
  const bool here = std::any_of(tables_.begin(), tables_.end(), [&](const Work& work) { return work.is(name); });
  if (here) return {};
  Work work;
  work.table = table;
  const std::uint32_t wished = wishes_.generation(name);
  work.partition = {std::max({1U, bounds_.newest_generation(name), wished}), name};
  const auto finished = done_.find(name);
  std::optional<Known> known;
  if (const auto stored = known_tables.find(name); stored != known_tables.end()) known = stored->second;
  if (finished != done_.end()) known = Known{finished->second.partition, *finished->second.position};
  if (!known && settings_.only_requested && wished == 0) return {};
  if (known) {
    bool reading = SLUICE_TRY(resume(work, known->partition, known->position));
    if (work.partition.generation < wished) {
      begin_generation(work, std::max(wished, bounds_.newest_generation(name)));
      reading = true;
    }
    if (!reading) {
      done_.insert_or_assign(name, std::move(work));
      return {};
    }
    done_.erase(name);
  }
  for (std::uint64_t chunk = work.chunk;; ++chunk) {
    std::optional<KeyText> end = bounds_.find(work.partition.text(), chunk);
    if (!end) break;
    work.fixed.push_back(*std::move(end));
  }
  if (!work.position) first_readings_.push_back(table.oid);
  tables_.push_back(std::move(work));
  return {};
}

// False: the table is finished.
Result<bool> SnapshotReader::resume(Work& work, const SnapshotPartition& partition, const Position& position) {
  const std::optional<SnapshotPoint> point = SnapshotPoint::decode(position.resume);
  if (!point) return unreadable(partition.text(), position.resume);
  if (point->system_id != system_id_) {
    return Error(ErrorKind::kFatal, "origin_changed",
                 "the snapshot of " + work.table.text() + " is of the server with system id " + point->system_id +
                     ", and `url` leads to that with " + system_id_);
  }
  work.partition = partition;
  work.position = position;
  const bool finished = point->state == SnapshotPoint::State::kFinished;
  const bool same_table = point->table == work.table.oid;
  if (finished && same_table && !settings_.every_start) return false;
  work.resumed = !finished;
  const bool goes_on = !finished && same_table && point->state == SnapshotPoint::State::kByKeys &&
                       bounds_.find(partition.text(), position.done.major).has_value();
  if (!goes_on) {
    begin_anew(work);
    return true;
  }
  work.chunk = position.done.major + 1;
  work.last = point->last;
  return true;
}

// G4: the mark of a table goes when the table is no longer configured.
void SnapshotReader::retire_unwanted(const Checkpoint& from) {
  const std::string prefix = checkpoint_key(settings_.component, "");
  for (const auto& [key, position] : from) {
    if (position.retired || !std::string_view(key).starts_with(prefix)) continue;
    const auto partition = SnapshotPartition::parse(std::string_view(key).substr(prefix.size()));
    if (!partition || partition->moved) continue;
    const std::size_t dot = partition->table.find('.');
    const std::string_view table(partition->table);
    const bool wanted = dot != std::string::npos && settings_.filter.wants(table.substr(0, dot), table.substr(dot + 1));
    if (wanted) continue;
    moves_[key] = {position.done, position.resume, true};
    bounds_.forget(partition->text());
  }
}

// S4.
void SnapshotReader::begin_anew(Work& work) {
  const std::uint32_t newest = std::max(work.partition.generation, bounds_.newest_generation(work.table.text()));
  begin_generation(work, std::max(newest + 1, wishes_.generation(work.table.text())));
}

// From its beginning: one that some sink has begun goes on in the same chunks (chunk_bounds.h).
void SnapshotReader::begin_generation(Work& work, std::uint32_t generation) {
  if (work.position) {
    moves_[work.key(settings_.component)] = {work.position->done, work.position->resume, true};
    context_.log.info("the snapshot of a table begins anew", {{"table", work.table.text()}});
  }
  moved_.settle_table(work.table.text(), moves_);
  bounds_.forget(work.partition.text());
  work.partition.generation = generation;
  work.position.reset();
  work.last.reset();
  work.fixed.clear();
  work.chunk = 1;
  work.rows = 0;
  work.bytes = 0;
}

void SnapshotReader::publish(BatchBuilder& out) {
  for (auto& [key, position] : moves_) out.through()[key] = std::move(position);
  moves_.clear();
}

Status SnapshotReader::start_table(std::stop_token stop) {
  SLUICE_TRY(describe(tables_.front().table.oid, stop));
  if (tables_.empty() || reader_ || !shape_) return {};
  Work& work = tables_.front();
  if (shape_->relation.schema != work.table.schema || shape_->relation.table != work.table.name) {  // under its new name it is another
    shape_.reset();
    is_gone_ = true;
    return {};
  }
  by_keys_ = settings_.method == SnapshotMethod::kKeys && !shape_->key.empty();
  const std::size_t columns = shape_->key.size();
  const auto other_key = [&](const KeyText& key) { return key.size() != columns; };
  const bool misfit = (work.last && other_key(*work.last)) || std::any_of(work.fixed.begin(), work.fixed.end(), other_key);
  const bool begun = bounds_.knows(work.partition.text());
  if (by_keys_ ? misfit : begun) begin_anew(work);
  if (!bounds_.knows(work.partition.text())) SLUICE_TRY(bounds_.put(work.partition.text(), 0, {}));
  key_slots_.clear();
  for (const KeyColumn& column : shape_->key) key_slots_.push_back(column.slot);
  TableRead what;
  what.anchor = &*anchor_;
  what.sessions = &sessions_;
  what.shape = *shape_;
  what.method = by_keys_ ? SnapshotMethod::kKeys : SnapshotMethod::kBlocks;
  what.after = work.rows != 0 ? std::optional(key_of(given_)) : work.last;
  what.fixed.assign(work.fixed.begin(), work.fixed.end());
  what.range_rows = settings_.chunk_rows;
  what.workers = settings_.workers;
  first_of_table_ = work.rows == 0 && work.chunk == 1;
  reader_ = std::make_unique<TableReader>(std::move(what));
  return {};
}

// The rows of one table that moved, as many as `out` takes, in one transaction: there may be hundreds.
Status SnapshotReader::read_moved(BatchBuilder& out, std::stop_token stop) {
  constexpr std::string_view kDoing = "read rows that moved";
  const std::uint32_t table = moved_.front().point.table;
  SLUICE_TRY(describe(table, stop));
  if (shape_) SLUICE_TRY(begin_under(*session_, *anchor_, stop));
  while (!moved_.empty() && moved_.front().point.table == table && !out.full() && !stop.stop_requested()) {
    const MovedRow& row = moved_.front();
    if (shape_) {
      std::string query = "SELECT " + shape_->columns + " FROM " + shape_->from + row.condition(*session_);
      if (const std::string back = back_to_reading_path(*shape_); !back.empty()) {
        SLUICE_TRY(session_->query("SET LOCAL search_path = " + shape_->search_path, kDoing, stop));
        query += " AND " + back;
      }
      const Rows rows = SLUICE_TRY(session_->query(query, kDoing, stop));
      for (int i = 0; i < rows.count(); ++i) emit_moved(out, row, rows, i);
    }
    context_.faults.reach("postgres_snapshot.before_moved_row");
    moved_.settle(out);
    context_.faults.reach("postgres_snapshot.after_moved_row");
  }
  if (shape_) SLUICE_TRY(session_->query("COMMIT", kDoing, stop));
  return {};
}

void SnapshotReader::emit_moved(BatchBuilder& out, const MovedRow& row, const Rows& rows, int index) {
  const auto after = out.arena().array<Value>(relation_.codecs.size());
  const Ordinal ordinal{1, static_cast<std::uint64_t>(index) + 1};
  const std::uint16_t partition = out.partition(row.partition.text());
  for (std::size_t i = 0; i < after.size(); ++i) {
    const auto column = static_cast<int>(i);
    if (rows.is_null(index, column)) continue;
    const std::string_view text = rows.text(index, column);
    if (decode_text(relation_.codecs[i], text, out.arena(), after[i])) continue;
    return out.reject(partition, ordinal, text, not_representable({i, std::string(text.substr(0, 100))}));
  }
  append(out, partition, ordinal, after, "true");
}

// Sets shape_ and relation_.  A table that the anchor does not know is newer than it, or gone.
Status SnapshotReader::describe(std::uint32_t oid, std::stop_token stop) {
  shape_.reset();
  const auto ask = [&]() -> Result<std::optional<TableShape>> {
    if (!session_) session_ = SLUICE_TRY(snapshot_session(settings_.connect, stop));
    SLUICE_TRY(begin_under(*session_, *anchor_, stop));
    auto shape = SLUICE_TRY(describe_table(*session_, oid, settings_.publication, settings_.filter, stop));
    const Rows rows = SLUICE_TRY(
        session_->query("SELECT has_table_privilege(" + std::to_string(oid) + "::oid, 'SELECT') IS NULL", "look up a table", stop));
    SLUICE_TRY(session_->query("COMMIT", "look up a table", stop));
    is_gone_ = rows.text(0, 0) == "t";
    return shape;
  };
  Result<std::optional<TableShape>> shape = ask();
  if (!shape) {
    session_.reset();
    return shape.error();
  }
  if (!*shape || is_gone_) return {};
  shape_ = **std::move(shape);
  relation_ = make_shape(shape_->relation, SLUICE_TRY(catalog_.describe(shape_->relation)), database_, context_.schemas);
  return {};
}

}  // namespace sluice::sources::postgres
