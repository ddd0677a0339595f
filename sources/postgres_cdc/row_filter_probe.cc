#include "sources/postgres_cdc/row_filter_probe.h"

#include <charconv>

namespace sluice::sources::postgres {

namespace {

constexpr std::string_view kDoing = "check `where` of the tables";
constexpr std::string_view kProbe = "sluice_probe_of_filters";

// pg_depend has the columns that a filter uses.  One row per filter and such column outside of the replica identity, or one without.
std::string filters_query() {
  return "SELECT r.prrelid, pg_catalog.pg_get_expr(r.prqual, r.prrelid), a.attname FROM pg_catalog.pg_publication p "
         "JOIN pg_catalog.pg_publication_rel r ON r.prpubid = p.oid JOIN pg_catalog.pg_class c ON c.oid = r.prrelid "
         "LEFT JOIN (pg_catalog.pg_depend d JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid) "
         "  ON d.classid = 'pg_catalog.pg_publication_rel'::pg_catalog.regclass AND d.objid = r.oid AND d.refobjid = r.prrelid "
         "  AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjsubid > 0 AND c.relreplident <> 'f' "
         "  AND NOT EXISTS (SELECT FROM pg_catalog.pg_index i CROSS JOIN LATERAL pg_catalog.unnest(i.indkey::pg_catalog.int2[]) k(number) "
         "    WHERE i.indrelid = c.oid AND k.number = a.attnum "
         "    AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident END) "
         "WHERE p.pubname = '" +
         std::string(kProbe) + "' ORDER BY r.prrelid, a.attnum";
}

std::string create_probe(const Connection& connection, const std::vector<CapturedTable>& tables) {
  std::string list;
  for (const CapturedTable& table : tables) {
    if (table.rule->where.empty()) continue;
    list += (list.empty() ? "" : ", ") + sql_name(connection, table.schema, table.name) + " WHERE (" + table.rule->where + "\n)";
  }
  return list.empty() ? list : "CREATE PUBLICATION " + std::string(kProbe) + " FOR TABLE " + list;
}

// What is wrong with an expression comes as one of the classes of SQL errors, "syntax error or access rule violation" above all.
Error explained(const Error& error) {
  if (error.code() != "server_error") return error;
  return {ErrorKind::kFatal, "where_invalid", error.message()};
}

Result<Rows> try_filters(Connection& connection, const std::string& create, std::stop_token stop) {
  SLUICE_TRY(connection.query("BEGIN", kDoing, stop));
  const Result<Rows> created = connection.query(create, kDoing, stop);
  if (!created) {
    const Result<Rows> ignored = connection.query("ROLLBACK", kDoing, stop);
    return explained(created.error());
  }
  Rows found = SLUICE_TRY(connection.query(filters_query(), kDoing, stop));
  SLUICE_TRY(connection.query("ROLLBACK", kDoing, stop));
  return found;
}

}  // namespace

Result<std::vector<ProbedFilter>> probe_row_filters(Connection& connection, const std::vector<CapturedTable>& tables,
                                                    std::stop_token stop) {
  std::vector<ProbedFilter> filters;
  const std::string create = create_probe(connection, tables);
  if (create.empty()) return filters;
  const Rows rows = SLUICE_TRY(try_filters(connection, create, std::move(stop)));
  for (int row = 0; row < rows.count(); ++row) {
    std::uint32_t oid = 0;
    const std::string_view text = rows.text(row, 0);
    std::from_chars(text.data(), text.data() + text.size(), oid);
    if (filters.empty() || filters.back().table != oid) filters.push_back({oid, std::string(rows.text(row, 1)), {}});
    if (!rows.is_null(row, 2)) filters.back().outside_identity.emplace_back(rows.text(row, 2));
  }
  return filters;
}

}  // namespace sluice::sources::postgres
