// When a postgres_cdc source must not go on, and what it says then; and what every type of the server becomes.

#include <catch2/catch.hpp>
#include <fstream>
#include <string>

#include "tests/integration/postgres_source_fixture.h"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;

constexpr const char* kMarkers = "CREATE TABLE markers (id bigserial PRIMARY KEY, name text)";

// A fresh database with one table and one record read from it, as far as `through`.
struct Started {
  PostgresServer& server;
  std::string url;
  SourceOptions options;
  PostgresSession session;
  Checkpoint through;

  Started(PostgresServer& on, const std::string& name)
      : server(on), url(on.create_database(name)), options{.url = url, .pipeline = name}, session(url) {
    session.query(kMarkers);
    SourceRun run(options);
    REQUIRE(run.open());
    mark("one");
    run.read_until_marker("one");
    REQUIRE(run.read());
    through = run.through();
    REQUIRE(run.close());
    REQUIRE(free());
  }
  // The server lets go of the slot a moment after the connection has ended.
  bool free() {
    return eventually([&] { return session.value("SELECT active FROM pg_replication_slots WHERE slot_name = '" + slot() + "'") != "t"; });
  }
  void mark(const std::string& text) { session.query("INSERT INTO markers (name) VALUES ('" + text + "')"); }
  std::string slot() const { return "sluice_" + options.pipeline; }
};

void check_refused(const SourceOptions& options, const Checkpoint& from, ErrorKind kind, std::string_view code) {
  SourceRun run(options);
  const Status opened = run.open(from);
  REQUIRE_FALSE(opened);
  INFO(opened.error().message());
  CHECK(opened.error().code() == code);
  CHECK(opened.error().kind() == kind);
}

TEST_CASE("G11: a slot without a checkpoint is not taken, unless told to", "[postgres]") {
  PostgresServer* server = shared_server();
  if (server == nullptr) return;
  Started started(*server, "unclaimed");
  check_refused(started.options, {}, ErrorKind::kFatal, "slot_without_checkpoint");
  started.options.adopt = true;
  started.mark("two");
  SourceRun run(started.options);
  REQUIRE(run.open());
  run.read_until_marker("two");  // from where the slot was confirmed: nothing was
  CHECK(run.seen().size() == 2);
}

TEST_CASE("G11: a crash between the creation of the slot and the first commit is no lost checkpoint", "[postgres]") {
  PostgresServer* server = shared_server();
  if (server == nullptr) return;
  const std::string url = server->create_database("crashed");
  PostgresSession session(url);
  session.query(kMarkers);
  const TemporaryDirectory folder;
  const SourceOptions options{.url = url, .pipeline = "crashed", .state_directory = folder.path()};
  for (const char* point : {"postgres_cdc.before_publication", "postgres_cdc.before_rename", "postgres_cdc.after_rename",
                            "postgres_cdc.before_slot_creation", "postgres_cdc.after_slot_creation"}) {
    SourceRun run(options);
    run.faults.point = point;
    CHECK_THROWS_AS(run.open(), SimulatedCrash);
  }
  session.query("INSERT INTO markers (name) VALUES ('one')");
  Checkpoint through;
  {
    SourceRun run(options);
    REQUIRE(run.open());
    run.read_until_marker("one");
    REQUIRE(run.read());
    through = run.through();
  }
  {
    SourceRun run(options);
    REQUIRE(run.open(through));  // there is a checkpoint now: the note goes
    REQUIRE(run.close());
  }
  check_refused(options, {}, ErrorKind::kFatal, "slot_without_checkpoint");
}

