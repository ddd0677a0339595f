#pragma once
// Rows whose key changed while their table was being read beside the stream, and whose new key may stand where was read already.
//
// The change event of such a row lacks its unchanged columns (G16).  A sink that had not read the old row cannot make the new one from
// it, and the order of the keys does not come by there again.  So the row is read once more, by its new key, under the next anchor.
// That it is owed is a position of its own, so that it survives a crash and every sink gets it:
//
//   partition  "snapshot@<commit LSN>.<row>/<schema>.<table>" of the event      done (0,0): owed; (kEnd, kEnd) and retired: read
//   ordinal    (1, n)                                                           resume: SnapshotPoint, what the row is found by

#include <map>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "core/batch_builder.h"
#include "sources/postgres_cdc/connection.h"
#include "sources/postgres_cdc/snapshot/snapshot_point.h"

namespace sluice::sources::postgres {

// A value of a key as the server reads it; nullopt for types whose text is not kept.
std::optional<std::string> key_text(const Value& value);
// Columns that did not change were left out of it (G16).
bool lacks_columns(const Record& record);

// The update gave the row another key.
bool key_changed(const Record& record);

struct MovedRow {
  std::string checkpoint_key;
  SnapshotPartition partition;
  SnapshotPoint point;  // `last`: name, type and text of each column of the key

  // " WHERE a = '1'::int AND ..."
  std::string condition(const Connection& connection) const;
};

class MovedRows {
 public:
  // What the checkpoint knows to be owed.
  void load(const Checkpoint& from, const std::string& component);

  // The row of an update that leaves columns out is to be read, by its new key.  False: it cannot be found again by its key, or too many
  // are owed.
  bool owe(const Record& record, std::uint32_t table, const std::string& system_id, const std::string& component, BatchBuilder& out);

  bool empty() const { return owed_.empty(); }
  const MovedRow& front() const { return owed_.begin()->second; }
  // It was read.
  void settle(BatchBuilder& out);
  // All of a table: it begins anew.
  void settle_table(const std::string& table, Checkpoint& moves);

 private:
  std::map<std::string, MovedRow> owed_;  // by partition
  std::set<std::string> rows_;            // which rows these are
};

}  // namespace sluice::sources::postgres
