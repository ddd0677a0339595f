#pragma once
// What reading and writing CSV share: its options, and one record taken apart.

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace sluice {

struct CsvOptions {
  char delimiter = ',';
  bool header = true;     // reading: the first record names the columns, else they are c1, c2, ...; writing: a first line with the names
  std::string null_text;  // text that means null when it stands without quotes
  // Writing: the columns and their order; `_op`, `_id` and `_unchanged` stand for what the record itself lacks.  Reading without a
  // header: the names.
  std::vector<std::string> columns = {};

  bool operator==(const CsvOptions&) const = default;
};

struct CsvCell {
  std::string_view text;  // between the quotes where there are any
  bool quoted = false;
  bool doubled = false;  // has "" inside, which means one quote
};

// Splits one record, its line end (LF or CRLF) included or not.  kBadRecord: csv_syntax, csv_unterminated_quote.
Status split_csv_record(std::string_view record, char delimiter, std::vector<CsvCell>& cells);

// The content of a cell with "" as one quote.
std::string csv_cell_text(const CsvCell& cell);

// `record` without LF or CRLF at its end.
std::string_view without_line_end(std::string_view record);

}  // namespace sluice
