#include "sources/postgres_cdc/publication.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "sources/postgres_cdc/captured_tables.h"
#include "sources/postgres_cdc/position_words.h"
#include "sources/postgres_cdc/row_filter_probe.h"

namespace sluice::sources::postgres {

namespace {

using Tables = std::vector<CapturedTable>;
using Filters = std::vector<ProbedFilter>;

constexpr int kNarrowing = 150000;          // columns and rows of a publication
constexpr int kGeneratedColumns = 180000;   // publish_generated_columns
constexpr std::size_t kTablesAtOnce = 500;  // in one statement, which locks them all (max_locks_per_transaction)
constexpr std::string_view kOperations = "publish = 'insert, update, delete, truncate'";

struct Published {
  std::string schema, name;
  std::string columns;   // "\"a\", \"b\"", in the order of the table; empty: all
  std::string where;     // as the server spells it; empty: all rows
  bool by_name = false;  // stands in the publication itself, not by its schema or FOR ALL TABLES
};

struct Publication {
  bool exists = false, all_operations = false, via_root = false;
  std::map<std::uint32_t, Published> tables;
};

std::uint32_t to_oid(std::string_view text) {
  std::uint32_t oid = 0;
  return parse_number(text, oid) ? oid : 0;
}

std::string quoted_columns(const Connection& connection, const CapturedTable& table) {
  std::string list;
  for (const CapturedTable::Column& column : table.columns) {
    const auto& wanted = table.rule->columns;
    if (std::find(wanted.begin(), wanted.end(), column.name) == wanted.end()) continue;
    list += (list.empty() ? "" : ", ") + connection.identifier(column.name);
  }
  return table.rule->columns.empty() ? std::string() : list;
}

// One table as it stands in CREATE and ALTER PUBLICATION.
std::string publication_entry(const Connection& connection, const CapturedTable& table) {
  std::string entry = sql_name(connection, table.schema, table.name);
  if (connection.server_version() < kNarrowing) return entry;
  if (const std::string columns = quoted_columns(connection, table); !columns.empty()) entry += " (" + columns + ')';
  // The expression may end in a comment.
  if (!table.rule->where.empty()) entry += " WHERE (" + table.rule->where + "\n)";
  return entry;
}

std::string entries(const Connection& connection, const Tables& tables) {
  std::string list;
  for (const CapturedTable& table : tables) list += (list.empty() ? "" : ", ") + publication_entry(connection, table);
  return list;
}

std::string options(const Connection& connection) {
  std::string text = std::string(kOperations) + ", publish_via_partition_root = true";
  if (connection.server_version() >= kGeneratedColumns) text += ", publish_generated_columns = stored";
  return text;
}

std::string tables_query(const Connection& connection, const std::string& name) {
  const bool narrowing = connection.server_version() >= kNarrowing;
  // Names as Connection::identifier() writes them: always in quotes.
  const std::string columns =
      "(SELECT pg_catalog.string_agg('\"' || pg_catalog.replace(a.attname::pg_catalog.text, '\"', '\"\"') || '\"', ', ' ORDER BY a.attnum) "
      "FROM pg_catalog.pg_attribute a "
      "WHERE a.attrelid = r.prrelid AND a.attnum = ANY(r.prattrs::pg_catalog.int2[]))";
  return "SELECT c.oid, n.nspname, c.relname, r.prrelid IS NOT NULL, " +
         (narrowing ? columns + ", pg_catalog.pg_get_expr(r.prqual, r.prrelid)" : std::string("NULL, NULL")) +
         " FROM (SELECT t.schemaname, t.tablename FROM pg_catalog.pg_publication_tables t WHERE t.pubname = " + connection.literal(name) +
         " UNION SELECT xn.nspname, x.relname FROM pg_catalog.pg_publication_rel xr JOIN pg_catalog.pg_class x ON x.oid = xr.prrelid "
         "  JOIN pg_catalog.pg_namespace xn ON xn.oid = x.relnamespace JOIN pg_catalog.pg_publication xp ON xp.oid = xr.prpubid "
         "  WHERE xp.pubname = " +
         connection.literal(name) +
         ") t JOIN pg_catalog.pg_namespace n ON n.nspname = t.schemaname "
         "JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename "
         "LEFT JOIN pg_catalog.pg_publication_rel r ON r.prrelid = c.oid AND r.prpubid = "
         "  (SELECT p.oid FROM pg_catalog.pg_publication p WHERE p.pubname = " +
         connection.literal(name) + ')';
}

Result<Publication> find_publication(Connection& connection, const std::string& name, std::stop_token stop) {
  const std::string doing = "look up the publication \"" + name + "\"";
  const Rows found = SLUICE_TRY(connection.query(
      "SELECT pubinsert AND pubupdate AND pubdelete AND pubtruncate, pubviaroot FROM pg_catalog.pg_publication WHERE pubname = " +
          connection.literal(name),
      doing, stop));
  Publication publication;
  publication.exists = found.count() == 1;
  if (!publication.exists) return publication;
  publication.all_operations = found.text(0, 0) == "t";
  publication.via_root = found.text(0, 1) == "t";
  const Rows rows = SLUICE_TRY(connection.query(tables_query(connection, name), doing, stop));
  for (int row = 0; row < rows.count(); ++row) {
    publication.tables.emplace(to_oid(rows.text(row, 0)),
                               Published{std::string(rows.text(row, 1)), std::string(rows.text(row, 2)), std::string(rows.text(row, 4)),
                                         std::string(rows.text(row, 5)), rows.text(row, 3) == "t"});
  }
  return publication;
}

const ProbedFilter* find_filter(const Filters& filters, const CapturedTable& table) {
  const auto found = std::find_if(filters.begin(), filters.end(), [&](const ProbedFilter& filter) { return filter.table == table.oid; });
  return found == filters.end() ? nullptr : &*found;
}

// The work of one ensure_publication().
struct Work {
  Connection& connection;
  const PublicationWish& wish;
  Logger& log;
  std::stop_token stop;

