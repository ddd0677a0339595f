#pragma once
// The tables of the database that the user asks for, and why one of them cannot be read as asked.

#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "sources/postgres_cdc/connection.h"
#include "sources/postgres_cdc/table_filter.h"

namespace sluice::sources::postgres {

struct CapturedTable {
  std::uint32_t oid = 0;
  std::string schema, name;
  char kind = 'r';         // pg_class.relkind
  char persistence = 'p';  // pg_class.relpersistence
  char identity = 'd';     // pg_class.relreplident
  bool has_identity = false;
  bool is_named = false;            // in full, not only matched by a pattern
  const TableRule* rule = nullptr;  // of the filter

  // Only of tables whose rule says more than the pattern.
  struct Column {
    std::string name;
    bool in_identity = false, generated = false;
  };
  std::vector<Column> columns;

  std::string text() const { return schema + '.' + name; }
};

// Tables that `filter` wants, by name, those of the kinds that have no log among them.  Partitions come as rows of their root unless
// they are named in full.  kFatal table_missing when a name, or all patterns together, match nothing.  `filter` outlives the answer.
Result<std::vector<CapturedTable>> captured_tables(Connection& connection, const TableFilter& filter, std::stop_token stop);
// The same while the pipeline runs: a name that matches nothing any more is no error.
Result<std::vector<CapturedTable>> matching_tables(Connection& connection, const TableFilter& filter, std::stop_token stop);

struct TableProblem {
  std::string_view code;
  std::string table;    // schema.table
  std::string message;  // what is wrong
  std::string mend;     // SQL, or what to change in the file
};

// Why tables cannot be read as asked, none for most:
//   not_a_table, table_not_logged   a view, a foreign table, an unlogged table: named in full (a pattern does not mean them)
//   no_replica_identity             the server would refuse its updates and deletes once it is published; also of a partition
//   partition_identity_differs      the root has REPLICA IDENTITY FULL and a partition has not: its old rows would lack columns
//   column_missing, column_generated, columns_lack_identity, key_not_in_identity       of `columns` and `key`
Result<std::vector<TableProblem>> table_problems(Connection& connection, const std::vector<CapturedTable>& tables, std::stop_token stop);

// "table": ... (mend: ...); the first, and how many more.
Error problem_error(const std::vector<TableProblem>& problems);

std::string sql_name(const Connection& connection, std::string_view schema, std::string_view name);

}  // namespace sluice::sources::postgres
