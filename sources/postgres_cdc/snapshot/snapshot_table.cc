#include "sources/postgres_cdc/snapshot/snapshot_table.h"

#include <algorithm>
#include <charconv>

namespace sluice::sources::postgres {

namespace {

template <typename T>
T to_number(std::string_view text) {
  T number{};
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// A partition comes with its root unless it is named itself.
bool is_named(const TableFilter& filter, const ListedTable& table) {
  return std::any_of(filter.include.begin(), filter.include.end(),
                     [&](const TableRule& rule) { return rule.pattern.is_literal() && rule.pattern.matches(table.schema, table.name); });
}

std::string list_query(const Connection& connection, const std::string& publication) {
  const std::string columns =
      "SELECT c.oid, n.nspname, c.relname, greatest(c.reltuples, 0)::int8, c.relispartition FROM pg_class c "
      "JOIN pg_namespace n ON n.oid = c.relnamespace ";
  if (!publication.empty()) {
    return columns + "JOIN pg_publication_tables p ON p.schemaname = n.nspname AND p.tablename = c.relname AND p.pubname = " +
           connection.literal(publication) + " ORDER BY 2, 3";
  }
  return columns +
         "WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND n.nspname NOT IN ('pg_catalog', 'information_schema') "
         "AND n.nspname NOT LIKE 'pg_toast%' ORDER BY 2, 3";
}

Status check_all_found(const TableFilter& filter, const std::vector<ListedTable>& tables) {
  for (const TableRule& rule : filter.include) {
    const TablePattern& pattern = rule.pattern;
    const bool found =
        std::any_of(tables.begin(), tables.end(), [&](const ListedTable& table) { return pattern.matches(table.schema, table.name); });
    if (found || (!pattern.is_literal() && !tables.empty())) continue;
    return Error(ErrorKind::kFatal, "table_missing",
                 "find the tables to read: there is no table \"" + pattern.text() + "\" in the database");
  }
  return {};
}

// Since PostgreSQL 15 a publication may name columns and rows; since 18 generated columns may be among them.
std::string published_columns(const Connection& connection, const std::string& publication) {
  if (publication.empty() || connection.server_version() < 150000) return "a.attgenerated = ''";
  const std::string listed =
      "a.attname = ANY (SELECT unnest(p.attnames) FROM pg_publication_tables p WHERE p.pubname = " + connection.literal(publication) +
      " AND p.schemaname = n.nspname AND p.tablename = c.relname)";
  return connection.server_version() >= 180000 ? listed : "a.attgenerated = '' AND " + listed;
}

std::string columns_query(const Connection& connection, std::uint32_t oid, const std::string& publication) {
  return "SELECT n.nspname, c.relname, c.relkind, c.relreplident, a.attname, a.atttypid, a.atttypmod, a.attnum, c.relreplident = 'f' OR "
         "EXISTS (SELECT FROM pg_index i, unnest(i.indkey) WITH ORDINALITY k(attnum, place) WHERE i.indrelid = c.oid "
         "  AND k.attnum = a.attnum AND k.place <= i.indnkeyatts "
         "  AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident END) "
         "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 "
         "  AND NOT a.attisdropped AND " +
         published_columns(connection, publication) + " WHERE c.oid = " + std::to_string(oid) + " ORDER BY a.attnum";
}

// The primary key, else the index that is the replica identity: unique, without nulls, of the whole table.  An order that its
// operators do not give by default is not used.
std::string key_query(std::uint32_t oid) {
  return "SELECT k.attnum, quote_ident(a.attname), format_type(a.atttypid, -1), "
         "  CASE WHEN l.oid IS NOT NULL THEN quote_ident(ln.nspname) || '.' || quote_ident(l.collname) END, "
         "  bool_and(o.opcdefault) OVER (), quote_ident(opn.nspname) "
         "FROM (SELECT * FROM pg_index WHERE indrelid = " +
         std::to_string(oid) +
         " AND indisvalid AND (indisprimary OR indisreplident) ORDER BY indisprimary DESC LIMIT 1) i "
         "CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY k(attnum, place) "
         "JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum "
         "JOIN pg_opclass o ON o.oid = i.indclass[k.place - 1] LEFT JOIN pg_collation l ON l.oid = i.indcollation[k.place - 1] "
         "LEFT JOIN pg_namespace ln ON ln.oid = l.collnamespace "
         "JOIN pg_amop m ON m.amopfamily = o.opcfamily AND m.amopstrategy = 5 AND m.amoplefttype = o.opcintype "
         "  AND m.amoprighttype = o.opcintype JOIN pg_operator op ON op.oid = m.amopopr JOIN pg_namespace opn ON opn.oid = op.oprnamespace "
         "WHERE k.place <= i.indnkeyatts ORDER BY k.place";
}

std::string joined(const std::vector<KeyColumn>& key) {
  std::string text;
  for (const KeyColumn& column : key) text += (text.empty() ? "" : ", ") + column.expression;
  return text;
}

// "(a, b) > ('1'::int4, 'x'::text)": the comparison of the index, also for one column.
std::string bound(const Connection& connection, const TableShape& shape, std::string_view comparison, const KeyText& key) {
  std::string values;
  for (std::size_t i = 0; i < shape.key.size() && i < key.size(); ++i)
    values += (values.empty() ? "" : ", ") + connection.literal(key[i]) + "::" + shape.key[i].type;
  return '(' + joined(shape.key) + ") " + std::string(comparison) + " (" + values + ')';
}

std::string selection(const Connection& connection, const TableShape& shape, const KeyRange& range, const std::string& also = {}) {
  std::string where;
  const auto add = [&](const std::string& condition) { where += (where.empty() ? " WHERE " : " AND ") + condition; };
  if (!shape.row_filter.empty()) add('(' + shape.row_filter + ')');
  if (range.after) add(bound(connection, shape, ">", *range.after));
  if (range.up_to) add(bound(connection, shape, "<=", *range.up_to));
  if (!also.empty()) add(also);
  return " FROM " + shape.from + where;
}

Result<std::string> row_filter(Connection& connection, const RelationMessage& relation, const std::string& publication,
                               std::stop_token stop) {
  if (publication.empty() || connection.server_version() < 150000) return std::string();
  const Rows rows = SLUICE_TRY(connection.query(
      "SELECT rowfilter FROM pg_publication_tables WHERE pubname = " + connection.literal(publication) +
          " AND schemaname = " + connection.literal(relation.schema) + " AND tablename = " + connection.literal(relation.table),
      "look up the row filter of the publication", std::move(stop)));
  return rows.count() == 1 ? std::string(rows.text(0, 0)) : std::string();
}

bool is_read(const TableRule* rule, std::string_view column) {
  return rule == nullptr || rule->columns.empty() || std::find(rule->columns.begin(), rule->columns.end(), column) != rule->columns.end();
}

Status find_key(Connection& connection, const std::vector<std::string>& attributes, TableShape& shape, std::stop_token stop) {
  const Rows rows = SLUICE_TRY(connection.query(key_query(shape.relation.id), "look up the key of a table", std::move(stop)));
  std::vector<KeyColumn> key;
  std::string path(kReadingSearchPath);
  for (int row = 0; row < rows.count(); ++row) {
    const auto slot = std::find(attributes.begin(), attributes.end(), rows.text(row, 0));
    if (slot == attributes.end() || rows.text(row, 4) != "t") return {};
    if (rows.text(row, 5) != "pg_catalog") path += ", " + std::string(rows.text(row, 5));
    std::string expression(rows.text(row, 1));
    if (!rows.is_null(row, 3)) expression += " COLLATE " + std::string(rows.text(row, 3));
    key.push_back({std::move(expression), std::string(rows.text(row, 2)), static_cast<std::uint32_t>(slot - attributes.begin())});
  }
  shape.key = std::move(key);
  shape.search_path = std::move(path);
  return {};
}

}  // namespace

Result<std::vector<ListedTable>> list_tables(Connection& connection, const std::string& publication, const TableFilter& filter,
                                             Missing missing, std::stop_token stop) {
  const Rows rows = SLUICE_TRY(connection.query(list_query(connection, publication), "list the tables to read", std::move(stop)));
  std::vector<ListedTable> tables;
  for (int row = 0; row < rows.count(); ++row) {
    ListedTable table{std::string(rows.text(row, 1)), std::string(rows.text(row, 2)), to_number<std::uint32_t>(rows.text(row, 0)),
                      static_cast<double>(to_number<std::int64_t>(rows.text(row, 3)))};
    const bool with_its_root = publication.empty() && rows.text(row, 4) == "t" && !is_named(filter, table);
    if (filter.wants(table.schema, table.name) && !with_its_root) tables.push_back(std::move(table));
  }
  if (missing == Missing::kError) SLUICE_TRY(check_all_found(filter, tables));
  return tables;
}

Result<std::optional<TableShape>> describe_table(Connection& connection, std::uint32_t oid, const std::string& publication,
                                                 const TableFilter& filter, std::stop_token stop) {
  const Rows rows = SLUICE_TRY(connection.query(columns_query(connection, oid, publication), "look up the columns of a table", stop));
  if (rows.count() == 0) return std::optional<TableShape>();
  TableShape shape;
  RelationMessage& relation = shape.relation;
  relation = {oid, std::string(rows.text(0, 0)), std::string(rows.text(0, 1)), rows.text(0, 3)[0], {}};
  const TableRule* rule = filter.rule_for(relation.schema, relation.table);
  std::vector<std::string> attributes;
  for (int row = 0; row < rows.count() && !rows.is_null(row, 4); ++row) {
    if (!is_read(rule, rows.text(row, 4))) continue;
    relation.columns.push_back({rows.text(row, 8) == "t", std::string(rows.text(row, 4)), to_number<std::uint32_t>(rows.text(row, 5)),
                                to_number<std::int32_t>(rows.text(row, 6))});
    shape.columns += (shape.columns.empty() ? "" : ", ") + connection.identifier(relation.columns.back().name);
    attributes.emplace_back(rows.text(row, 7));
  }
  const bool is_root = rows.text(0, 2) == "p";
  shape.from = (is_root ? "" : "ONLY ") + connection.identifier(relation.schema) + '.' + connection.identifier(relation.table);
  shape.row_filter = SLUICE_TRY(row_filter(connection, relation, publication, stop));
  const bool unpublished = publication.empty() || connection.server_version() < 150000;
  if (unpublished && rule != nullptr && !rule->where.empty()) shape.row_filter = rule->where + '\n';  // it may end in a comment
  SLUICE_TRY(find_key(connection, attributes, shape, stop));
  return std::optional(std::move(shape));
}

// The server evaluates a condition that depends on no row once, before the first.
std::string back_to_reading_path(const TableShape& shape) {
  if (shape.search_path == kReadingSearchPath) return {};
  return "(SELECT pg_catalog.set_config('search_path', '" + std::string(kReadingSearchPath) + "', true)) IS NOT NULL";
}

std::string copy_range(const Connection& connection, const TableShape& shape, const KeyRange& range) {
  std::string query =
      "COPY (SELECT " + shape.columns + selection(connection, shape, range, back_to_reading_path(shape)) + " ORDER BY " + joined(shape.key);
  if (range.limit != 0) query += " LIMIT " + std::to_string(range.limit);
  return query + ") TO STDOUT";
}

bool has_block_ranges(const Connection& connection, const TableShape& shape) {
  constexpr int kTidRangeScan = 140000;
  return connection.server_version() >= kTidRangeScan && shape.from.starts_with("ONLY ");
}

std::string copy_blocks(const TableShape& shape, const BlockRange& range) {
  std::string where = shape.row_filter.empty() ? "" : " WHERE (" + shape.row_filter + ')';
  const auto add = [&](std::string_view comparison, std::uint64_t block) {
    where += (where.empty() ? " WHERE ctid " : " AND ctid ") + std::string(comparison) + " '(" + std::to_string(block) + ",0)'::tid";
  };
  if (range.first != 0) add(">=", range.first);
  if (range.end) add("<", *range.end);
  return "COPY (SELECT " + shape.columns + " FROM " + shape.from + where + ") TO STDOUT";
}

std::string compare_keys(const Connection& connection, const TableShape& shape, const std::vector<KeyText>& keys, const KeyText& end) {
  std::string rows;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    rows += (i == 0 ? "(" : ", (") + std::to_string(i);
    for (std::size_t j = 0; j < shape.key.size(); ++j) rows += ", " + connection.literal(keys[i][j]) + "::" + shape.key[j].type;
    rows += ')';
  }
  std::string names;
  for (const KeyColumn& column : shape.key) names += ", " + connection.identifier(shape.relation.columns[column.slot].name);
  return "SELECT " + bound(connection, shape, ">", end) + " FROM (VALUES " + rows + ") \"given keys\" (\"place of key\"" + names +
         ") ORDER BY \"place of key\"";
}

std::string probe_range(const Connection& connection, const TableShape& shape, const KeyRange& range) {
  return "SELECT " + joined(shape.key) + selection(connection, shape, range) + " ORDER BY " + joined(shape.key) + " OFFSET " +
         std::to_string(range.limit - 1) + " LIMIT 1";
}

}  // namespace sluice::sources::postgres