  std::string alter() const { return "ALTER PUBLICATION " + connection.identifier(wish.name); }
  bool ours() const { return wish.owner == PublicationOwner::kOurs; }

  Status run(const std::string& sql, std::string_view verb) {
    SLUICE_TRY(connection.query(sql, std::string(verb) + " the publication \"" + wish.name + "\"", stop));
    return {};
  }

  Error fatal(std::string_view code, const std::string& message, const std::string& mend) const {
    return {ErrorKind::kFatal, code, "the publication \"" + wish.name + "\" " + message + " (mend: " + mend + ')'};
  }

  Result<Filters> filters(const Tables& tables) {
    if (connection.server_version() >= kNarrowing) return check_filters(tables);
    for (const CapturedTable& table : tables) {
      if (table.rule->where.empty()) continue;
      return Error(
          ErrorKind::kFatal, "where_unsupported",
          "read " + table.text() + ": `where` needs PostgreSQL 15, this server is older (mend: a transform `filter` does the same here)");
    }
    return Filters();
  }

  Result<Filters> check_filters(const Tables& tables) {
    Filters probed = SLUICE_TRY(probe_row_filters(connection, tables, stop));
    for (const CapturedTable& table : tables) {
      const ProbedFilter* filter = find_filter(probed, table);
      if (filter == nullptr || filter->outside_identity.empty()) continue;
      return problem_error({{"filter_outside_identity", table.text(),
                             "its `where` uses the column \"" + filter->outside_identity.front() +
                                 "\", which is not of its replica identity: the server would refuse its updates and deletes",
                             "ALTER TABLE " + sql_name(connection, table.schema, table.name) + " REPLICA IDENTITY FULL;"}});
    }
    return probed;
  }

  // There is no slot yet: when this ends in the middle the next start adds the rest.
  Status create(const Tables& tables) {
    SLUICE_TRY(filters(tables));
    const std::size_t first = std::min(tables.size(), kTablesAtOnce);
    SLUICE_TRY(run("CREATE PUBLICATION " + connection.identifier(wish.name) + " FOR TABLE " +
                       entries(connection, Tables(tables.begin(), tables.begin() + static_cast<std::ptrdiff_t>(first))) + " WITH (" +
                       options(connection) + ')',
                   "create"));
    return add_in_parts(tables, first);
  }

  Status add_in_parts(const Tables& tables, std::size_t from) {
    for (std::size_t i = from; i < tables.size(); i += kTablesAtOnce) {
      const auto end = static_cast<std::ptrdiff_t>(std::min(tables.size(), i + kTablesAtOnce));
      SLUICE_TRY(run(add_statement(Tables(tables.begin() + static_cast<std::ptrdiff_t>(i), tables.begin() + end)), "extend"));
    }
    return {};
  }

  std::string add_statement(const Tables& tables) const { return alter() + " ADD TABLE " + entries(connection, tables); }

