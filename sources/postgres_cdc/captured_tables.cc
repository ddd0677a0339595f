#include "sources/postgres_cdc/captured_tables.h"

#include <algorithm>
#include <charconv>
#include <map>

namespace sluice::sources::postgres {

namespace {

std::uint32_t to_oid(std::string_view text) {
  std::uint32_t oid = 0;
  std::from_chars(text.data(), text.data() + text.size(), oid);
  return oid;
}

char to_char(std::string_view text) { return text.empty() ? ' ' : text[0]; }

// Whether the server lets updates and deletes of a published table through.
constexpr std::string_view kHasIdentity =
    "(c.relreplident = 'f' OR EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisvalid AND "
    "CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident END))";

std::string tables_query() {
  return "SELECT c.oid, n.nspname, c.relname, c.relkind, c.relpersistence, c.relreplident, c.relispartition, " + std::string(kHasIdentity) +
         " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
         "WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't' "
         "AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_toast%' ORDER BY 2, 3";
}

std::string columns_query(const std::string& oids) {
  return "SELECT c.oid, a.attname, a.attgenerated <> '', c.relreplident = 'f' OR EXISTS (SELECT FROM pg_catalog.pg_index i "
         "  CROSS JOIN LATERAL pg_catalog.unnest(i.indkey::pg_catalog.int2[]) WITH ORDINALITY k(number, place) "
         "  WHERE i.indrelid = c.oid AND k.number = a.attnum AND k.place <= i.indnkeyatts "
         "  AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident END) "
         "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid "
         "WHERE c.oid IN (" +
         oids + ") AND a.attnum > 0 AND NOT a.attisdropped ORDER BY c.oid, a.attnum";
}

// The leaves of partitioned tables that need a look: root, schema and name, replica identity, whether it has one.
std::string leaves_query(const std::string& roots) {
  return "SELECT r.oid, n.nspname, c.relname, c.relreplident, " + std::string(kHasIdentity) + " FROM pg_catalog.unnest(ARRAY[" + roots +
         "]::pg_catalog.oid[]) r(oid) "
         "CROSS JOIN LATERAL pg_catalog.pg_partition_tree(r.oid::pg_catalog.regclass) p "
         "JOIN pg_catalog.pg_class c ON c.oid = p.relid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
         "WHERE p.isleaf AND p.relid <> r.oid AND c.relkind = 'r' ORDER BY 2, 3";
}

template <typename Wanted>
std::string oids_of(const std::vector<CapturedTable>& tables, Wanted wanted) {
  std::string list;
  for (const CapturedTable& table : tables) {
    if (wanted(table)) list += (list.empty() ? "" : ",") + std::to_string(table.oid);
  }
  return list;
}

Status check_all_found(const TableFilter& filter, const std::vector<CapturedTable>& tables) {
  for (const TableRule& rule : filter.include) {
    const TablePattern& pattern = rule.pattern;
    const bool found =
        std::any_of(tables.begin(), tables.end(), [&](const CapturedTable& table) { return pattern.matches(table.schema, table.name); });
    if (found || (!pattern.is_literal() && !tables.empty())) continue;
    return Error(ErrorKind::kFatal, "table_missing",
                 "find the tables to read: there is no table \"" + pattern.text() + "\" in the database");
  }
  return {};
}

Status add_columns(Connection& connection, std::vector<CapturedTable>& tables, std::stop_token stop) {
  const std::string oids = oids_of(tables, [](const CapturedTable& table) { return table.rule->narrows() || !table.rule->key.empty(); });
  if (oids.empty()) return {};
  const Rows rows = SLUICE_TRY(connection.query(columns_query(oids), "look up the columns of the tables", std::move(stop)));
  std::map<std::uint32_t, std::vector<CapturedTable::Column>> columns;
  for (int row = 0; row < rows.count(); ++row)
    columns[to_oid(rows.text(row, 0))].push_back({std::string(rows.text(row, 1)), rows.text(row, 3) == "t", rows.text(row, 2) == "t"});
  for (CapturedTable& table : tables) table.columns = std::move(columns[table.oid]);
  return {};
}

const CapturedTable::Column* find_column(const CapturedTable& table, const std::string& name) {
  const auto found = std::find_if(table.columns.begin(), table.columns.end(), [&](const auto& column) { return column.name == name; });
  return found == table.columns.end() ? nullptr : &*found;
}

// Judges tables one by one.
struct Judge {
  Connection& connection;
  std::vector<TableProblem> problems = {};

  void add(const CapturedTable& table, std::string_view code, std::string message, std::string mend) {
    problems.push_back({code, table.text(), std::move(message), std::move(mend)});
  }
  std::string full_identity(std::string_view schema, std::string_view name) const {
    return "ALTER TABLE " + sql_name(connection, schema, name) + " REPLICA IDENTITY FULL;";
  }

  bool logged(const CapturedTable& table) {
    if (table.kind != 'r' && table.kind != 'p') {
      add(table, "not_a_table", "it is a view or a foreign table: changes to it are not in the log", "take it out of `tables`");
      return false;
    }
    if (table.persistence == 'p') return true;
    add(table, "table_not_logged", "it is UNLOGGED: changes to it are not in the log",
        "ALTER TABLE " + sql_name(connection, table.schema, table.name) + " SET LOGGED;");
    return false;
  }

  void identity(const CapturedTable& table) {
    if (table.has_identity) return;
    const std::string why = table.identity == 'n'   ? "its replica identity is NOTHING"
                            : table.identity == 'i' ? "the index of its replica identity is gone"
                                                    : "it has no primary key and no replica identity";
    add(table, "no_replica_identity", why + ", so the server would refuse every update and delete of it from then on",
        full_identity(table.schema, table.name) + " or give it a primary key");
  }