TEST_CASE("G11: position_lost when the slot is gone, was confirmed further, or its log was removed", "[postgres]") {
  if (!postgres_available()) return;
  PostgresServer server("max_slot_wal_keep_size = 1MB\nmin_wal_size = 32MB\nmax_wal_size = 32MB");
  Started started(server, "lost");
  const std::string name = "'" + started.slot() + "'";
  started.mark("two");
  started.session.query("SELECT pg_replication_slot_advance(" + name + ", pg_current_wal_lsn())");
  check_refused(started.options, started.through, ErrorKind::kFatal, "position_lost");
  REQUIRE(started.free());
  started.session.query("SELECT pg_drop_replication_slot(" + name + ")");
  check_refused(started.options, started.through, ErrorKind::kFatal, "position_lost");

  SourceRun run(started.options);
  REQUIRE(run.open());
  REQUIRE(run.read());
  const Checkpoint fresh = run.through();
  REQUIRE(run.close());
  const auto lost = [&] {
    started.session.query("CREATE TABLE IF NOT EXISTS filler (t text)");
    started.session.query("INSERT INTO filler SELECT repeat('x', 1000) FROM generate_series(1, 1000)");
    started.session.query("SELECT pg_switch_wal()");
    started.session.query("CHECKPOINT");
    return started.session.value("SELECT wal_status FROM pg_replication_slots WHERE slot_name = " + name) == "lost";
  };
  REQUIRE(eventually(lost, 30));
  check_refused(started.options, fresh, ErrorKind::kFatal, "position_lost");
}

TEST_CASE("G2, G11: a position of another server or database is not used here", "[postgres]") {
  PostgresServer* server = shared_server();
  if (server == nullptr) return;
  Started started(*server, "origin");
  const auto renamed = [&](const std::string& partition) { return Checkpoint{{"pg/" + partition, started.through.begin()->second}}; };
  check_refused(started.options, renamed("7000000000000000001/1/origin"), ErrorKind::kFatal, "origin_changed");
  const std::string ours = started.through.begin()->first;
  const std::string system = ours.substr(3, ours.find('/', 3) - 3);
  check_refused(started.options, renamed(system + "/1/elsewhere"), ErrorKind::kFatal, "origin_changed");
  // The same server restored from an older copy: its log ends before the position.
  Checkpoint ahead = started.through;
  ahead.begin()->second.resume = "pg1 FFFF/0 1 1 sluice_origin";
  check_refused(started.options, ahead, ErrorKind::kFatal, "origin_changed");
  ahead.begin()->second.resume = "pg9 what";
  check_refused(started.options, ahead, ErrorKind::kFatal, "position_unreadable");
}

TEST_CASE("G2: a timeline that continues ours goes on under the same name, any other is another origin", "[postgres]") {
  if (!postgres_available()) return;
  PostgresServer server;
  Started started(server, "promoted");
  started.mark("two");
  const std::string end = started.session.value("SELECT pg_current_wal_lsn()");
  server.stop(PostgresServer::Stop::kFast);
  // Recovery that ends by promotion begins timeline 2 with the same slots.
  std::ofstream(server.data_directory() + "/recovery.signal").close();
  std::ofstream(server.data_directory() + "/postgresql.conf", std::ios::app)
      << "restore_command = 'false'\nrecovery_target_timeline = 'latest'\n";
  server.start();
  PostgresSession session(started.url);
  REQUIRE(eventually([&] { return session.value("SELECT pg_is_in_recovery()") == "f"; }));
  session.query("INSERT INTO markers (name) VALUES ('three')");
  SourceRun run(started.options);
  const Status opened = run.open(started.through);
  INFO((opened ? "" : opened.error().message()));
  REQUIRE(opened);
  run.read_until_marker("three");
  CHECK(run.seen().size() == 2);
  CHECK(run.through().size() == 1);
  CHECK(run.through().begin()->first == started.through.begin()->first);
  CHECK(run.position().resume.find(" 2 3 ") != std::string::npos);  // timeline 2
  REQUIRE(run.close());
  // A position on timeline 1 beyond the switch was read from a server that this one does not continue.
  Checkpoint beyond = started.through;
  beyond.begin()->second.resume = "pg1 FFFF/0 1 1 sluice_promoted";
  check_refused(started.options, beyond, ErrorKind::kFatal, "origin_changed");
  beyond.begin()->second.resume = "pg1 0/1 7 1 sluice_promoted";
  check_refused(started.options, beyond, ErrorKind::kFatal, "origin_changed");
}

