#pragma once
// Records -> CSV (RFC 4180, lines end in LF).  Null is `null_text` without quotes; a text that equals it is quoted, so that reading gives
// back what was written.  Times, decimals and so on as in JSON without its quotes; lists and maps as JSON text.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/batch.h"
#include "core/record.h"
#include "core/result.h"
#include "formats/csv_reader.h"

namespace sluice {

// One per output file.  Its columns are the configured ones, else those of the first schema it meets; records of other schemas are fitted
// in by name: a column they lack is null.
//
// Rejected (kBadRecord): csv_extra_field (a field that has no column: it would be lost), csv_value_unchanged (G16: an unchanged value where there is no
// column _unchanged), csv_delete_without_op (a delete or truncate where there is no column _op: it would read like a row).
class CsvWriter {
 public:
  explicit CsvWriter(CsvOptions options);

  // Appends the header line (unless header: false) and fixes the columns.
  void header(const Schema& schema, std::string& out);
  // Goes on with a file that begins with `start` (its header line at least): takes the columns from it.  kBadRecord csv_header.
  Status resume(std::string_view start);
  // Appends one line; on failure `out` is as before.
  Status append(const Batch& batch, const Record& record, std::string& out);

 private:
  enum class Origin : std::uint8_t { kAbsent, kField, kOp, kId, kUnchanged };
  struct Column {
    std::string name;
    Origin origin = Origin::kField;
  };
  struct Slot {
    Origin origin = Origin::kAbsent;
    std::uint32_t slot = 0;
  };
  void set_columns(const std::vector<std::string>& names);
  Status bind(const Schema& schema);
  Status check(const Record& record) const;
  void append_text(std::string_view text, std::string& out) const;
  void append_cell(const Value& value, std::string& out);
  void append_unchanged(const Record& record, std::string& out);

  CsvOptions options_;
  std::vector<Column> columns_;
  bool has_op_ = false, has_unchanged_ = false;
  std::uint64_t schema_id_ = 0;    // of slots_
  std::vector<Slot> slots_;        // by column
  std::string scratch_;
};

}  // namespace sluice
