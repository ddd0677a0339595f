#include "sources/postgres_cdc/snapshot/moved_rows.h"

#include <algorithm>
#include <charconv>

namespace sluice::sources::postgres {

namespace {

// Each is an entry of the checkpoint; a table in which more rows move is read anew.
constexpr std::size_t kMostOwed = 1000;

}  // namespace

bool key_changed(const Record& record) {
  if (record.op != Op::kUpdate || record.before.empty()) return false;
  const auto& slots = record.schema->key();
  return std::any_of(slots.begin(), slots.end(), [&](std::uint32_t slot) { return !identical(record.before[slot], record.after[slot]); });
}

bool lacks_columns(const Record& record) {
  return std::any_of(record.after.begin(), record.after.end(), [](const Value& value) { return value.is_unchanged(); });
}

std::optional<std::string> key_text(const Value& value) {
  switch (value.type()) {
    case Value::Type::kBool: return value.as_bool() ? "t" : "f";
    case Value::Type::kInt64: return std::to_string(value.as_int64());
    case Value::Type::kString:
    case Value::Type::kDecimal:
    case Value::Type::kUuid:
    case Value::Type::kBits: return std::string(value.as_text());
    case Value::Type::kBytes: {
      constexpr std::string_view kDigits = "0123456789abcdef";
      std::string text = "\\x";
      for (const char c : value.as_text()) {
        const auto byte = static_cast<unsigned char>(c);
        text += kDigits[byte >> 4U];
        text += kDigits[byte & 15U];
      }
      return text;
    }
    default: return std::nullopt;
  }
}

// Without a cast: the server takes the literals as of the columns' types, whose names the session's search_path may not find.
std::string MovedRow::condition(const Connection& connection) const {
  std::string text;
  for (std::size_t i = 0; i + 2 < point.last.size(); i += 3) {
    text += (text.empty() ? " WHERE " : " AND ") + connection.identifier(point.last[i]) + " = " + connection.literal(point.last[i + 2]);
  }
  return text;
}

void MovedRows::load(const Checkpoint& from, const std::string& component) {
  const std::string prefix = checkpoint_key(component, "");
  for (const auto& [key, position] : from) {
    if (position.retired || !std::string_view(key).starts_with(prefix)) continue;
    const auto partition = SnapshotPartition::parse(std::string_view(key).substr(prefix.size()));
    std::optional<SnapshotPoint> point = SnapshotPoint::decode(position.resume);
    if (partition && partition->moved && point) rows_.insert(point->encode());
    if (partition && partition->moved && point) owed_.insert_or_assign(partition->text(), MovedRow{key, *partition, *std::move(point)});
  }
}

bool MovedRows::owe(const Record& record, std::uint32_t table, const std::string& system_id, const std::string& component,
                    BatchBuilder& out) {
  const Schema& schema = *record.schema;
  MovedRow row;
  row.partition.moved = record.ordinal;
  row.partition.table = schema.spec().schema + '.' + schema.spec().table;
  row.checkpoint_key = checkpoint_key(component, row.partition.text());
  row.point = {system_id, table, SnapshotPoint::State::kByKeys, {}};
  for (const std::uint32_t slot : schema.key()) {
    std::optional<std::string> text = key_text(record.after[slot]);
    if (!text) return false;
    const Field& field = schema.fields()[slot];
    row.point.last.insert(row.point.last.end(), {field.name, field.origin_type, *std::move(text)});
  }
  if (!rows_.insert(row.point.encode()).second) return true;  // owed by an earlier change
  if (owed_.size() >= kMostOwed) return rows_.erase(row.point.encode()), false;
  out.through()[row.checkpoint_key] = {{0, 0}, row.point.encode(), false};
  owed_.insert_or_assign(row.partition.text(), std::move(row));
  return true;
}

void MovedRows::settle(BatchBuilder& out) {
  const MovedRow& row = front();
  out.through()[row.checkpoint_key] = {{Ordinal::kEnd, Ordinal::kEnd}, row.point.encode(), true};
  rows_.erase(row.point.encode());
  owed_.erase(owed_.begin());
}

void MovedRows::settle_table(const std::string& table, Checkpoint& moves) {
  for (auto row = owed_.begin(); row != owed_.end();) {
    if (row->second.partition.table != table) {
      ++row;
      continue;
    }
    moves[row->second.checkpoint_key] = {{Ordinal::kEnd, Ordinal::kEnd}, row->second.point.encode(), true};
    rows_.erase(row->second.point.encode());
    row = owed_.erase(row);
  }
}

}  // namespace sluice::sources::postgres