  // One table of our own publication, in a moment when nobody writes to it, else beside those who do.  False: not now.
  Result<bool> publish(const CapturedTable& table) {
    const bool must_be_alone = passes_over_new_tables(connection.server_version());
    const Status alone =
        run_for("LOCK TABLE " + sql_name(connection, table.schema, table.name) + " IN SHARE ROW EXCLUSIVE MODE; " + add_statement({table}),
                must_be_alone ? "200ms" : "1ms");
    if (alone) return true;
    if (!is_in_the_way(alone.error())) return alone.error();
    if (must_be_alone) return false;
    const Status beside = run_for(add_statement({table}), "2s");
    if (beside) return true;
    if (is_in_the_way(beside.error())) return false;
    return beside.error();
  }

  // One transaction that waits so long for each lock.
  Status run_for(const std::string& sql, std::string_view lock_timeout) {
    Status done = run("BEGIN; SET LOCAL lock_timeout = '" + std::string(lock_timeout) + "'; " + sql + "; COMMIT", "extend");
    if (!done) static_cast<void>(run("ROLLBACK", "extend"));
    return done;
  }

  static bool is_in_the_way(const Error& error) { return error.code() == "lock_timeout"; }

  Status check_options(const Publication& publication, const Tables& tables) {
    const bool has_root = std::any_of(tables.begin(), tables.end(), [](const CapturedTable& table) { return table.kind == 'p'; });
    if (ours()) {
      if (publication.all_operations && publication.via_root) return {};
      return run(alter() + " SET (" + options(connection) + ')', "change");
    }
    if (!publication.all_operations)
      log.warning("the publication leaves out some operations: they are not seen",
                  {{"publication", wish.name}, {"mend", alter() + " SET (" + std::string(kOperations) + ");"}});
    if (publication.via_root || !has_root) return {};
    return fatal("publication_without_root", "sends the rows of partitions under their own names, not under that of the table",
                 alter() + " SET (publish_via_partition_root = true);");
  }

  Status add(const Tables& missing) {
    if (missing.empty()) return {};
    if (!ours()) return fatal("publication_lacks_table", "does not hold all tables that are wanted", add_statement(missing) + ';');
    if (!passes_over_new_tables(connection.server_version())) return add_in_parts(missing, 0);
    for (const CapturedTable& table : missing) {
      if (SLUICE_TRY(publish(table))) continue;
      return Error(ErrorKind::kTransient, "lock_timeout",
                   "extend the publication \"" + wish.name + "\": " + table.text() + " is written to without a pause; it is tried again");
    }
    return {};
  }

  // Why a table that is not published cannot be, or nothing.
  Result<std::optional<NewTables::Refusal>> refusal(const CapturedTable& table, const std::vector<TableProblem>& problems) {
    const auto refused = [&](const Error& error) { return NewTables::Refusal{table.text(), error.message(), {}}; };
    for (const TableProblem& problem : problems) {
      if (problem.table == table.text()) return std::optional(NewTables::Refusal{problem.table, problem.message, problem.mend});
    }
    if (!ours())
      return std::optional(
          NewTables::Refusal{table.text(), "the publication \"" + wish.name + "\" does not hold it", add_statement({table}) + ';'});
    const Result<Filters> checked = filters({table});
    if (checked) return std::optional<NewTables::Refusal>();
    if (checked.error().kind() == ErrorKind::kFatal) return std::optional(refused(checked.error()));
    return checked.error();
  }

  Status publish_one(const CapturedTable& table, const std::vector<TableProblem>& problems, NewTables& result) {
    if (std::optional<NewTables::Refusal> refused = SLUICE_TRY(refusal(table, problems))) {
      result.refused.push_back(*std::move(refused));
      return {};
    }
    const Result<bool> done = publish(table);
    if (!done && done.error().kind() != ErrorKind::kFatal) return done.error();
    if (!done) {
      result.refused.push_back({table.text(), done.error().message(), {}});
    } else if (*done) {
      result.published.push_back(table.text());
    } else {
      result.again = true;
    }
    return {};
  }

  bool differs(const CapturedTable& table, const Published& now, const Filters& wanted) const {
    const ProbedFilter* filter = find_filter(wanted, table);
    const std::string where = filter == nullptr ? std::string() : filter->expression;
    // Columns that a publication of the user's sends beyond ours are left out here.
    const bool columns = ours() ? now.columns != quoted_columns(connection, table) : false;
    return columns || (now.where != where && (ours() || !where.empty()));
  }

  // In one statement list, so that the table is never out of the publication.
  Status change(const Tables& tables, const Publication& publication, const Filters& wanted) {
    if (connection.server_version() < kNarrowing) return {};
    for (const CapturedTable& table : tables) {
      const auto now = publication.tables.find(table.oid);
      if (now == publication.tables.end() || !differs(table, now->second, wanted)) continue;
      const std::string sql = alter() + " DROP TABLE " + sql_name(connection, table.schema, table.name) + "; " + alter() + " ADD TABLE " +
                              publication_entry(connection, table);
      if (!ours()) return fatal("publication_differs", "does not have the `where` of " + table.text(), sql + ';');
      SLUICE_TRY(run(sql, "change"));
      log.info("changed the columns or rows of a table in the publication", {{"publication", wish.name}, {"table", table.text()}});
    }
    return {};
  }

