#include "sources/postgres_cdc/doctor.h"

#include "sources/postgres_cdc/catalog.h"
#include "sources/postgres_cdc/examination.h"

namespace sluice::sources::postgres {

namespace {

using Severity = DoctorFinding::Severity;

void add_error(std::vector<DoctorFinding>& findings, const Error& error, std::string mend = {}) {
  findings.push_back({Severity::kError, error.code(), "server", error.message(), std::move(mend)});
}

// As the stream would connect: other lines of pg_hba.conf, other privileges and another limit than those of an SQL session.
void examine_replication(const Examination& examination) {
  const auto connection = Connection::connect(examination.settings.connect, Connection::Mode::kReplication, examination.stop);
  if (connection) return;
  const Error& error = connection.error();
  std::string mend;
  if (error.code() == "missing_privilege") mend = "ALTER ROLE " + examination.quoted_role() + " REPLICATION;";
  if (error.code() == "no_free_sender") mend = "ALTER SYSTEM SET max_wal_senders = <more>; -- then restart the server";
  examination.add(Severity::kError, error.code(), "server", "a replication connection is refused: " + error.message(), mend);
}

Status examine_all(Examination& examination) {
  SLUICE_TRY(examine_server(examination));
  examine_replication(examination);
  SLUICE_TRY(examine_slot(examination));
  SLUICE_TRY(examine_publication(examination));
  return examine_tables(examination);
}

}  // namespace

std::vector<DoctorFinding> examine(const PostgresCdcConfig& config, const DoctorContext& context) {
  std::vector<DoctorFinding> findings;
  const auto settings = session_settings(config, context.pipeline, context.component, {});
  if (!settings) return add_error(findings, settings.error()), findings;
  auto connection = Connection::connect(settings.value().connect, Connection::Mode::kSql, context.stop);
  if (!connection) return add_error(findings, connection.error()), findings;
  Examination examination{*connection, settings.value(), config.snapshot != SnapshotMode::kNever, context.stop, findings};
  const Status examined = examine_all(examination);
  if (!examined) add_error(findings, examined.error());
  return findings;
}

}  // namespace sluice::sources::postgres
