#pragma once
// CSV (RFC 4180) -> rows of a batch.  Every value is a string, or null: an unquoted field that equals `null_text`.
//
// Beyond the RFC: any one-byte delimiter, lines that end in LF, CRLF or the end of the input, a byte order mark before the header.  Blank
// lines are for the caller to skip.  A quote inside an unquoted field is data; text behind a closing quote is an error.
//
// Bad records (kBadRecord): csv_ragged_row (other number of fields than the header), csv_syntax, csv_unterminated_quote,
// invalid_utf8.  A header that cannot be used (an empty or double name) is csv_header.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/batch.h"
#include "core/result.h"
#include "core/schema.h"
#include "core/value.h"
#include "formats/csv_cells.h"
#include "formats/text.h"

namespace sluice {

struct CsvRow {
  const Schema* schema = nullptr;
  std::span<const Value> values;
};

// Finds where records end, quotes respected, and how they read.  One per input; one thread.
class CsvReader {
 public:
  CsvReader(SchemaPool& schemas, CsvOptions options);

  // Length of the record that begins `text`, its line feed included; 0: the text ends before the record does.
  std::size_t record_length(std::string_view text) const;

  // Columns from a header record (with or without its line end), or with header: false from the first record's number of fields.
  // Call before read(); again for another input.
  Status set_columns(std::string_view first_record);
  bool has_columns() const { return schema_ != nullptr; }

  // `record` is one record as record_length() found it, in the batch's arena: the row borrows from it.
  Result<CsvRow> read(std::string_view record, Batch& batch, Utf8 utf8 = Utf8::kUnchecked);

 private:
  Value value_of(const CsvCell& cell, Arena& arena) const;

  SchemaPool& schemas_;
  CsvOptions options_;
  SchemaRef schema_;
  std::vector<CsvCell> cells_;  // scratch
};

}  // namespace sluice
