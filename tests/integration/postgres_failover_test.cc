// A promotion: the pipeline goes on at the new primary under the same name where the slot came along (PostgreSQL 17), and stops where its
// log did not.

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

#include "sources/postgres_cdc/session.h"
#include "tests/integration/postgres_source_fixture.h"

namespace sluice::test {
namespace {

namespace fs = std::filesystem;
constexpr const char* kMarkers = "CREATE TABLE markers (id bigserial PRIMARY KEY, name text)";

std::string address_of(const PostgresServer& server) {
  const std::string url = server.url();
  const std::size_t at = url.find('@') + 1;
  return url.substr(at, url.find('/', at) - at);
}

// `standby` becomes a copy of `primary`, both stopped, that follows it once both run.
void make_standby(const PostgresServer& primary, PostgresServer& standby) {
  const fs::path data = standby.data_directory();
  const std::string port = address_of(standby).substr(address_of(standby).find(':') + 1);
  const std::string target = "'" + data.string() + "'";
  // A base backup holds no slots.
  const std::string copy =
      "rm -rf " + target + " && cp -a '" + primary.data_directory() + "' " + target + " && rm -rf " + target + "/pg_replslot/*";
  REQUIRE(std::system(copy.c_str()) == 0);
  const std::string from = address_of(primary);
  std::ofstream(data / "postgresql.conf", std::ios::app)
      << "\nport = " << port << "\nunix_socket_directories = '" << data.parent_path().string()
      << "'\nprimary_conninfo = 'host=127.0.0.1 port=" << from.substr(from.find(':') + 1)
      << " user=postgres password=sluice dbname=postgres'\nprimary_slot_name = 'standby'\nhot_standby_feedback = on\n"
         "sync_replication_slots = on\n";
  std::ofstream(data / "standby.signal").close();
}

TEST_CASE("G2: a failover slot goes on at the promoted standby, under the same name and without a gap", "[postgres]") {
  if (const std::string missing = postgres_unavailable("17"); !missing.empty()) {
    std::cout << "SKIPPED: " << missing << '\n';
    return;
  }
  PostgresServer primary("", "17");
  PostgresServer standby("", "17");
  SourceOptions options{.url = primary.url(), .pipeline = "followed"};
  Checkpoint through;
  {
    PostgresSession session(primary.url());
    session.query(kMarkers);
    // A slot from before the upgrade to a version that knows failover: the next start turns it on.
    session.query("SELECT pg_create_physical_replication_slot('standby')");
    options.adjust = [](sources::postgres::SessionSettings& settings) { settings.failover = false; };
    SourceRun run(options);
    REQUIRE(run.open());
    CHECK(session.value("SELECT failover FROM pg_replication_slots WHERE slot_name = 'sluice_followed'") == "f");
    session.query("INSERT INTO markers (name) VALUES ('one')");
    run.read_until_marker("one");
    through = run.through();
    REQUIRE(run.close());
  }
  primary.stop(PostgresServer::Stop::kFast);
  standby.stop(PostgresServer::Stop::kFast);
  make_standby(primary, standby);
  primary.start();
  standby.start();
  options.adjust = {};
  PostgresSession session(primary.url());
  SourceRun run(options);
  REQUIRE(run.open(through));
  CHECK(session.value("SELECT failover FROM pg_replication_slots WHERE slot_name = 'sluice_followed'") == "t");
  session.query("INSERT INTO markers (name) VALUES ('two')");
  run.read_until_marker("two");
  PostgresSession other(standby.url());
  // The standby takes the slot over once its own log has come as far as the slot.
  const bool synchronised = eventually(
      [&] {
        static_cast<void>(run.read());
        run.acknowledge();
        session.query("SELECT pg_log_standby_snapshot()");
        return other.query("SELECT 1 FROM pg_replication_slots WHERE slot_name = 'sluice_followed' AND synced AND NOT temporary").size() ==
               1;
      },
      60);
  std::ifstream standby_log(fs::path(standby.data_directory()).parent_path() / "server.log");
  INFO(std::string(std::istreambuf_iterator<char>(standby_log), {}));
  REQUIRE(synchronised);
  session.query("INSERT INTO markers (name) VALUES ('three')");
  const std::string end = session.value("SELECT pg_current_wal_lsn()");
  REQUIRE(eventually([&] { return other.value("SELECT pg_last_wal_replay_lsn() >= '" + end + "'") == "t"; }));
  through = run.through();
  REQUIRE(run.close());
  primary.stop(PostgresServer::Stop::kImmediate);
  other.query("SELECT pg_promote()");
  other.query("INSERT INTO markers (name) VALUES ('four')");
  options.url = standby.url();
  SourceRun promoted(options);
  const Status opened = promoted.open(through);
  INFO((opened ? "" : opened.error().message()));
  REQUIRE(opened);
  promoted.read_until_marker("four");
  CHECK(promoted.seen().size() == 2);  // three and four
  REQUIRE(promoted.through().size() == 1);
  CHECK(promoted.through().begin()->first == through.begin()->first);

  // What the old primary sent and the new one never had: another origin, not a gap passed over.
  Checkpoint ahead = through;
  ahead.begin()->second.resume = "pg1 FFFF/0 1 1 sluice_followed";
  REQUIRE(promoted.close());
  const Status refused = SourceRun(options).open(ahead);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == "origin_changed");
  CHECK(refused.error().message().find("synchronized_standby_slots") != std::string::npos);
}

}  // namespace
}  // namespace sluice::test
