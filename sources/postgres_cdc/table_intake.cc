#include "sources/postgres_cdc/table_intake.h"

#include "sources/postgres_cdc/publication_watch.h"

namespace sluice::sources::postgres {

TableIntake::Outcome TableIntake::take_in(const std::string& system_id, std::stop_token stop) {
  Outcome outcome;
  const Status done = try_it(outcome, system_id, std::move(stop));
  if (done) return outcome;
  if (done.error().kind() == ErrorKind::kFatal) say("", done.error().message(), "");
  outcome.again = true;
  return outcome;
}

void TableIntake::say(const std::string& table, const std::string& cause, const std::string& mend) {
  if (!said_.insert(table + '\n' + cause).second) return;
  const std::string_view what = table.empty() ? "new tables cannot be looked for" : "a table that matches `tables` is not read";
  log_.warning(what, {{"table", table}, {"cause", cause}, {"mend", mend}});
}

Status TableIntake::try_it(Outcome& outcome, const std::string& system_id, std::stop_token stop) {
  const ConnectOptions options{settings_.connect.url, settings_.connect.application_name + " tables"};
  Connection connection = SLUICE_TRY(Connection::connect(options, Connection::Mode::kSql, stop));
  const PublicationWish wish{settings_.publication, settings_.publication_owner, PublicationCreation::kTooLate};
  outcome.published = true;  // as long as it is not known that nothing was
  const NewTables found = SLUICE_TRY(publish_new_tables(connection, wish, settings_.filter, faults_, log_, stop));
  outcome = {!found.published.empty(), found.again};
  for (const std::string& table : found.published)
    log_.info("a new table is read from now on", {{"table", table}, {"publication", settings_.publication}});
  for (const NewTables::Refusal& refused : found.refused) say(refused.table, refused.cause, refused.mend);
  return remember_published(connection, publication_note(settings_, system_id), settings_.publication, faults_, std::move(stop));
}

}  // namespace sluice::sources::postgres
