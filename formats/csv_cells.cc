#include "formats/csv_cells.h"

#include <cstring>

namespace sluice {

namespace {

Error bad(std::string_view code, std::size_t offset, std::string_view what) {
  return {ErrorKind::kBadRecord, code, "byte " + std::to_string(offset) + " of the CSV record: " + std::string(what)};
}

std::size_t find_from(std::string_view text, char c, std::size_t at) {
  const std::size_t found = text.find(c, at);
  return found == std::string_view::npos ? text.size() : found;
}

// A quoted cell whose content begins at `at`; moves `at` behind the closing quote.
Status split_quoted(std::string_view record, std::size_t& at, CsvCell& cell) {
  const std::size_t first = at;
  cell.quoted = true;
  while (true) {
    const std::size_t quote = record.find('"', at);
    if (quote == std::string_view::npos) return bad("csv_unterminated_quote", first - 1, "the quote that begins here is never closed");
    at = quote + 1;
    const bool doubled = at < record.size() && record[at] == '"';
    if (!doubled) break;
    cell.doubled = true;
    ++at;
  }
  cell.text = record.substr(first, at - 1 - first);
  return {};
}

}  // namespace

std::string_view without_line_end(std::string_view record) {
  if (record.ends_with('\n')) record.remove_suffix(1);
  if (record.ends_with('\r')) record.remove_suffix(1);
  return record;
}

Status split_csv_record(std::string_view record, char delimiter, std::vector<CsvCell>& cells) {
  record = without_line_end(record);
  cells.clear();
  std::size_t at = 0;
  while (true) {
    CsvCell cell;
    if (at < record.size() && record[at] == '"') {
      Status status = split_quoted(record, ++at, cell);
      if (!status) return status;
      if (at < record.size() && record[at] != delimiter) return bad("csv_syntax", at, "text behind a closing quote");
    } else {
      const std::size_t end = find_from(record, delimiter, at);
      cell.text = record.substr(at, end - at);
      at = end;
    }
    cells.push_back(cell);
    if (at >= record.size()) return {};
    ++at;  // the delimiter; what follows, even nothing, is one more cell
  }
}

std::string csv_cell_text(const CsvCell& cell) {
  std::string text;
  text.reserve(cell.text.size());
  for (std::size_t i = 0; i < cell.text.size(); ++i) {
    text += cell.text[i];
    if (cell.doubled && cell.text[i] == '"') ++i;
  }
  return text;
}

}  // namespace sluice
