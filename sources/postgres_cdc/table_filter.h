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

struct TableFilter {
  std::vector<TablePattern> include, exclude;

  bool wants(std::string_view schema, std::string_view table) const;
};

}  // namespace sluice::sources::postgres
