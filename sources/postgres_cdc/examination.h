#pragma once
// What the parts of the doctor share: the connection, what is known so far, and the findings.  One thread.

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/doctor.h"
#include "sources/postgres_cdc/connection.h"
#include "sources/postgres_cdc/session.h"

namespace sluice::sources::postgres {

struct Examination {
  Connection& connection;  // SQL
  const SessionSettings& settings;
  const bool reads_tables;  // the configuration asks for a snapshot
  std::stop_token stop;
  std::vector<DoctorFinding>& findings;

  // Found on the way, in the order of the calls.
  std::string database = {}, role = {};
  bool slot_exists = false, publication_exists = false;

  using Severity = DoctorFinding::Severity;
  void add(Severity severity, std::string_view code, std::string subject, std::string message, std::string mend = {}) const {
    findings.push_back({severity, code, std::move(subject), std::move(message), std::move(mend)});
  }
  std::string quoted_role() const { return connection.identifier(role); }
  Result<Rows> ask(const std::string& sql, std::string_view doing) const { return connection.query(sql, doing, stop); }
};

// Each adds its findings; an error is one of asking, not one that was found.
Status examine_server(Examination& examination);
Status examine_slot(Examination& examination);
Status examine_publication(Examination& examination);  // after examine_slot
Status examine_tables(Examination& examination);       // after examine_publication

}  // namespace sluice::sources::postgres
