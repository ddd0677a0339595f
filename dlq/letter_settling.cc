#include "dlq/letter_settling.h"

#include <fmt/format.h>

#include <algorithm>

#include "dlq/replay_log.h"
#include "dlq/store_schema.h"
#include "storage/sqlite_database.h"

namespace sluice::dlq {

namespace {

void bind_ordinal(storage::SqliteStatement& statement, int parameter, const Ordinal& ordinal) {
  statement.bind_int64(parameter, to_column(ordinal.major));
  statement.bind_int64(parameter + 1, to_column(ordinal.minor));
}

bool concerns(const LaneStart& lane, const std::string& stage) {
  return std::find(lane.stages.begin(), lane.stages.end(), stage) != lane.stages.end();
}

}  // namespace

std::string sink_list(std::span<const std::string> sinks) {
  std::string out = "[";
  for (const std::string& sink : sinks) out += (out.size() > 1 ? ",\"" : "\"") + sink + "\"";
  return out + "]";
}

std::vector<std::string> read_sink_list(std::string_view json) {
  std::vector<std::string> sinks;
  for (std::size_t begin = json.find('"'); begin != std::string_view::npos;) {
    const std::size_t end = json.find('"', begin + 1);
    if (end == std::string_view::npos) break;
    sinks.emplace_back(json.substr(begin + 1, end - begin - 1));
    begin = json.find('"', end + 1);
  }
  return sinks;
}

Status LetterSettling::load() {
  replay_key_ = SLUICE_TRY(replay_checkpoint_key(database_));
  replays_settled_ = static_cast<std::uint64_t>(
      SLUICE_TRY(database_.query_int64("SELECT value FROM store_state WHERE name = 'replays_settled'")).value_or(0));
  const auto awaited = SLUICE_TRY(database_.query_int64("SELECT 1 FROM dead_letters WHERE sinks = '[]' LIMIT 1"));
  awaited_ = awaited.has_value();
  return {};
}

std::uint64_t LetterSettling::replayed_through(const Checkpoint& minimum) const {
  const auto found = minimum.find(replay_key_);
  return found == minimum.end() ? 0 : found->second.done.major;
}

Result<bool> LetterSettling::settle(const Checkpoint& minimum, std::int64_t now) {
  std::vector<std::pair<Lot*, Ordinal>> passed;
  for (auto& [name, lot] : lots_.all()) {
    if (!lot.next) continue;
    const auto position = minimum.find(checkpoint_key(name.source, name.partition));
    if (position != minimum.end() && *lot.next <= position->second.done) passed.emplace_back(&lot, position->second.done);
  }
  const std::uint64_t replayed = replayed_through(minimum);
  if (passed.empty() && replayed <= replays_settled_) return false;
  faults_.reach("dead_letter_store.before_settle");
  SLUICE_TRY(database_.begin({}));
  for (const auto& [lot, done] : passed) SLUICE_TRY(settle_lot(*lot, done, now));
  if (replayed > replays_settled_) SLUICE_TRY(settle_replays(replayed, now));
  SLUICE_TRY(database_.commit());
  faults_.reach("dead_letter_store.after_settle");
  for (const auto& [lot, done] : passed) {
    lot->settled = done;
    SLUICE_TRY(LetterLots::find_next(database_, *lot));
  }
  const bool decided = awaited_ || replayed > replays_settled_;
  replays_settled_ = std::max(replays_settled_, replayed);
  return decided;
}

Status LetterSettling::settle_lot(Lot& lot, const Ordinal& done, std::int64_t now) {
  auto update = SLUICE_TRY(database_.prepare("UPDATE lots SET settled_major = ?2, settled_minor = ?3 WHERE id = ?1"));
  update.bind_int64(1, lot.id);
  bind_ordinal(update, 2, done);
  SLUICE_TRY(update.run());
  if (!awaited_) return {};
  // Their records came again in this run, and nobody refused them.
  auto delivered = SLUICE_TRY(
      database_.prepare("UPDATE dead_letters SET state = 2, decided = ?4, sinks = NULL WHERE lot = ?1 AND sinks = '[]' AND state = 0"
                        " AND refused_in IS NULL AND (major, minor) <= (?2, ?3)"));
  delivered.bind_int64(1, lot.id);
  bind_ordinal(delivered, 2, done);
  delivered.bind_int64(4, now);
  return delivered.run();
}

Status LetterSettling::settle_replays(std::uint64_t through, std::int64_t now) {
  const auto from = static_cast<std::int64_t>(replays_settled_);
  const auto to = static_cast<std::int64_t>(through);
  SLUICE_TRY(database_.execute(
      fmt::format("UPDATE dead_letters SET state = 2, decided = {0}, note = NULL WHERE +state = 1 AND id IN"
                  " (SELECT letter FROM replays WHERE sequence > {1} AND sequence <= {2} AND outcome <> 3);"
                  "UPDATE replays SET outcome = 1 WHERE sequence > {1} AND sequence <= {2} AND outcome = 0;"
                  "UPDATE dead_letters SET state = 2, decided = {0}, sinks = NULL WHERE sinks = '[]' AND state = 0 AND refused_in <= {2};"
                  "UPDATE store_state SET value = {2} WHERE name = 'replays_settled'",
                  now, from, to)));
  return {};
}

Status LetterSettling::begin_run(std::span<const LaneStart> lanes) {
  faults_.reach("dead_letter_store.before_begin_run");
  SLUICE_TRY(database_.begin({}));
  SLUICE_TRY(database_.execute("UPDATE store_state SET value = value + 1 WHERE name = 'run'"));
  for (const auto& [name, lot] : lots_.all()) {
    if (lot.next) SLUICE_TRY(await_lot(name, lot, lanes));
  }
  SLUICE_TRY(await_refused_again(lanes));
  SLUICE_TRY(database_.commit());
  faults_.reach("dead_letter_store.after_begin_run");
  return load();
}

// Letters above what is settled: the lanes that have passed them lack the record for good; the others meet it again, and refuse it or take
// it.  A list that an earlier run has written stands: whoever has passed the letter since then has the record.
Status LetterSettling::await_lot(const LotName& name, const Lot& lot, std::span<const LaneStart> lanes) {
  std::vector<std::pair<Ordinal, std::string>> passed;  // by how far
  bool known = false;
  for (const LaneStart& lane : lanes) {
    if (!concerns(lane, name.stage)) continue;
    known = true;
    const auto position = lane.done.find(checkpoint_key(name.source, name.partition));
    if (position != lane.done.end()) passed.emplace_back(position->second.done, lane.sink);
  }
  if (!known) return {};  // the stage is gone from the file: nothing is known of it
  std::sort(passed.begin(), passed.end());
  auto update = SLUICE_TRY(
      database_.prepare("UPDATE dead_letters SET sinks = ?4 WHERE lot = ?1 AND (major, minor) > (?2, ?3) AND sinks IS NULL AND state = 0"
                        " AND refused_in IS NULL"));
  // From the farthest: what is above a lane's position that lane has not passed.
  std::vector<std::string> sinks;
  for (std::size_t i = passed.size() + 1; i-- > 0;) {
    const bool lowest = i == 0;
    const Ordinal above = lowest ? lot.settled.value_or(Ordinal{}) : passed[i - 1].first;
    const std::string list = sink_list(sinks);
    update.bind_int64(1, lot.id);
    bind_ordinal(update, 2, above);
    update.bind_text(4, list);
    if (lowest && !lot.settled) {
      // No lower end: also the ordinal (0, 0).
      SLUICE_TRY(database_.execute(fmt::format(
          "UPDATE dead_letters SET sinks = '{}' WHERE lot = {} AND sinks IS NULL AND state = 0 AND refused_in IS NULL", list, lot.id)));
    } else {
      SLUICE_TRY(update.run());
    }
    if (!lowest) sinks.push_back(passed[i - 1].second);
  }
  return {};
}

// The same for letters that a replay refused and that not every lane has passed.  They are few: those of one uncommitted batch.
Status LetterSettling::await_refused_again(std::span<const LaneStart> lanes) {
  auto select = SLUICE_TRY(database_.prepare(
      "SELECT d.id, d.refused_in, l.stage FROM dead_letters d INDEXED BY letters_by_state CROSS JOIN lots l ON l.id = d.lot"
      " WHERE d.state = 0 AND d.refused_in > ?1 AND d.sinks IS NULL"));
  select.bind_int64(1, static_cast<std::int64_t>(replays_settled_));
  std::vector<std::pair<std::int64_t, std::string>> lists;
  while (true) {
    const bool row = SLUICE_TRY(select.step());
    if (!row) break;
    const std::string stage(select.column_text(2));
    std::vector<std::string> sinks;
    bool known = false;
    for (const LaneStart& lane : lanes) {
      if (!concerns(lane, stage)) continue;
      known = true;
      if (replayed_through(lane.done) >= static_cast<std::uint64_t>(select.column_int64(1))) sinks.push_back(lane.sink);
    }
    if (known) lists.emplace_back(select.column_int64(0), sink_list(sinks));
  }
  auto update = SLUICE_TRY(database_.prepare("UPDATE dead_letters SET sinks = ?2 WHERE id = ?1"));
  for (const auto& [id, list] : lists) {
    update.bind_int64(1, id);
    update.bind_text(2, list);
    SLUICE_TRY(update.run());
  }
  return {};
}

}  // namespace sluice::dlq
