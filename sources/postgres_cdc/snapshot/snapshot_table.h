#pragma once
// What the server's catalog says of the tables that a snapshot reads.

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/result.h"
#include "sources/postgres_cdc/connection.h"
#include "sources/postgres_cdc/pgoutput_decoder.h"
#include "sources/postgres_cdc/snapshot/snapshot_point.h"
#include "sources/postgres_cdc/table_filter.h"

namespace sluice::sources::postgres {

struct ListedTable {
  std::string schema, name;
  std::uint32_t oid = 0;
  double rows = 0;  // the planner's estimate

  std::string text() const { return schema + '.' + name; }
};

// Tables that `publication` sends and `filter` wants, by name.  An empty publication: those of the database that `filter` wants.
// kFatal table_missing where a name or all patterns match nothing and that matters.
enum class Missing : std::uint8_t { kError, kAllowed };
Result<std::vector<ListedTable>> list_tables(Connection& connection, const std::string& publication, const TableFilter& filter,
                                             Missing missing, std::stop_token stop);

// A column of the key that chunks are cut by.
struct KeyColumn {
  std::string expression;  // quoted, with the collation that the index compares by
  std::string type;        // to cast a literal to
  std::uint32_t slot = 0;  // among the columns of the relation
};

// A table as the stream would describe it, in the transaction that reads it.
struct TableShape {
  RelationMessage relation;                     // the columns that are published, in their order
  std::vector<KeyColumn> key;                   // empty: there is none to cut by, the table is read by blocks
  std::string from;                             // "ONLY schema.table", or "schema.table" of the root of a partitioned one
  std::string row_filter;                       // SQL, of the publication; empty: none
  std::string columns;                          // for a SELECT
  std::string search_path{kReadingSearchPath};  // finds the comparisons of the key's index, such as those of citext
};

// With the columns that both the publication and `filter` name, and the rows of the publication, or of `filter` where a publication
// cannot say so.  nullopt when the table is gone.
Result<std::optional<TableShape>> describe_table(Connection& connection, std::uint32_t oid, const std::string& publication,
                                                 const TableFilter& filter, std::stop_token stop);

// A part of a table in the order of its key: after `after`, up to and with `up_to`, at most `limit` rows.
struct KeyRange {
  std::optional<KeyText> after, up_to;
  std::uint64_t limit = 0;  // 0: no limit
};

// A part of a table in the order of the disk: blocks from `first` on, before `end`.
struct BlockRange {
  std::uint64_t first = 0;
  std::optional<std::uint64_t> end;  // none: to the end of the table
};
// Whether the server can read such a part without reading the rest: from PostgreSQL 14 on, and not of a partitioned table.
bool has_block_ranges(const Connection& connection, const TableShape& shape);

// A condition that is always true, for a statement that was parsed under the key's path: its values are written under that of all others
// (kReadingSearchPath).  Within a transaction; empty where the two are the same.
std::string back_to_reading_path(const TableShape& shape);

// "COPY (SELECT ...) TO STDOUT".
std::string copy_range(const Connection& connection, const TableShape& shape, const KeyRange& range);
std::string copy_blocks(const TableShape& shape, const BlockRange& range);
// For each of `keys` whether it is behind `end`, in their order.
std::string compare_keys(const Connection& connection, const TableShape& shape, const std::vector<KeyText>& keys, const KeyText& end);
// The key of the row that is `limit` rows after `range.after`, a column each; no row when there are fewer.
std::string probe_range(const Connection& connection, const TableShape& shape, const KeyRange& range);

}  // namespace sluice::sources::postgres
