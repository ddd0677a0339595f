#include "formats/debezium/source_block.h"

#include <algorithm>

#include "formats/debezium/hstore_map.h"
#include "formats/debezium/jackson_text.h"
#include "formats/debezium/payload_text.h"

namespace sluice::debezium {

namespace {

// The version whose format this is.
constexpr std::string_view kVersion = R"("source":{"version":"3.5.0.Final","connector":)";

std::int64_t floor_millis(std::int64_t micros) { return micros / 1000 - (micros % 1000 < 0 ? 1 : 0); }

void append_integer_or_null(const Value& value, TextBuffer& out) {
  if (value.type() == Value::Type::kInt64) return append_integer(value.as_int64(), out);
  out.append("null");
}

// Two positions as JSON text inside JSON text.  The first is the commit of the record's own transaction: with the second it orders all
// records of the log, and it is the same after every restart.
void append_sequence(const Record& record, const MetaSlots& meta, TextBuffer& out) {
  const Value& lsn = meta.lsn(record);
  if (lsn.type() != Value::Type::kInt64) return out.append("null");
  out.append("\"[");
  if (record.op == Op::kRead) {
    out.append("null");
  } else {
    out.append("\\\"");
    append_integer(static_cast<std::int64_t>(record.ordinal.major), out);
    out.append("\\\"");
  }
  out.append(",\\\"");
  append_integer(lsn.as_int64(), out);
  out.append("\\\"]\"");
}

}  // namespace

MetaSlots::MetaSlots(const Schema* meta) {
  if (meta == nullptr) return;
  lsn_ = meta->find("lsn");
  xid_ = meta->find("xid");
  snapshot_ = meta->find("snapshot");
  origin_ = meta->find("origin");
  prefix_ = meta->find("prefix");
}

const Value& MetaSlots::at(std::uint32_t slot, const Record& record) {
  static constexpr Value kNull;
  return slot < record.meta.size() ? record.meta[slot] : kNull;
}

std::int64_t source_micros(const Batch& batch, const Record& record) {
  return record.source_time != 0 ? record.source_time : batch.ingest_time();
}

void write_source(const Batch& batch, const Record& record, const MetaSlots& meta, const TablePlan& plan, const SourceNames& names,
                  TextBuffer& out) {
  const std::int64_t micros = source_micros(batch, record);
  out.append(kVersion);
  out.append(meta.is_postgres() ? "\"postgresql\",\"name\":" : "\"sluice\",\"name\":");
  out.append(names.prefix);
  out.append(",\"ts_ms\":");
  append_integer(floor_millis(micros), out);
  out.append(",\"snapshot\":");
  const Value& snapshot = meta.snapshot(record);
  if (snapshot.is_text()) {
    write_jackson_string(snapshot.as_text(), out);
  } else {
    out.append(record.op == Op::kRead ? std::string_view("\"true\"") : names.not_in_snapshot);
  }
  out.append(",\"db\":");
  out.append(plan.database());
  out.append(",\"sequence\":");
  append_sequence(record, meta, out);
  out.append(",\"ts_us\":");
  append_integer(micros, out);
  out.append(",\"ts_ns\":");
  append_integer(micros * 1000, out);
  out.append(plan.source_names());
  out.append(",\"txId\":");
  append_integer_or_null(meta.transaction_id(record), out);
  out.append(",\"lsn\":");
  append_integer_or_null(meta.lsn(record), out);
  out.append(",\"xmin\":null,\"origin\":");
  const Value& origin = meta.origin(record);
  if (origin.is_text()) {
    write_jackson_string(origin.as_text(), out);
  } else {
    out.append("null");
  }
  out.append(",\"origin_lsn\":null}");
}

std::vector<std::pair<std::string, std::int64_t>> TransactionCounter::tables() const {
  auto tables = tables_;
  const auto bucket = [&](const auto& entry) { return java_bucket(entry.first, tables.size()); };
  std::stable_sort(tables.begin(), tables.end(), [&](const auto& a, const auto& b) { return bucket(a) < bucket(b); });
  return tables;
}

void TransactionCounter::begin(std::int64_t id, const Record& record) {
  running_ = true;
  id_ = id;
  commit_ = record.ordinal.major;
  commit_micros_ = record.source_time;
  total_ = static_cast<std::int64_t>(record.ordinal.minor) - 1;
  tables_.clear();
}

TransactionCounter::Event TransactionCounter::count(std::string_view table, std::int64_t lsn) {
  last_lsn_ = lsn;
  auto found = std::find_if(tables_.begin(), tables_.end(), [table](const auto& entry) { return entry.first == table; });
  if (found == tables_.end()) found = tables_.insert(tables_.end(), {std::string(table), 0});
  return {++total_, ++found->second};
}

}  // namespace sluice::debezium
