#include "sources/postgres_cdc/table_intake.h"

#include "sources/postgres_cdc/publication_watch.h"

namespace sluice::sources::postgres {

bool TableIntake::take_in(const std::string& system_id, std::stop_token stop) {
  const Result<bool> done = try_it(system_id, std::move(stop));
  if (!done && done.error().kind() == ErrorKind::kFatal) say("", done.error().message(), "");
  return done && *done;
}

void TableIntake::say(const std::string& table, const std::string& cause, const std::string& mend) {
  if (!said_.insert(table + '\n' + cause).second) return;
  const std::string_view what = table.empty() ? "new tables cannot be looked for" : "a table that matches `tables` is not read";
  log_.warning(what, {{"table", table}, {"cause", cause}, {"mend", mend}});
}

Result<bool> TableIntake::try_it(const std::string& system_id, std::stop_token stop) {
  const ConnectOptions options{settings_.connect.url, settings_.connect.application_name + " tables"};
  Connection connection = SLUICE_TRY(Connection::connect(options, Connection::Mode::kSql, stop));
  const PublicationWish wish{settings_.publication, settings_.publication_owner, PublicationCreation::kTooLate};
  const NewTables found = SLUICE_TRY(publish_new_tables(connection, wish, settings_.filter, faults_, log_, stop));
  for (const std::string& table : found.published)
    log_.info("a new table is read from now on", {{"table", table}, {"publication", settings_.publication}});
  for (const NewTables::Refusal& refused : found.refused) say(refused.table, refused.cause, refused.mend);
  if (found.published.empty()) return !found.again;
  SLUICE_TRY(remember_published(connection, publication_note(settings_, system_id), settings_.publication, faults_, std::move(stop)));
  return !found.again;
}

}  // namespace sluice::sources::postgres