TEST_CASE("a slot that somebody else reads is waited for", "[postgres]") {
  PostgresServer* server = shared_server();
  if (server == nullptr) return;
  Started started(*server, "contended");
  SourceRun holder(started.options);
  REQUIRE(holder.open(started.through));
  check_refused(started.options, started.through, ErrorKind::kTransient, "slot_in_use");
  REQUIRE(holder.close());
  SourceRun run(started.options);
  CHECK(eventually([&] { return run.open(started.through).has_value(); }));
}

TEST_CASE("a connection that is refused says what mends it", "[postgres]") {
  PostgresServer* server = shared_server();
  if (server == nullptr) return;
  const std::string database = "refused";
  const std::string url = server->create_database(database);
  PostgresSession session(url);
  session.query(kMarkers);
  const auto with = [&](const std::string& changed) { return SourceOptions{.url = changed, .pipeline = "refused"}; };
  check_refused(with(server->url(database, "postgres", "wrong")), {}, ErrorKind::kTransient, "auth_failed");
  check_refused(with(server->url("nowhere")), {}, ErrorKind::kFatal, "database_missing");
  check_refused(with("postgresql://postgres:sluice@127.0.0.1:1/x"), {}, ErrorKind::kTransient, "connection_lost");
  session.query("CREATE ROLE plain LOGIN PASSWORD 'sluice'");
  check_refused(with(server->url(database, "plain")), {}, ErrorKind::kFatal, "missing_privilege");
  SourceOptions missing = with(url);
  missing.tables = {"public.nothing"};
  check_refused(missing, {}, ErrorKind::kFatal, "table_missing");
  CHECK(session.value("SELECT count(*) FROM pg_replication_slots WHERE slot_name = 'sluice_refused'") == "0");
}

TEST_CASE("a table whose updates the server would then refuse is not published", "[postgres]") {
  PostgresServer* server = shared_server();
  if (server == nullptr) return;
  const std::string url = server->create_database("keyless");
  PostgresSession session(url);
  session.query(kMarkers);
  session.query("CREATE TABLE keyless (v int)");
  check_refused({.url = url, .pipeline = "keyless"}, {}, ErrorKind::kFatal, "no_replica_identity");
  session.query("INSERT INTO keyless VALUES (1)");
  session.query("UPDATE keyless SET v = 2");  // still possible
  CHECK(session.value("SELECT count(*) FROM pg_publication") == "0");
}

TEST_CASE("a publication of the user's is used as it is, and one that lacks a table is refused", "[postgres]") {
  PostgresServer* server = shared_server();
  if (server == nullptr) return;
  const std::string url = server->create_database("theirs");
  PostgresSession session(url);
  session.query(kMarkers);
  session.query("CREATE TABLE second (id int PRIMARY KEY, name text)");
  session.query("CREATE PUBLICATION mine FOR TABLE second");
  SourceOptions options{.url = url, .pipeline = "theirs", .publication = "mine"};
  check_refused(options, {}, ErrorKind::kFatal, "publication_lacks_table");
  options.tables = {"public.second"};
  SourceRun run(options);
  REQUIRE(run.open());
  session.query("INSERT INTO markers (name) VALUES ('not ours')");
  session.query("INSERT INTO second VALUES (1, 'ours')");
  run.read_until_marker("ours");
  CHECK(run.seen().size() == 1);
}

TEST_CASE("wal_level replica is refused with what mends it", "[postgres]") {
  if (!postgres_available()) return;
  PostgresServer server("wal_level = replica");
  PostgresSession(server.url()).query(kMarkers);
  check_refused({.url = server.url()}, {}, ErrorKind::kFatal, "wal_level_not_logical");
}

