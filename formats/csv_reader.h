#pragma once
// CSV (RFC 4180) -> rows of a batch.  Every value is a string, or null: an unquoted field that equals `null_text`.
//
// Beyond the RFC: any one-byte delimiter, lines that end in LF, CRLF or the end of the input, a byte order mark at the beginning,
// blank lines are skipped.  A quote inside an unquoted field is data; text behind a closing quote is an error.
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
#include "formats/text.h"

namespace sluice {

struct CsvOptions {
  char delimiter = ',';
  bool header = true;             // reading: the first record names the columns, else they are c1, c2, ...; writing: a first line
  std::string null_text;          // unquoted text that means null
  std::vector<std::string> columns = {};  // writing: the columns and their order, `_op`, `_id` and `_unchanged` included; reading without header: the names

  bool operator==(const CsvOptions&) const = default;
};

struct CsvRow {
  const Schema* schema = nullptr;
  std::span<const Value> values;
};

// Finds where records end, quotes respected, and how they read.  One per input; one thread.
class CsvReader {
 public:
  CsvReader(SchemaPool& schemas, CsvOptions options);

  // Length of the record that begins `text`, its line end included; 0: the text ends before the record does.  A CR at the very end of
  // the text is the record's.
  std::size_t record_length(std::string_view text) const;

  // Columns from a header record (with or without its line end), or with header: false from the first record's number of fields.
  // Call before read(); again for another input.
  Status set_columns(std::string_view first_record);
  bool has_columns() const { return schema_ != nullptr; }

  // `record` is one record as record_length() found it, in the batch's arena: the row borrows from it.
  Result<CsvRow> read(std::string_view record, Batch& batch, Utf8 utf8 = Utf8::kUnchecked);

 private:
  struct Cell {
    std::string_view text;  // between the quotes
    bool quoted = false;
    bool doubled = false;  // has "" inside
  };
  Status split(std::string_view record);
  Value value_of(const Cell& cell, Arena& arena) const;

  SchemaPool& schemas_;
  CsvOptions options_;
  SchemaRef schema_;
  std::vector<Cell> cells_;  // scratch
};

// True for a record of nothing but its line end.
bool is_blank_record(std::string_view record);

}  // namespace sluice
