#include "sources/postgres_cdc/publication_watch.h"

#include <unistd.h>

#include <sstream>
#include <utility>
#include <vector>

#include "storage/durable_file.h"

namespace sluice::sources::postgres {

namespace {

constexpr std::string_view kDoing = "look at the publication";
constexpr int kSilentWithoutPublication = 180000;

using Names = std::vector<std::pair<std::string, std::string>>;  // schema, table

Error changed(const std::string& publication, const std::string& what, const std::string& mend) {
  return {ErrorKind::kFatal, "publication_changed",
          "the publication \"" + publication + "\" " + what +
              ": changes made since then were not sent and cannot be read any more (mend: " + mend + ")"};
}

std::string joined(const std::set<std::string>& items) {
  std::string list;
  for (const std::string& item : items) list += (list.empty() ? "" : ",") + item;
  return list;
}

std::set<std::string> without(const std::set<std::string>& all, const std::set<std::string>& some) {
  std::set<std::string> rest;
  for (const std::string& item : all) {
    if (!some.contains(item)) rest.insert(item);
  }
  return rest;
}

Result<std::set<std::string>> ask_oids(Connection& connection, const std::string& sql, std::stop_token stop) {
  const Rows rows = SLUICE_TRY(connection.query(sql, kDoing, stop));
  std::set<std::string> oids;
  for (int row = 0; row < rows.count(); ++row) oids.emplace(rows.text(row, 0));
  return oids;
}

// Of the tables that `now` lacks, those that exist still and are wanted.
Result<Names> taken_out(Connection& connection, const PublishedState& before, const PublishedState& now, const TableFilter& filter,
                        std::stop_token stop) {
  Names result;
  const std::set<std::string> missing = without(before.tables, now.tables);
  if (missing.empty() || now.all_tables) return result;
  const Rows rows = SLUICE_TRY(
      connection.query("SELECT n.nspname, c.relname, n.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid IN (" +
                           joined(missing) + ") ORDER BY 1, 2",
                       kDoing, stop));
  for (int row = 0; row < rows.count(); ++row) {
    if (now.schemas.contains(std::string(rows.text(row, 2))) || !filter.wants(rows.text(row, 0), rows.text(row, 1))) continue;
    result.emplace_back(rows.text(row, 0), rows.text(row, 1));
  }
  return result;
}

Result<std::optional<Error>> lost_schemas(Connection& connection, const std::string& publication, const PublishedState& before,
                                          const PublishedState& now, std::stop_token stop) {
  const std::set<std::string> missing = without(before.schemas, now.schemas);
  if (missing.empty() || now.all_tables) return std::optional<Error>();
  const Rows rows = SLUICE_TRY(connection.query("SELECT nspname FROM pg_namespace WHERE oid IN (" + joined(missing) + ")", kDoing, stop));
  if (rows.count() == 0) return std::optional<Error>();
  const std::string schema(rows.text(0, 0));
  return std::optional<Error>(changed(publication, "no longer holds the tables of the schema \"" + schema + '"',
                                      "ALTER PUBLICATION " + connection.identifier(publication) + " ADD TABLES IN SCHEMA " +
                                          connection.identifier(schema) + "; then start the pipeline and sluice snapshot PIPELINE " + "'" +
                                          schema + ".*'"));
}

Result<std::optional<Error>> lost_tables(Connection& connection, const std::string& publication, const Names& tables) {
  if (tables.empty()) return std::optional<Error>();
  std::string list;
  std::string sql;
  std::string names;
  for (const auto& [schema, table] : tables) {
    names += (names.empty() ? "" : " ") + schema + '.' + table;
    list += (list.empty() ? "" : ", ") + schema + '.' + table;
    sql += (sql.empty() ? "" : ", ") + connection.identifier(schema) + '.' + connection.identifier(table);
  }
  return std::optional<Error>(changed(publication, "no longer holds " + list,
                                      "ALTER PUBLICATION " + connection.identifier(publication) + " ADD TABLE " + sql +
                                          "; then start the pipeline and sluice snapshot PIPELINE " + names +
                                          "; or take it out of `tables`"));
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
  auto tables = ask_oids(connection, "SELECT prrelid FROM pg_publication_rel WHERE prpubid = " + state.oid, stop);
  if (!tables) return std::move(tables).error();
  state.tables = std::move(tables).value();
  if (connection.server_version() < 150000) return std::optional<PublishedState>(std::move(state));
  auto schemas = ask_oids(connection, "SELECT pnnspid FROM pg_publication_namespace WHERE pnpubid = " + state.oid, stop);
  if (!schemas) return std::move(schemas).error();
  state.schemas = std::move(schemas).value();
  return std::optional<PublishedState>(std::move(state));
}

Result<std::optional<Error>> publication_loss(Connection& connection, const std::string& publication, const PublishedState& before,
                                              const std::optional<PublishedState>& now, const TableFilter& filter, std::stop_token stop) {
  if (!now) {
    return std::optional<Error>(Error(
        ErrorKind::kFatal, "publication_missing",
        "the publication \"" + publication + "\" was dropped: changes made without it cannot be read (mend: sluice resync PIPELINE)"));
  }
  // Older servers end the stream when it comes to a change that was made without the publication, so they need no guess.
  if (now->oid != before.oid) {
    if (connection.server_version() < kSilentWithoutPublication) return std::optional<Error>();
    return std::optional<Error>(changed(publication, "was dropped and made again", "sluice resync PIPELINE"));
  }
  if (before.all_operations && !now->all_operations) {
    return std::optional<Error>(changed(publication, "was told to leave out some operations",
                                        "ALTER PUBLICATION " + connection.identifier(publication) +
                                            " SET (publish = 'insert, update, delete, truncate'); then sluice resync PIPELINE"));
  }
  std::optional<Error> loss = SLUICE_TRY(lost_schemas(connection, publication, before, *now, stop));
  if (loss) return loss;
  return lost_tables(connection, publication, SLUICE_TRY(taken_out(connection, before, *now, filter, stop)));
}

// Lines: "published 1 <owner>", oid and the two flags, schemas, tables.
Result<std::optional<PublishedState>> PublicationNote::read() const {
  if (path_.empty()) return std::optional<PublishedState>();
  const std::optional<std::string> content = SLUICE_TRY(storage::read_file(path_));
  if (!content) return std::optional<PublishedState>();
  std::istringstream lines(*content);
  std::string line;
  PublishedState state;
  if (!std::getline(lines, line) || line != "published 1 " + owner_) return std::optional<PublishedState>();
  if (!(lines >> state.oid >> state.all_tables >> state.all_operations)) return std::optional<PublishedState>();
  for (std::string kind, oid; lines >> kind >> oid;) (kind == "schema" ? state.schemas : state.tables).insert(oid);
  return std::optional<PublishedState>(std::move(state));
}

Status PublicationNote::write(const PublishedState& state, FaultPoints& faults) const {
  if (path_.empty()) return {};
  std::string content =
      "published 1 " + owner_ + '\n' + state.oid + (state.all_tables ? " 1" : " 0") + (state.all_operations ? " 1\n" : " 0\n");
  for (const std::string& oid : state.schemas) content += "schema " + oid + '\n';
  for (const std::string& oid : state.tables) content += "table " + oid + '\n';
  return storage::replace_file(path_, content, faults, "postgres_cdc_publication");
}

void PublicationNote::remove() const {
  if (!path_.empty()) ::unlink(path_.c_str());
}

Status remember_published(Connection& connection, const PublicationNote& note, const std::string& publication, FaultPoints& faults,
                          std::stop_token stop) {
  const std::optional<PublishedState> now = SLUICE_TRY(published_state(connection, publication, std::move(stop)));
  if (!now || SLUICE_TRY(note.read()) == now) return {};
  return note.write(*now, faults);
}

Result<std::string> tables_digest(Connection& connection, const std::string& publication, std::stop_token stop) {
  const bool schemas = connection.server_version() >= 150000;
  const std::string by_schema =
      schemas ? "EXISTS (SELECT FROM pg_publication_namespace x WHERE x.pnpubid = p.oid AND x.pnnspid = c.relnamespace)" : "false";
  const Rows rows = SLUICE_TRY(connection.query(
      "SELECT md5(coalesce(string_agg(concat_ws(' ', c.oid, n.nspname, c.relname, c.relkind, c.relispartition, c.relreplident, "
      "  (SELECT string_agg(i.indexrelid::text, ' ' ORDER BY i.indexrelid) FROM pg_index i WHERE i.indrelid = c.oid AND i.indisvalid AND "
      "    (i.indisprimary OR i.indisreplident)), "
      "  EXISTS (SELECT FROM pg_publication_rel r WHERE r.prrelid = c.oid AND r.prpubid = p.oid), " +
          by_schema +
          "), ',' ORDER BY c.oid), '')) "
          "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_publication p ON p.pubname = " +
          connection.literal(publication) +
          " WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND n.nspname NOT IN ('pg_catalog', 'information_schema')",
      "look for new tables", std::move(stop)));
  return std::string(rows.text(0, 0));
}

}  // namespace sluice::sources::postgres