  void columns(const CapturedTable& table) {
    for (const std::string& name : table.rule->columns) {
      const CapturedTable::Column* column = find_column(table, name);
      if (column == nullptr) add(table, "column_missing", "it has no column \"" + name + "\" of `columns`", "correct `columns`");
      if (column != nullptr && column->generated && connection.server_version() < 180000)
        add(table, "column_generated", "the column \"" + name + "\" is generated, which is not in the log before PostgreSQL 18",
            "take it out of `columns`");
    }
    if (table.rule->columns.empty()) return;
    for (const CapturedTable::Column& column : table.columns) {
      const auto& listed = table.rule->columns;
      if (!column.in_identity || std::find(listed.begin(), listed.end(), column.name) != listed.end()) continue;
      add(table, "columns_lack_identity",
          "the column \"" + column.name +
              "\" of its replica identity is not among `columns`: the server would refuse its updates and deletes",
          "add it to `columns`");
    }
  }

  void key(const CapturedTable& table) {
    for (const std::string& name : table.rule->key) {
      const CapturedTable::Column* column = find_column(table, name);
      if (column == nullptr) add(table, "column_missing", "it has no column \"" + name + "\" of `key`", "correct `key`");
      if (column != nullptr && !column->in_identity)
        add(table, "key_not_in_identity",
            "the column \"" + name + "\" of `key` is not of its replica identity: a delete would not say which row it means",
            full_identity(table.schema, table.name) + " or REPLICA IDENTITY USING INDEX with a unique index of it");
    }
  }
};

Status judge_leaves(Judge& judge, const std::vector<CapturedTable>& tables, std::stop_token stop) {
  const std::string roots = oids_of(tables, [](const CapturedTable& table) { return table.kind == 'p'; });
  if (roots.empty()) return {};
  const Rows rows = SLUICE_TRY(judge.connection.query(leaves_query(roots), "look up the partitions", std::move(stop)));
  std::map<std::uint32_t, const CapturedTable*> by_oid;
  for (const CapturedTable& table : tables) by_oid[table.oid] = &table;
  for (int row = 0; row < rows.count(); ++row) {
    const CapturedTable& root = *by_oid.at(to_oid(rows.text(row, 0)));
    const std::string leaf = std::string(rows.text(row, 1)) + '.' + std::string(rows.text(row, 2));
    const std::string mend = judge.full_identity(rows.text(row, 1), rows.text(row, 2));
    if (rows.text(row, 4) != "t")
      judge.add(root, "no_replica_identity",
                "its partition " + leaf + " has no replica identity, so the server would refuse every update and delete of it from then on",
                mend);
    else if (root.identity == 'f' && rows.text(row, 3) != "f")
      judge.add(root, "partition_identity_differs",
                "it has REPLICA IDENTITY FULL and its partition " + leaf + " has not: old rows would come with columns missing", mend);
  }
  return {};
}

}  // namespace

std::string sql_name(const Connection& connection, std::string_view schema, std::string_view name) {
  return connection.identifier(schema) + '.' + connection.identifier(name);
}

Result<std::vector<CapturedTable>> captured_tables(Connection& connection, const TableFilter& filter, std::stop_token stop) {
  std::vector<CapturedTable> tables = SLUICE_TRY(matching_tables(connection, filter, std::move(stop)));
  SLUICE_TRY(check_all_found(filter, tables));
  return tables;
}

Result<std::vector<CapturedTable>> matching_tables(Connection& connection, const TableFilter& filter, std::stop_token stop) {
  const Rows rows = SLUICE_TRY(connection.query(tables_query(), "look up the tables", stop));
  std::vector<CapturedTable> tables;
  for (int row = 0; row < rows.count(); ++row) {
    CapturedTable table;
    table.oid = to_oid(rows.text(row, 0));
    table.schema = rows.text(row, 1);
    table.name = rows.text(row, 2);
    table.kind = to_char(rows.text(row, 3));
    table.persistence = to_char(rows.text(row, 4));
    table.identity = to_char(rows.text(row, 5));
    table.has_identity = rows.text(row, 7) == "t";
    table.rule = filter.rule_for(table.schema, table.name);
    if (table.rule == nullptr) continue;
    table.is_named = table.rule->pattern.is_literal();
    const bool meant = (table.kind == 'r' || table.kind == 'p') && table.persistence == 'p' && rows.text(row, 6) != "t";
    if (meant || table.is_named) tables.push_back(std::move(table));
  }
  SLUICE_TRY(add_columns(connection, tables, std::move(stop)));
  return tables;
}

Result<std::vector<TableProblem>> table_problems(Connection& connection, const std::vector<CapturedTable>& tables, std::stop_token stop) {
  Judge judge{connection};
  for (const CapturedTable& table : tables) {
    if (!judge.logged(table)) continue;
    judge.identity(table);
    judge.columns(table);
    judge.key(table);
  }
  SLUICE_TRY(judge_leaves(judge, tables, std::move(stop)));
  return std::move(judge.problems);
}

Error problem_error(const std::vector<TableProblem>& problems) {
  const TableProblem& first = problems.front();
  const std::string more = problems.size() == 1 ? "" : "; " + std::to_string(problems.size() - 1) + " more of this kind or another";
  return {ErrorKind::kFatal, first.code, "read " + first.table + ": " + first.message + " (mend: " + first.mend + ')' + more};
}

}  // namespace sluice::sources::postgres
