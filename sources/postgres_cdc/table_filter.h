#pragma once
// Which tables the user asked for.

#include <string>
#include <string_view>
#include <vector>

namespace sluice::sources::postgres {

// "public.orders", "shop.*", "public.order_?": schema and table, in each `*` stands for any text and `?` for one character.
struct TablePattern {
  std::string schema, table;

  bool is_literal() const;
  bool matches(std::string_view schema_name, std::string_view table_name) const;
  std::string text() const { return schema + '.' + table; }
};

// False without a dot or with an empty side.
bool parse_table_pattern(std::string_view text, TablePattern& out);

// What the user says of the tables that a pattern names.
struct TableRule {
  TablePattern pattern;
  std::vector<std::string> columns = {};  // to read; empty: all
  std::string where = {};                 // SQL over the table's columns; empty: all rows
  std::vector<std::string> key = {};      // columns that name a row; empty: the replica identity's

  bool narrows() const { return !columns.empty() || !where.empty(); }
};

struct TableFilter {
  std::vector<TableRule> include;
  std::vector<TablePattern> exclude = {};

  bool wants(std::string_view schema, std::string_view table) const;
  // The rule of a wanted table: the first that names it in full, else the first whose pattern matches.  Null: not wanted.
  const TableRule* rule_for(std::string_view schema, std::string_view table) const;
};

}  // namespace sluice::sources::postgres
