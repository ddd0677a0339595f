#include "sources/postgres_cdc/snapshot/snapshot_reader.h"

#include <algorithm>

#include "sources/postgres_cdc/change_assembler.h"

namespace sluice::sources::postgres {

namespace {

using Clock = std::chrono::steady_clock;

constexpr Ordinal kTableEnd{Ordinal::kEnd, Ordinal::kEnd};

Error malformed(const TableShape& shape) {
  return {ErrorKind::kFatal, "protocol_violation",
          "read the rows of " + shape.relation.schema + '.' + shape.relation.table + ": a row has not as many fields as the table columns"};
}

}  // namespace

SnapshotReader::SnapshotReader(SnapshotSettings settings, const BuildContext& context, RelationCatalog& catalog)
    : settings_(std::move(settings)),
      context_(context),
      catalog_(catalog),
      bounds_(settings_.state_directory.empty() ? "" : settings_.state_directory + '/' + settings_.component + ".snapshot_chunks",
              context.faults),
      wishes_(settings_.state_directory.empty() ? "" : settings_.state_directory + '/' + settings_.component + ".snapshot_wishes",
              context.faults),
      progress_(context),
      superseded_(
          context.metrics.counter("sluice_snapshot_superseded_total", "Updates left out because the rows, complete, are read later.",
                                  {{"pipeline", context.pipeline}, {"component_kind", "source"}, {"component", context.component}})),
      sessions_(settings_.connect) {}

Status SnapshotReader::read(BatchBuilder& out, Clock::time_point deadline, std::stop_token stop) {
  if (tables_.empty() || tables_.front().rows == 0) {
    begin_requested();
    publish(out);
  }
  bool pause = false;
  Status result;
  while (result && !out.full() && anchor_ && !moved_.empty() && !reader_ && !stop.stop_requested()) {
    if (result = read_moved(out, stop); !result) result = fail(out, result.error(), stop);
  }
  while (result && !pause && !out.full() && anchor_ && !tables_.empty() && !stop.stop_requested())
    result = step(out, pause, deadline, stop);
  const bool inside_chunk = !tables_.empty() && tables_.front().rows != 0;
  if (inside_chunk) out.forbid_commit();  // S2
  if (!unfinished()) {
    anchor_.reset();
    session_.reset();
    sessions_.clear();
  }
  if (!tables_.empty()) progress_.report(tables_.front().table.text(), tables_.size());
  return result;
}

// What one call does: starts the table, takes a row, or waits for more.
Status SnapshotReader::step(BatchBuilder& out, bool& pause, Clock::time_point deadline, std::stop_token stop) {
  if (tables_.size() == postponed_) {
    stop_reading();
    anchor_.reset();
    postponed_ = 0;
    return {};
  }
  if (!reader_) {
    if (const Status started = start_table(stop); !started) return fail(out, started.error(), stop);
    if (reader_) return {};
    pause = true;
    return is_gone_ ? finish_table(out) : postpone();
  }
  if (const std::optional<std::string_view> row = block_.next()) return take_row(*row, out, pause);
  if (!range_) {
    range_ = reader_->next(deadline, stop);
    if (range_) return {};
    pause = true;
    return reader_->finished() ? finish_table(out) : Status();
  }
  // A range that must not be cut is given out once it is here as a whole.
  if (range_->unlimited() && !range_->wait_ended(deadline, stop)) {
    pause = true;
    return {};
  }
  block_ = range_->take(deadline, stop);
  if (!block_.empty()) return {};
  if (range_->state() != RangeEnd::kOpen) return end_range(out, pause, stop);
  pause = true;
  return {};
}

Status SnapshotReader::take_row(std::string_view row, BatchBuilder& out, bool& pause) {
  if (!held_) {
    held_.emplace(row);
    return {};
  }
  SLUICE_TRY(emit_held(out, false));
  held_.emplace(std::move(scratch_));
  held_->assign(row);
  const Work& work = tables_.front();
  const bool full = work.rows >= settings_.chunk_rows || work.bytes >= settings_.chunk_bytes;
  if (!full || range_->unlimited()) return {};
  pause = true;
  return end_chunk(out, key_of(given_));
}

Status SnapshotReader::end_range(BatchBuilder& out, bool& pause, std::stop_token stop) {
  const auto range = std::exchange(range_, nullptr);
  pause = true;
  switch (range->state()) {
    case RangeEnd::kComplete: break;
    case RangeEnd::kTableGone:
      context_.log.warning("a table was dropped or renamed while its snapshot was taken", {{"table", tables_.front().table.text()}});
      return finish_table(out);
    case RangeEnd::kRewritten:
      context_.log.info("a table was altered since the snapshot; it is read under a later one", {{"table", tables_.front().table.text()}});
      held_.reset();
      if (tables_.front().rows != 0) SLUICE_TRY(end_chunk(out, key_of(given_)));
      return postpone();
    default: return fail(out, range->error().value_or(Error(ErrorKind::kTransient, "server_error", "read a table: no answer")), stop);
  }
  if (!range->unlimited()) {
    pause = false;
    return {};
  }
  if (held_) SLUICE_TRY(emit_held(out, false));
  const KeyText end = *range->bounds().up_to;
  tables_.front().fixed.pop_front();
  return end_chunk(out, end);
}

Status SnapshotReader::emit_held(BatchBuilder& out, bool is_last) {
  Work& work = tables_.front();
  std::string row = *std::move(held_);
  held_.reset();
  const std::uint16_t partition = out.partition(work.partition.text());
  const Ordinal ordinal{work.chunk, ++work.rows};
  work.bytes += row.size();
  BadField bad;
  const auto after = out.arena().array<Value>(relation_.codecs.size());
  const CopyRowState state = decode_copy_row(row, relation_.codecs, out.arena(), after, scratch_, bad);
  if (state == CopyRowState::kMalformed) return malformed(*shape_);
  if (state == CopyRowState::kBadValue) {
    out.reject(partition, ordinal, row, not_representable(bad));
  } else {
    append(out, partition, ordinal, after, place_of_row(is_last));
  }
  progress_.row();
  first_row_ = first_of_table_ = false;
  std::swap(given_, row);
  std::swap(scratch_, row);  // its memory is used again
  return {};
}

void SnapshotReader::append(BatchBuilder& out, std::uint16_t partition, Ordinal ordinal, std::span<const Value> after,
                            std::string_view place) {
  Arena& arena = out.arena();
  Record record;
  record.op = Op::kRead;
  record.partition = partition;
  record.ordinal = ordinal;
  record.schema = out.batch().keep(relation_.schema);
  record.after = after;
  const auto& key_columns = relation_.schema->key();
  const auto key = arena.array<Value>(key_columns.size());
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = after[key_columns[i]];
  record.key = key;
  const auto meta = arena.array<Value>(kMetaSlots);
  meta[static_cast<std::size_t>(MetaSlot::kLsn)] = Value::int64(static_cast<std::int64_t>(anchor_->lsn));
  meta[static_cast<std::size_t>(MetaSlot::kSnapshot)] = Value::string(place);
  record.meta = meta;
  record.source_time = anchor_->time;
  out.append(record);
}

std::string_view SnapshotReader::place_of_row(bool is_last) const {
  if (is_last && tables_.size() == 1) return "last";
  if (first_row_) return "first";
  if (is_last) return "last_in_data_collection";
  return first_of_table_ ? "first_in_data_collection" : "true";
}

Error SnapshotReader::not_representable(const BadField& bad) const {
  const Field& field = relation_.schema->fields()[bad.index];
  return {ErrorKind::kBadRecord, "value_not_representable",
          "column \"" + field.name + "\" of " + shape_->relation.schema + '.' + shape_->relation.table + ": cannot represent the " +
              field.origin_type + " \"" + bad.text + "\""};
}

KeyText SnapshotReader::key_of(std::string_view row) const { return by_keys_ ? copy_fields(row, key_slots_) : KeyText(); }

Status SnapshotReader::end_chunk(BatchBuilder& out, const KeyText& end) {
  Work& work = tables_.front();
  context_.faults.reach("postgres_snapshot.before_chunk_end");
  SnapshotPoint point{system_id_, work.table.oid, SnapshotPoint::State::kByBlocks, {}};
  if (by_keys_) {
    SLUICE_TRY(bounds_.put(work.partition.text(), work.chunk, end));  // S2
    point.state = SnapshotPoint::State::kByKeys;
    point.last = end;
    work.last = end;
  }
  work.position = Position{{work.chunk, Ordinal::kEnd}, point.encode(), false};
  out.through()[work.key(settings_.component)] = *work.position;
  ++work.chunk;
  chunk_ended_ = true;
  work.rows = 0;
  work.bytes = 0;
  context_.faults.reach("postgres_snapshot.after_chunk_end");
  return {};
}

Status SnapshotReader::finish_table(BatchBuilder& out) {
  if (held_) SLUICE_TRY(emit_held(out, true));
  stop_reading();
  Work& work = tables_.front();
  work.rows = 0;
  const SnapshotPoint point{system_id_, work.table.oid, SnapshotPoint::State::kFinished, {}};
  work.position = Position{kTableEnd, point.encode(), false};
  context_.faults.reach("postgres_snapshot.before_table_end");
  out.through()[work.key(settings_.component)] = *work.position;
  chunk_ended_ = true;
  unsettled_.push_back(work.table.text());
  done_.insert_or_assign(work.table.text(), std::move(work));
  tables_.pop_front();
  context_.faults.reach("postgres_snapshot.after_table_end");
  begin_requested();
  if (!tables_.empty()) return {};
  progress_.end();
  return {};
}

void SnapshotReader::stop_reading() {
  range_.reset();
  reader_.reset();
  block_ = {};
  held_.reset();
}

void SnapshotReader::pause() {
  if (!chunk_ended_ || tables_.empty() || tables_.front().rows != 0 || (reader_ && !by_keys_)) return;
  stop_reading();
  anchor_.reset();
  postponed_ = 0;
}

// To the end of the line, for the next anchor.
Status SnapshotReader::postpone() {
  stop_reading();
  Work work = std::move(tables_.front());
  tables_.pop_front();
  if (!by_keys_) begin_anew(work);
  tables_.push_back(std::move(work));
  ++postponed_;
  return {};
}

// Makes ready for the next try.  Rows that were given out stay given out.
Error SnapshotReader::fail(BatchBuilder& out, Error reason, std::stop_token stop) {
  stop_reading();
  session_.reset();  // a transaction may be open in it
  sessions_.clear();
  if (reason.kind() != ErrorKind::kTransient || stop.stop_requested()) return reason;
  const bool alive = anchor_ && anchor_->holder->query("SELECT 1", "see whether the snapshot is still there", stop).has_value();
  if (tables_.empty()) {
    if (!alive) anchor_.reset();
    return reason;
  }
  Work& work = tables_.front();
  if (work.rows != 0 && by_keys_ && alive) return reason;  // goes on behind the row given out last
  if (work.rows != 0) {
    if (const Status ended = end_chunk(out, key_of(given_)); !ended) return ended.error();  // S3
  }
  if (!alive) anchor_.reset();
  if (work.position && !by_keys_) begin_anew(work);
  return reason;
}

void SnapshotReader::acknowledge(const Checkpoint& done) {
  for (const Work& work : tables_) {
    const auto found = done.find(work.key(settings_.component));
    if (found != done.end()) bounds_.forget_before(work.partition.text(), found->second.done.major);
  }
  // The checkpoint says all there is to know of a table that every sink has.
  std::erase_if(unsettled_, [&](const std::string& table) {
    const auto work = done_.find(table);
    if (work == done_.end()) return true;
    const auto found = done.find(work->second.key(settings_.component));
    const bool settled = found != done.end() && found->second.done == kTableEnd;
    if (settled) bounds_.forget(work->second.partition.text());
    return settled;
  });
  grant_requests(done);
}

}  // namespace sluice::sources::postgres
