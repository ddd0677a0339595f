#pragma once
// The parts of Debezium's envelope that are about the change and not about its row: where it comes from, which transaction, when.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/batch.h"
#include "core/record.h"
#include "formats/debezium/table_plan.h"
#include "formats/text_buffer.h"

namespace sluice::debezium {

// What the source says of a record in Record::meta, by slot.  One per meta schema.
class MetaSlots {
 public:
  MetaSlots() = default;
  explicit MetaSlots(const Schema* meta);

  // The slot's value, or null.
  const Value& lsn(const Record& record) const { return at(lsn_, record); }
  const Value& transaction_id(const Record& record) const { return at(xid_, record); }
  const Value& snapshot(const Record& record) const { return at(snapshot_, record); }
  const Value& origin(const Record& record) const { return at(origin_, record); }
  const Value& prefix(const Record& record) const { return at(prefix_, record); }
  bool is_postgres() const { return lsn_ != Schema::kAbsent; }

 private:
  static const Value& at(std::uint32_t slot, const Record& record);

  std::uint32_t lsn_ = Schema::kAbsent, xid_ = Schema::kAbsent, snapshot_ = Schema::kAbsent, origin_ = Schema::kAbsent,
                prefix_ = Schema::kAbsent;
};

// What write_source() needs besides the record.
struct SourceNames {
  std::string_view prefix;           // in quotes
  std::string_view not_in_snapshot;  // "false" in quotes; null where nulls are not replaced, as the field's default is what Debezium sets
};

// "source":{...}
void write_source(const Batch& batch, const Record& record, const MetaSlots& meta, const TablePlan& plan, const SourceNames& names,
                  TextBuffer& out);

// Microseconds since 1970: the commit's time, or when the batch was read where the source does not know.
std::int64_t source_micros(const Batch& batch, const Record& record);

// Counts the events of the transaction that is running, for the transaction block and topic.  One thread.
//
// A sink that goes on inside a transaction has not seen its beginning: then the rows before count as events of no table.
class TransactionCounter {
 public:
  struct Event {
    std::int64_t total_order = 0, table_order = 0;
  };

  bool running() const { return running_; }
  bool is_running(std::int64_t id, std::uint64_t commit) const { return running_ && id_ == id && commit_ == commit; }
  std::int64_t id() const { return id_; }
  std::int64_t last_lsn() const { return last_lsn_; }
  std::int64_t commit_micros() const { return commit_micros_; }
  std::int64_t events() const { return total_; }
  // Events by table, in the order in which Debezium lists them (that of a Java HashMap).
  std::vector<std::pair<std::string, std::int64_t>> tables() const;

  void begin(std::int64_t id, const Record& record);
  Event count(std::string_view table, std::int64_t lsn);
  void end() { running_ = false; }

 private:
  bool running_ = false;
  std::int64_t id_ = 0, last_lsn_ = 0, commit_micros_ = 0, total_ = 0;
  std::uint64_t commit_ = 0;
  std::vector<std::pair<std::string, std::int64_t>> tables_;  // in the order of their first event
};

}  // namespace sluice::debezium
