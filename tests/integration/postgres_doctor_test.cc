// What `sluice doctor` finds on a real server: each finding, and that the SQL it gives mends it.

#include <algorithm>
#include <catch2/catch.hpp>
#include <optional>
#include <string>

#include "sources/postgres_cdc/doctor.h"
#include "tests/integration/postgres_source_fixture.h"

namespace sluice::test {
namespace {

using Severity = DoctorFinding::Severity;

struct Doctor {
  sources::postgres::PostgresCdcConfig config;
  std::string pipeline;

  Doctor(const std::string& url, std::vector<std::string> tables, std::string name = "checkup") : pipeline(std::move(name)) {
    config.url = ConnectionUrl(url);
    set_tables(std::move(tables));
    config.snapshot = sources::postgres::SnapshotMode::kNever;
  }
  void set_tables(std::vector<std::string> tables) { config.tables = std::move(tables); }
  std::vector<DoctorFinding> examine() const { return sources::postgres::examine(config, {pipeline, "pg", {}}); }
  std::optional<DoctorFinding> find(std::string_view code, std::string_view subject = "") const {
    for (const DoctorFinding& finding : examine()) {
      INFO(finding.code << " " << finding.subject << ": " << finding.message);
      if (finding.code == code && (subject.empty() || finding.subject == subject)) return finding;
    }
    return std::nullopt;
  }
  std::size_t errors() const {
    const auto findings = examine();
    for (const DoctorFinding& finding : findings) {
      if (finding.severity == Severity::kError) UNSCOPED_INFO(finding.code << " " << finding.subject << ": " << finding.message);
    }
    return static_cast<std::size_t>(
        std::count_if(findings.begin(), findings.end(), [](const DoctorFinding& finding) { return finding.severity == Severity::kError; }));
  }
};

TEST_CASE("doctor: a server that is ready has no errors, before the first start and while the pipeline runs", "[postgres]") {
  PostgresServer* server = shared_server();
  if (server == nullptr) return;
  const std::string url = server->create_database("checkup");
  PostgresSession session(url);
  session.query("CREATE TABLE orders (id int PRIMARY KEY, name text)");
  Doctor doctor(url, {"public.orders"});
  CHECK(doctor.errors() == 0);
  CHECK(doctor.find("slot_will_be_created"));
  CHECK(doctor.find("tables_will_be_published"));
  SourceRun run({.url = url, .tables = {"public.orders"}, .pipeline = "checkup"});
  REQUIRE(run.open());
  CHECK(doctor.errors() == 0);
  const auto state = doctor.find("slot_state", "slot sluice_checkup");
  REQUIRE(state);
  CHECK(state->message.find("read by process") != std::string::npos);
}

TEST_CASE("doctor: tables whose changes cannot be read as they should", "[postgres]") {
  PostgresServer* server = shared_server();
  if (server == nullptr) return;
  const std::string url = server->create_database("checkup_tables");
  PostgresSession session(url);
  session.query("CREATE TABLE keyless (v int); CREATE TABLE whole (v int); ALTER TABLE whole REPLICA IDENTITY FULL");
  session.query("CREATE UNLOGGED TABLE unlogged (id int PRIMARY KEY); CREATE VIEW view AS SELECT 1");
  session.query("CREATE TABLE nothing (id int PRIMARY KEY); ALTER TABLE nothing REPLICA IDENTITY NOTHING");
  session.query("CREATE TABLE wide (id int PRIMARY KEY, body text, n int); ALTER TABLE wide ALTER body SET STORAGE EXTERNAL");
  session.query("INSERT INTO wide VALUES (1, repeat('x', 10000), 1)");
  session.query("UPDATE wide SET n = 2");
  Doctor doctor(url,
                {"public.keyless", "public.whole", "public.unlogged", "public.view", "public.nothing", "public.wide", "public.absent"});
  CHECK(doctor.find("no_replica_identity", "public.keyless")->severity == Severity::kError);
  CHECK(doctor.find("no_replica_identity", "public.nothing")->severity == Severity::kError);
  CHECK(doctor.find("table_without_key", "public.whole")->severity == Severity::kWarning);
  CHECK(doctor.find("table_not_logged", "public.unlogged"));
  CHECK(doctor.find("not_a_table", "public.view"));
  CHECK(doctor.find("table_missing", "public.absent"));
  session.query("SELECT pg_stat_force_next_flush()");
  CHECK(doctor.find("toast_unchanged"));
  session.query(doctor.find("no_replica_identity", "public.keyless")->mend);
  session.query(doctor.find("table_not_logged")->mend);
  CHECK_FALSE(doctor.find("no_replica_identity", "public.keyless"));
  CHECK_FALSE(doctor.find("table_not_logged"));
  doctor.set_tables({"public.*"});  // a view is not meant then
  CHECK_FALSE(doctor.find("not_a_table"));
}

TEST_CASE("doctor: a publication that makes the server refuse updates, or lacks a table", "[postgres]") {
  PostgresServer* server = shared_server();
  if (server == nullptr) return;
  const std::string url = server->create_database("checkup_publication");
  PostgresSession session(url);
  session.query("CREATE TABLE filtered (id int PRIMARY KEY, region text); CREATE TABLE narrow (id int PRIMARY KEY, a int, b int)");
  session.query("CREATE TABLE missing (id int PRIMARY KEY)");
  session.query(
      "CREATE PUBLICATION mine FOR TABLE filtered WHERE (region = 'eu'), narrow (a, b) WHERE (id > 0) WITH (publish = 'insert, update')");
  session.query("INSERT INTO filtered VALUES (1, 'eu'); INSERT INTO narrow VALUES (1, 2, 3)");
  Doctor doctor(url, {"public.*"}, "checkup_publication");
  doctor.config.publication = "mine";
  CHECK_THROWS(session.query("UPDATE filtered SET region = 'us'"));
  CHECK_THROWS(session.query("UPDATE narrow SET a = 1"));
  for (const char* code : {"filter_outside_identity", "columns_lack_identity", "publication_lacks_table", "publication_lacks_operations"}) {
    const auto finding = doctor.find(code);
    INFO(code);
    REQUIRE(finding);
    INFO(finding->mend);
    session.query(finding->mend);
    CHECK_FALSE(doctor.find(code));
  }
  session.query("UPDATE filtered SET region = 'us'; UPDATE narrow SET a = 1");
  CHECK(doctor.errors() == 0);
  doctor.config.publication = "gone";
  session.query("SELECT pg_create_logical_replication_slot('sluice_checkup_publication', 'pgoutput')");
  CHECK(doctor.find("publication_missing"));
  session.query("SELECT pg_drop_replication_slot('sluice_checkup_publication')");
}

TEST_CASE("doctor: a role with too few privileges is told each grant, and then starts", "[postgres]") {
  PostgresServer* server = shared_server();
  if (server == nullptr) return;
  const std::string url = server->create_database("checkup_role");
  PostgresSession session(url);
  session.query("CREATE TABLE orders (id int PRIMARY KEY, name text); CREATE ROLE \"Poor one\" LOGIN PASSWORD 'sluice'");
  session.query("CREATE SCHEMA shop; CREATE TABLE shop.items (id int PRIMARY KEY)");
  Doctor doctor(server->url("checkup_role", "Poor%20one"), {"public.orders", "shop.items"}, "checkup_role");
  doctor.config.snapshot = sources::postgres::SnapshotMode::kInitial;
  CHECK(doctor.find("missing_privilege", "server"));
  CHECK(doctor.find("missing_privilege", "role Poor one"));
  CHECK(doctor.find("missing_privilege", "shop.items"));
  CHECK(doctor.find("missing_privilege", "publication sluice_checkup_role"));
  for (int i = 0; doctor.find("missing_privilege") && i < 10; ++i) session.query(doctor.find("missing_privilege")->mend);
  CHECK_FALSE(doctor.find("missing_privilege"));
  CHECK(doctor.errors() == 0);
  SourceRun run({.url = server->url("checkup_role", "Poor%20one"), .tables = {"public.orders", "shop.items"}, .pipeline = "checkup_role"});
  const Status opened = run.open();
  INFO((opened ? "" : opened.error().message()));
  CHECK(opened);
}

TEST_CASE("doctor: settings of the server, and one that cannot be reached", "[postgres]") {
  if (!postgres_available()) return;
  PostgresServer server(
      "wal_level = replica\nmax_slot_wal_keep_size = 1GB\nwal_sender_timeout = 0\nmax_replication_slots = 0\nmax_wal_senders = 1");
  PostgresSession session(server.url());
  session.query("CREATE TABLE orders (id int PRIMARY KEY)");
  Doctor doctor(server.url(), {"public.orders"});
  CHECK(doctor.find("wal_level_not_logical")->severity == Severity::kError);
  CHECK(doctor.find("no_free_slot")->severity == Severity::kError);
  CHECK(doctor.find("wal_budget_beyond_limit")->severity == Severity::kWarning);
  CHECK(doctor.find("wal_sender_timeout_off")->severity == Severity::kWarning);
  CHECK(doctor.find("few_free_senders"));
  if (session.value("SELECT count(*) FROM pg_settings WHERE name = 'output_plugin_libraries'") == "1") {
    session.query("ALTER SYSTEM SET output_plugin_libraries = 'pgoutput,test_decoding'");  // one quoted name
    session.query("SELECT pg_reload_conf()");
    CHECK(eventually([&] { return doctor.find("output_plugin_refused").has_value(); }));
    const std::string mend = doctor.find("output_plugin_refused")->mend;
    session.query(mend.substr(0, mend.find(';')));  // ALTER SYSTEM stands alone
    session.query(mend.substr(mend.find(';') + 1));
    CHECK(eventually([&] { return !doctor.find("output_plugin_refused").has_value(); }));
  }
  doctor.config.url = ConnectionUrl("postgresql://postgres:wrong@" + server.url().substr(server.url().find('@') + 1));
  CHECK(doctor.find("auth_failed", "server"));
  doctor.config.url = ConnectionUrl("postgresql://postgres@127.0.0.1:1/x");
  CHECK(doctor.find("connection_lost", "server"));
}

TEST_CASE("doctor: a slot of another kind, and one that is lost", "[postgres]") {
  PostgresServer* server = shared_server();
  if (server == nullptr) return;
  const std::string url = server->create_database("checkup_slot");
  PostgresSession session(url);
  session.query("CREATE TABLE orders (id int PRIMARY KEY)");
  session.query("SELECT pg_create_logical_replication_slot('sluice_other_kind', 'test_decoding')");
  Doctor doctor(url, {"public.orders"});
  doctor.config.slot = "sluice_other_kind";
  CHECK(doctor.find("slot_mismatch"));
  session.query("SELECT pg_drop_replication_slot('sluice_other_kind')");
}

}  // namespace
}  // namespace sluice::test
