// The doctor's questions about the publication: what it sends, and filters that make the server refuse updates.

#include "sources/postgres_cdc/examination.h"
#include "sources/postgres_cdc/publication_watch.h"

namespace sluice::sources::postgres {

namespace {

using Severity = DoctorFinding::Severity;

std::string subject_of(const Examination& examination) { return "publication " + examination.settings.publication; }

Status judge_absent(const Examination& examination) {
  if (examination.slot_exists) {
    examination.add(Severity::kError, "publication_missing", subject_of(examination),
                    "it does not exist while the slot does: changes made without it cannot be read", "-- sluice resync PIPELINE");
    return {};
  }
  if (examination.settings.publication_owner == PublicationOwner::kTheUsers)
    examination.add(Severity::kNote, "publication_will_be_created", subject_of(examination),
                    "it does not exist: the first start creates it for the tables of the configuration");
  const Rows rows = SLUICE_TRY(examination.ask("SELECT has_database_privilege(current_database(), 'CREATE')", "look at privileges"));
  if (rows.text(0, 0) == "t") return {};
  examination.add(
      Severity::kError, "missing_privilege", "role " + examination.role,
      "the first start creates the publication, which needs CREATE on the database",
      "GRANT CREATE ON DATABASE " + examination.connection.identifier(examination.database) + " TO " + examination.quoted_role() + ";");
  return {};
}

void judge_present(const Examination& examination, const PublishedState& state) {
  const std::string name = examination.connection.identifier(examination.settings.publication);
  if (!state.all_operations)
    examination.add(Severity::kWarning, "publication_lacks_operations", subject_of(examination),
                    "it leaves out some operations: they are not seen",
                    "ALTER PUBLICATION " + name + " SET (publish = 'insert, update, delete, truncate');");
  if (state.all_tables)
    examination.add(
        Severity::kNote, "publication_all_tables", subject_of(examination),
        "it is FOR ALL TABLES: the server also sends tables that the configuration does not want, and refuses updates of tables "
        "without a replica identity");
}

// A row filter or column list must leave the server what it needs of an old row, else it refuses updates and deletes of the table to
// everybody (documentation, CREATE PUBLICATION).  The filter's columns are taken from its stored expression tree.
constexpr std::string_view kTables =
    "WITH r AS (SELECT pr.*, c.relreplident AS ident, format('%I.%I', n.nspname, c.relname) AS name FROM pg_publication_rel pr JOIN "
    "pg_class c ON c.oid = pr.prrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE pr.prpubid = (SELECT oid FROM pg_publication "
    "WHERE pubname = $publication)), "
    "key AS (SELECT r.oid, k.attnum FROM r JOIN pg_index i ON i.indrelid = r.prrelid AND (r.ident = 'd' AND i.indisprimary OR r.ident = "
    "'i' AND i.indisreplident), unnest(i.indkey) k(attnum)) ";
// name, columns, filter
constexpr std::string_view kFilters =
    ", used AS (SELECT DISTINCT r.oid, m[1]::int2 AS attnum FROM r, regexp_matches(r.prqual::text, ':varattno (\\d+)', 'g') m) "
    "SELECT r.name, string_agg(a.attname, ', '), pg_get_expr(r.prqual, r.prrelid) FROM r JOIN used USING (oid) JOIN pg_attribute a ON "
    "a.attrelid = r.prrelid AND a.attnum = used.attnum WHERE r.ident <> 'f' AND NOT EXISTS (SELECT FROM key WHERE key.oid = r.oid AND "
    "key.attnum = used.attnum) GROUP BY r.name, r.prqual, r.prrelid ORDER BY 1";
// name, columns that lack, the list with them, filter
constexpr std::string_view kLists =
    ", lacks AS (SELECT r.oid, a.attname, a.attnum FROM r JOIN pg_attribute a ON a.attrelid = r.prrelid AND a.attnum > 0 AND NOT "
    "a.attisdropped WHERE r.prattrs IS NOT NULL AND a.attnum <> ALL (r.prattrs) AND (r.ident = 'f' OR EXISTS (SELECT FROM key WHERE "
    "key.oid = r.oid AND key.attnum = a.attnum))) "
    "SELECT r.name, (SELECT string_agg(attname, ', ') FROM lacks WHERE oid = r.oid), (SELECT string_agg(quote_ident(a.attname), ', ' ORDER "
    "BY a.attnum) FROM pg_attribute a WHERE a.attrelid = r.prrelid AND (a.attnum = ANY (r.prattrs) OR a.attnum IN (SELECT attnum FROM "
    "lacks "
    "WHERE oid = r.oid))), pg_get_expr(r.prqual, r.prrelid) FROM r WHERE r.oid IN (SELECT oid FROM lacks) ORDER BY 1";

Result<Rows> ask_tables(const Examination& examination, std::string_view what) {
  std::string sql = std::string(kTables) + std::string(what);
  constexpr std::string_view kPlace = "$publication";
  sql.replace(sql.find(kPlace), kPlace.size(), examination.connection.literal(examination.settings.publication));
  return examination.ask(sql, "look at the publication's filters");
}

Status judge_filters(const Examination& examination) {
  const Rows rows = SLUICE_TRY(ask_tables(examination, kFilters));
  for (int row = 0; row < rows.count(); ++row) {
    const std::string table(rows.text(row, 0));
    examination.add(Severity::kError, "filter_outside_identity", table,
                    "its row filter " + std::string(rows.text(row, 2)) + " uses " + std::string(rows.text(row, 1)) +
                        ", outside the replica identity: the server refuses every update and delete of the table",
                    "ALTER TABLE " + table + " REPLICA IDENTITY FULL;");
  }
  return {};
}

Status judge_lists(const Examination& examination) {
  const Rows rows = SLUICE_TRY(ask_tables(examination, kLists));
  const std::string name = examination.connection.identifier(examination.settings.publication);
  for (int row = 0; row < rows.count(); ++row) {
    const std::string table(rows.text(row, 0));
    const std::string where = rows.is_null(row, 3) ? "" : " WHERE (" + std::string(rows.text(row, 3)) + ")";
    examination.add(Severity::kError, "columns_lack_identity", table,
                    "its column list lacks " + std::string(rows.text(row, 1)) +
                        " of the replica identity: the server refuses every update and delete of the table",
                    "BEGIN; ALTER PUBLICATION " + name + " DROP TABLE " + table + "; ALTER PUBLICATION " + name + " ADD TABLE " + table +
                        " (" + std::string(rows.text(row, 2)) + ")" + where + "; COMMIT;");
  }
  return {};
}

}  // namespace

Status examine_publication(Examination& examination) {
  const std::string& name = examination.settings.publication;
  const std::optional<PublishedState> state = SLUICE_TRY(published_state(examination.connection, name, examination.stop));
  examination.publication_exists = state.has_value();
  if (!state) return judge_absent(examination);
  judge_present(examination, *state);
  if (examination.connection.server_version() < 150000) return {};  // neither filters nor lists
  SLUICE_TRY(judge_filters(examination));
  return judge_lists(examination);
}

}  // namespace sluice::sources::postgres
