#include "sources/postgres_cdc/publication_watch.h"

namespace sluice::sources::postgres {

namespace {

constexpr std::string_view kDoing = "look at the publication";

Error changed(const std::string& publication, const std::string& what, const std::string& mend) {
  return {ErrorKind::kFatal, "publication_changed",
          "the publication \"" + publication + "\" " + what +
              ": changes made since then were not sent and cannot be read any more (mend: " + mend + ")"};
}

// Of the tables that `now` lacks, those that exist still.
Result<std::vector<std::pair<std::string, std::string>>> taken_out(Connection& connection, const PublishedState& before,
                                                                   const PublishedState& now, const TableFilter& filter,
                                                                   std::stop_token stop) {
  std::string oids;
  for (const auto& [oid, name] : before.tables) {
    if (!now.tables.contains(oid) && !now.schemas.contains(name.first) && filter.wants(name.first, name.second))
      oids += (oids.empty() ? "" : ",") + oid;
  }
  std::vector<std::pair<std::string, std::string>> result;
  if (oids.empty() || now.all_tables) return result;
  const Rows rows = SLUICE_TRY(
      connection.query("SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid IN (" + oids +
                           ") ORDER BY 1, 2",
                       kDoing, stop));
  for (int row = 0; row < rows.count(); ++row) result.emplace_back(rows.text(row, 0), rows.text(row, 1));
  return result;
}

}  // namespace

Result<std::optional<PublishedState>> published_state(Connection& connection, const std::string& publication, std::stop_token stop) {
  const Rows rows = SLUICE_TRY(connection.query(
      "SELECT oid, puballtables, pubinsert AND pubupdate AND pubdelete AND pubtruncate FROM pg_publication WHERE pubname = " +
          connection.literal(publication),
      kDoing, stop));
  if (rows.count() == 0) return std::optional<PublishedState>();
  PublishedState state;
  state.oid = rows.text(0, 0);
  state.all_tables = rows.text(0, 1) == "t";
  state.all_operations = rows.text(0, 2) == "t";
  const Rows tables = SLUICE_TRY(connection.query(
      "SELECT c.oid, n.nspname, c.relname FROM pg_publication_rel r JOIN pg_class c ON c.oid = r.prrelid JOIN pg_namespace n ON "
      "n.oid = c.relnamespace WHERE r.prpubid = " +
          state.oid,
      kDoing, stop));
  for (int row = 0; row < tables.count(); ++row)
    state.tables.try_emplace(std::string(tables.text(row, 0)), tables.text(row, 1), tables.text(row, 2));
  if (connection.server_version() >= 150000) {
    const Rows schemas = SLUICE_TRY(connection.query(
        "SELECT n.nspname FROM pg_publication_namespace p JOIN pg_namespace n ON n.oid = p.pnnspid WHERE p.pnpubid = " + state.oid, kDoing,
        stop));
    for (int row = 0; row < schemas.count(); ++row) state.schemas.emplace(schemas.text(row, 0));
  }
  return std::optional<PublishedState>(std::move(state));
}

Result<std::optional<Error>> publication_loss(Connection& connection, const std::string& publication, const PublishedState& before,
                                              const std::optional<PublishedState>& now, const TableFilter& filter, std::stop_token stop) {
  if (!now) {
    return std::optional<Error>(
        Error(ErrorKind::kFatal, "publication_missing",
              "the publication \"" + publication + "\" was dropped: changes made without it cannot be read (mend: sluice resync)"));
  }
  if (now->oid != before.oid) return std::optional<Error>(changed(publication, "was dropped and made again", "sluice resync"));
  const std::string name = connection.identifier(publication);
  if (before.all_operations && !now->all_operations) {
    return std::optional<Error>(
        changed(publication, "was told to leave out some operations",
                "ALTER PUBLICATION " + name + " SET (publish = 'insert, update, delete, truncate'); then sluice resync"));
  }
  for (const std::string& schema : before.schemas) {
    if (now->schemas.contains(schema)) continue;
    return std::optional<Error>(changed(
        publication, "no longer holds the tables of the schema \"" + schema + '"',
        "ALTER PUBLICATION " + name + " ADD TABLES IN SCHEMA " + connection.identifier(schema) + "; then sluice snapshot of these tables"));
  }
  std::string list;
  std::string sql;
  for (const auto& [schema, table] : SLUICE_TRY(taken_out(connection, before, *now, filter, stop))) {
    list += (list.empty() ? "" : ", ") + schema + '.' + table;
    sql += (sql.empty() ? "" : ", ") + connection.identifier(schema) + '.' + connection.identifier(table);
  }
  if (list.empty()) return std::optional<Error>();
  return std::optional<Error>(
      changed(publication, "no longer holds " + list,
              "ALTER PUBLICATION " + name + " ADD TABLE " + sql + "; then sluice snapshot of it; or take it out of `tables`"));
}

}  // namespace sluice::sources::postgres
