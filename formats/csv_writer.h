#pragma once
// Records -> CSV (RFC 4180, lines end in LF).  Null is `null_text` without quotes; a text that equals it is quoted, so that reading gives
// back what was written (but a record of one column that is null, which would be a blank line, is written as ""). Times, decimals and so on
// as in JSON without its quotes; lists and maps as JSON text.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/batch.h"
#include "core/record.h"
#include "core/result.h"
#include "formats/csv_cells.h"
#include "formats/text_buffer.h"

namespace sluice {

// One per output file.  Its columns are the configured ones, else those of the first schema it meets; records of other schemas are fitted
// in by name: a column they lack is null.
//
// Rejected (kBadRecord): csv_extra_field (a field that has no column although the columns
// were not chosen by the user: it would be lost), csv_value_unchanged (G16: an unchanged value where there is no
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
  // Where a column of the file comes from, for records of one schema.
  enum class Origin : std::uint8_t { kAbsent, kField, kOp, kId, kUnchanged };
  struct Binding {
    Origin origin = Origin::kAbsent;
    std::uint32_t slot = 0;
  };

  void set_columns(std::vector<std::string> names);
  void bind(const Schema& schema);
  Status check(const Record& record) const;
  void write_cell(const Batch& batch, const Record& record, const Binding& binding);
  void write_value(const Value& value);
  void write_text(std::string_view text);

  CsvOptions options_;
  std::vector<std::string> columns_;  // empty: not known yet
  std::uint64_t bound_schema_ = 0;    // id of the schema that bindings_ is for; 0: none
  std::vector<Binding> bindings_;     // by column
  std::string extra_field_;           // of the bound schema: a field that has no column
  bool has_op_ = false, has_unchanged_ = false;
  TextBuffer line_, cell_;  // scratch
};

}  // namespace sluice
