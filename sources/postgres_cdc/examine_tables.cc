// The doctor's questions about the tables: keys, replica identities, privileges, what their log leaves out.

#include <algorithm>
#include <map>

#include "sources/postgres_cdc/examination.h"

namespace sluice::sources::postgres {

namespace {

using Severity = DoctorFinding::Severity;

struct Table {
  std::string schema, name, sql_name;
  char identity = 'd';
  bool has_key = false, has_identity = false, published = false, owned = false, readable = false, partition = false, logged = true,
       row_security = false, generated = false, updated = false;
  std::string kind;     // r table, p partitioned table, v view, m materialised view, f foreign table
  std::string toasted;  // columns that an update may leave out of the log

  std::string subject() const { return schema + '.' + name; }
};

std::string tables_query(const Examination& examination) {
  const std::string publication = examination.connection.literal(examination.settings.publication);
  return "SELECT n.nspname, c.relname, format('%I.%I', n.nspname, c.relname), c.relreplident, EXISTS (SELECT FROM pg_index i WHERE "
         "i.indrelid = c.oid AND i.indisprimary), EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisreplident AND "
         "i.indisvalid), p.tablename IS NOT NULL, pg_has_role(c.relowner, 'USAGE'), has_table_privilege(c.oid, 'SELECT') AND "
         "has_schema_privilege(n.oid, 'USAGE'), c.relispartition, c.relpersistence = 'p', c.relrowsecurity AND row_security_active(c.oid), "
         "EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attgenerated = 's' AND NOT a.attisdropped), "
         "coalesce(u.n_tup_upd, 0) > 0, c.relkind, (SELECT string_agg(a.attname, ', ' ORDER BY a.attnum) FROM pg_attribute a WHERE "
         "a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attstorage IN ('x', 'e') AND c.reltoastrelid <> 0 AND "
         "pg_relation_size(c.reltoastrelid) > 0) "
         "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_publication_tables p ON p.pubname = " +
         publication +
         " AND p.schemaname = n.nspname AND p.tablename = c.relname LEFT JOIN pg_stat_user_tables u ON u.relid = c.oid "
         "WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE "
         "'pg_toast%' AND c.relpersistence <> 't' ORDER BY 1, 2";
}

Table read_table(const Rows& rows, int row) {
  const auto yes = [&](int column) { return rows.text(row, column) == "t"; };
  Table table;
  table.schema = rows.text(row, 0);
  table.name = rows.text(row, 1);
  table.sql_name = rows.text(row, 2);
  table.identity = rows.text(row, 3).empty() ? 'd' : rows.text(row, 3)[0];
  table.has_key = yes(4);
  table.has_identity = table.identity == 'f' || (table.identity == 'i' && yes(5)) || (table.identity == 'd' && table.has_key);
  table.published = yes(6);
  table.owned = yes(7);
  table.readable = yes(8);
  table.partition = yes(9);
  table.logged = yes(10);
  table.row_security = yes(11);
  table.generated = yes(12);
  table.updated = yes(13);
  table.kind = rows.text(row, 14);
  table.toasted = rows.text(row, 15);
  return table;
}

bool is_named(const Examination& examination, const Table& table) {
  const auto& include = examination.settings.filter.include;
  return std::any_of(include.begin(), include.end(),
                     [&](const TableRule& rule) { return rule.pattern.is_literal() && rule.pattern.matches(table.schema, table.name); });
}

// Views and the like are matched by a pattern without being meant.
bool is_meant(const Examination& examination, const Table& table) {
  if (!examination.settings.filter.wants(table.schema, table.name)) return false;
  const bool ordinary = (table.kind == "r" || table.kind == "p") && table.logged && !table.partition;
  return ordinary || is_named(examination, table);
}

// Many tables share what is merely good to know: one finding for all of them.
class Gathered {
 public:
  void add(const Table& table, const std::string& detail = {}) {
    if (++count_ <= kShown) list_ += (list_.empty() ? "" : ", ") + table.subject() + (detail.empty() ? "" : " (" + detail + ")");
  }
  void report(const Examination& examination, Severity severity, std::string_view code, const std::string& message,
              std::string mend = {}) const {
    if (count_ == 0) return;
    const std::string more = count_ > kShown ? " and " + std::to_string(count_ - kShown) + " more" : "";
    examination.add(severity, code, count_ == 1 ? "1 table" : std::to_string(count_) + " tables", message + ": " + list_ + more,
                    std::move(mend));
  }