  // Best effort: what is sent and not wanted is passed over.
  void remove(const Tables& tables, const Publication& publication) {
    if (!ours()) return;
    std::set<std::uint32_t> wanted;
    for (const CapturedTable& table : tables) wanted.insert(table.oid);
    std::string list;
    for (const auto& [oid, table] : publication.tables) {
      if (table.by_name && !wanted.contains(oid)) list += (list.empty() ? "" : ", ") + sql_name(connection, table.schema, table.name);
    }
    if (list.empty()) return;
    const Status removed = run(alter() + " DROP TABLE " + list, "change");
    if (removed) return log.info("took tables out of the publication", {{"publication", wish.name}, {"tables", list}});
    log.warning("tables that are not wanted stay in the publication", {{"publication", wish.name}, {"cause", removed.error().message()}});
  }
};

// Leaves out what only matches a pattern; an error when something is wrong with the rest, or with anything at the first start.
Status drop_problems(Tables& tables, const std::vector<TableProblem>& problems, bool first_start, Logger& log) {
  std::vector<TableProblem> fatal;
  for (const TableProblem& problem : problems) {
    const auto table = std::find_if(tables.begin(), tables.end(), [&](const CapturedTable& each) { return each.text() == problem.table; });
    if (table == tables.end()) continue;
    if (first_start || table->is_named) {
      fatal.push_back(problem);
      continue;
    }
    log.warning("a table that matches `tables` is not read",
                {{"table", problem.table}, {"cause", problem.message}, {"mend", problem.mend}});
    tables.erase(table);
  }
  if (!fatal.empty()) return problem_error(fatal);
  return {};
}

}  // namespace

Status ensure_publication(Connection& connection, const PublicationWish& wish, const TableFilter& filter, Logger& log,
                          std::stop_token stop) {
  Tables tables = SLUICE_TRY(captured_tables(connection, filter, stop));
  const Publication publication = SLUICE_TRY(find_publication(connection, wish.name, stop));
  if (!publication.exists && wish.creation == PublicationCreation::kTooLate) {
    return Error(ErrorKind::kFatal, "publication_missing",
                 "the publication \"" + wish.name +
                     "\" is gone while its slot is there: changes made without it cannot be read (mend: sluice resync PIPELINE)");
  }
  const auto problems = SLUICE_TRY(table_problems(connection, tables, stop));
  SLUICE_TRY(drop_problems(tables, problems, !publication.exists, log));
  Work work{connection, wish, log, stop};
  if (!publication.exists) return work.create(tables);
  const Filters filters = SLUICE_TRY(work.filters(tables));
  SLUICE_TRY(work.check_options(publication, tables));
  Tables missing;
  std::copy_if(tables.begin(), tables.end(), std::back_inserter(missing),
               [&](const CapturedTable& table) { return !publication.tables.contains(table.oid); });
  SLUICE_TRY(work.add(missing));
  SLUICE_TRY(work.change(tables, publication, filters));
  work.remove(tables, publication);
  return {};
}

Result<NewTables> publish_new_tables(Connection& connection, const PublicationWish& wish, const TableFilter& filter, FaultPoints& faults,
                                     Logger& log, std::stop_token stop) {
  NewTables result;
  const Tables tables = SLUICE_TRY(matching_tables(connection, filter, stop));
  const Publication publication = SLUICE_TRY(find_publication(connection, wish.name, stop));
  if (!publication.exists) return result;  // the monitor says so
  Tables missing;
  std::copy_if(tables.begin(), tables.end(), std::back_inserter(missing),
               [&](const CapturedTable& table) { return !publication.tables.contains(table.oid); });
  if (missing.empty()) return result;
  const auto problems = SLUICE_TRY(table_problems(connection, missing, stop));
  Work work{connection, wish, log, stop};
  for (const CapturedTable& table : missing) {
    faults.reach("postgres_cdc.before_table_published");
    SLUICE_TRY(work.publish_one(table, problems, result));
    faults.reach("postgres_cdc.after_table_published");
  }
  return result;
}

bool passes_over_new_tables(int server_version) {
  constexpr std::array kMended = {130021, 140018, 150013, 160009, 170005};
  for (const int mended : kMended) {
    if (server_version / 10000 == mended / 10000) return server_version < mended;
  }
  return false;
}

}  // namespace sluice::sources::postgres