TEST_CASE("every type of the server arrives as declared, whatever the database's settings", "[postgres]") {
  PostgresServer* server = shared_server();
  if (server == nullptr) return;
  const std::string url = server->create_database("types");
  {
    PostgresSession session(url);
    session.query("ALTER DATABASE types SET datestyle = 'German, DMY'");
    session.query("ALTER DATABASE types SET timezone = 'America/New_York'");
    session.query("ALTER DATABASE types SET intervalstyle = 'postgres_verbose'");
    session.query("ALTER DATABASE types SET bytea_output = 'escape'");
  }
  PostgresSession session(url);
  session.query("CREATE TYPE mood AS ENUM ('sad', 'happy')");
  session.query("CREATE DOMAIN cents AS bigint CHECK (VALUE >= 0)");
  session.query("CREATE DOMAIN price AS cents");
  session.query("CREATE TYPE pair AS (a int, b text)");
  session.query(
      R"sql(CREATE TABLE typed (id int PRIMARY KEY, c_bool bool, c_numeric numeric(20,4), c_real real, c_bytea bytea, c_date date, c_time time, c_timetz timetz,
    c_timestamp timestamp, c_timestamptz timestamptz, c_interval interval, c_uuid uuid, c_json json, c_jsonb jsonb, c_bits varbit, c_ints int[], c_texts text[], c_moods mood[],
    c_mood mood, c_price price, c_pair pair, c_inet inet, c_range int4range, c_times timestamptz[], c_infinite timestamptz, c_prices price[]))sql");
  SourceRun run({.url = url, .pipeline = "types"});
  REQUIRE(run.open());
  session.query(
      R"sql(INSERT INTO typed VALUES (1, true, 12345.6, 0.1, '\x00ff41', '0044-03-15 BC', '24:00', '13:59:01.5+02', '2026-01-31 13:59:01.25', '2026-01-31 13:59:01.25+01',
    '1 year 2 mons -3 days 04:05:06.7', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', '{"a":  1}', '{"b": [1,2]}', B'0101', '{{1,2},{NULL,4}}', '{"a,b",NULL,"NULL"}', '{sad,happy}',
    'happy', 42, '(1,x)', '10.0.0.1/8', '[1,5)', '{"2026-01-31 13:59:01+01"}', 'infinity', '{1,2}'))sql");
  run.read_until([&] { return !run.seen().empty(); });
  const std::vector<std::string> expected = {"1",
                                             "true",
                                             "12345.6000",
                                             "0.100000",
                                             std::string("\0\xff"
                                                         "A",
                                                         3),
                                             "-0043-03-15",
                                             "24:00:00.000000",
                                             "13:59:01.500000+02:00",
                                             "2026-01-31T13:59:01.250000",
                                             "2026-01-31T12:59:01.250000Z",
                                             "P1Y2M-3DT4H5M6.7S",
                                             "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
                                             "{\"a\":  1}",
                                             "{\"b\": [1, 2]}",
                                             "0101",
                                             "[[1 2] [<null> 4]]",
                                             "[a,b <null> NULL]",
                                             "[sad happy]",
                                             "happy",
                                             "42",
                                             "(1,x)",
                                             "10.0.0.1/8",
                                             "[1,5)",
                                             "[2026-01-31T12:59:01.000000Z]",
                                             "infinity",
                                             "[1 2]"};
  REQUIRE(run.seen()[0].after.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    INFO("column " << i);
    CHECK(run.seen()[0].after[i] == expected[i]);
  }
  // A moment that is too late for a number of microseconds comes as text.
  session.query("INSERT INTO typed (id, c_timestamptz) VALUES (2, '294276-12-31 23:59:59+00'), (3, now())");
  run.read_until([&] { return run.seen().size() == 3; });
  CHECK(run.seen()[1].after[9] == "+294276-12-31T23:59:59.000000Z");
  CHECK(run.rejected().empty());
  // DDL in the stream.
  session.query("ALTER TABLE typed DROP COLUMN c_bool; ALTER TABLE typed ADD COLUMN more int DEFAULT 5; INSERT INTO typed (id) VALUES (4)");
  run.read_until([&] { return run.seen().size() == 4; });
  CHECK(run.seen()[3].after.back() == "5");
}

}  // namespace
}  // namespace sluice::test