 private:
  static constexpr std::size_t kShown = 10;
  std::size_t count_ = 0;
  std::string list_;
};

void judge_identity(const Examination& examination, const Table& table) {
  if (table.has_identity) {
    if (!table.has_key && table.identity == 'f')
      examination.add(Severity::kWarning, "table_without_key", table.subject(),
                      "it has no primary key: sinks that upsert need a `key`, and every update and delete carries the whole old row",
                      "ALTER TABLE " + table.sql_name + " ADD PRIMARY KEY (<columns>);");
    return;
  }
  const bool stops = table.published || !examination.publication_exists || is_named(examination, table);
  const std::string why = table.identity == 'n'   ? "its replica identity is NOTHING"
                          : table.identity == 'i' ? "the index of its replica identity is gone"
                                                  : "it has no primary key and no replica identity";
  examination.add(stops ? Severity::kError : Severity::kWarning, "no_replica_identity", table.subject(),
                  why + (table.published ? ": the server refuses every update and delete of it now"
                                         : ": once it is published the server refuses every update and delete of it, so it is not read"),
                  "ALTER TABLE " + table.sql_name + " REPLICA IDENTITY FULL; -- or give it a primary key");
}

bool judge_kind(const Examination& examination, const Table& table) {
  if (table.kind != "r" && table.kind != "p") {
    examination.add(Severity::kError, "not_a_table", table.subject(), "it is a view or a foreign table: changes to it are not in the log");
    return false;
  }
  if (table.logged) return true;
  examination.add(Severity::kError, "table_not_logged", table.subject(), "it is UNLOGGED: changes to it are not in the log",
                  "ALTER TABLE " + table.sql_name + " SET LOGGED;");
  return false;
}

void judge_privileges(const Examination& examination, const Table& table) {
  if (!examination.reads_tables) return;
  if (!table.readable)
    examination.add(Severity::kError, "missing_privilege", table.subject(), "the snapshot needs to read it",
                    "GRANT USAGE ON SCHEMA " + examination.connection.identifier(table.schema) + " TO " + examination.quoted_role() +
                        "; GRANT SELECT ON " + table.sql_name + " TO " + examination.quoted_role() + ";");
  if (table.row_security)
    examination.add(Severity::kWarning, "row_security", table.subject(),
                    "row security hides rows from this role: they would be missing in the snapshot while their changes come",
                    "ALTER ROLE " + examination.quoted_role() + " BYPASSRLS;");
}

std::string list_of(const std::vector<const Table*>& tables) {
  std::string list;
  for (const Table* table : tables) list += (list.empty() ? "" : ", ") + table->sql_name;
  return list;
}

// Tables that the next start has to publish: it must own them, or somebody who does must publish them first.
void judge_publishing(const Examination& examination, const std::vector<Table>& tables) {
  std::vector<const Table*> missing;
  for (const Table& table : tables) {
    if (!table.published && table.has_identity) missing.push_back(&table);
  }
  if (missing.empty()) return;
  const std::string name = examination.connection.identifier(examination.settings.publication);
  const std::string create = "CREATE PUBLICATION " + name + " FOR TABLE " + list_of(missing) +
                             " WITH (publish = 'insert, update, delete, truncate', publish_via_partition_root = true);";
  const std::string extend = "ALTER PUBLICATION " + name + " ADD TABLE " + list_of(missing) + ";";
  const std::string& mend = examination.publication_exists ? extend : create;
  const std::string subject = "publication " + examination.settings.publication;
  const bool theirs = examination.settings.publication_owner == PublicationOwner::kTheUsers && examination.publication_exists;
  const auto foreign = std::count_if(missing.begin(), missing.end(), [](const Table* table) { return !table->owned; });
  if (theirs) {
    examination.add(Severity::kError, "publication_lacks_table", subject, "it does not hold " + list_of(missing), mend);
  } else if (foreign != 0) {
    examination.add(Severity::kError, "missing_privilege", subject,
                    "role " + examination.role + " does not own " + std::to_string(foreign) +
                        " of the tables to publish; let their owner or a "
                        "superuser do it, before the first start",
                    mend);
  } else {
    examination.add(Severity::kNote, "tables_will_be_published", subject, "the next start adds " + list_of(missing));
  }
}

void judge_absent(const Examination& examination, const std::vector<Table>& tables) {
  for (const TableRule& rule : examination.settings.filter.include) {
    const TablePattern& pattern = rule.pattern;
    const bool found =
        std::any_of(tables.begin(), tables.end(), [&](const Table& table) { return pattern.matches(table.schema, table.name); });
    if (found) continue;
    const bool needed = pattern.is_literal() || tables.empty();
    examination.add(needed ? Severity::kError : Severity::kNote, "table_missing", pattern.text(), "no table of the database has this name");
  }
}

void judge_all(const Examination& examination, const std::vector<Table>& tables) {
  Gathered toasted, full, generated;
  for (const Table& table : tables) {
    judge_identity(examination, table);
    judge_privileges(examination, table);
    if (table.identity == 'f' && table.has_key) full.add(table);
    if (table.identity != 'f' && !table.toasted.empty() && table.updated) toasted.add(table, table.toasted);
    if (table.generated && examination.connection.server_version() < 180000) generated.add(table);
  }
  toasted.report(examination, Severity::kNote, "toast_unchanged",
                 "an update that does not touch a large value leaves it out of the log: it arrives as `unchanged`, which sinks that upsert "
                 "leave alone; REPLICA IDENTITY FULL logs the whole old row instead");
  full.report(examination, Severity::kNote, "identity_full", "REPLICA IDENTITY FULL logs the whole old row with every update and delete");
  generated.report(examination, Severity::kNote, "generated_columns", "generated columns are not in the log before PostgreSQL 18");
}

}  // namespace

Status examine_tables(Examination& examination) {
  const Rows rows = SLUICE_TRY(examination.ask(tables_query(examination), "look at the tables"));
  std::vector<Table> tables;
  for (int row = 0; row < rows.count(); ++row) {
    Table table = read_table(rows, row);
    if (is_meant(examination, table)) tables.push_back(std::move(table));
  }
  judge_absent(examination, tables);
  std::erase_if(tables, [&](const Table& table) { return !judge_kind(examination, table); });
  judge_all(examination, tables);
  judge_publishing(examination, tables);
  return {};
}

}  // namespace sluice::sources::postgres
