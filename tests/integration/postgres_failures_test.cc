// What goes wrong around a postgres_cdc source, on real servers: the stream goes on by itself where it can, stops with a stable code where
// it cannot, and loses nothing on the way (docs/operations/postgres-failures.md).

#include <catch2/catch.hpp>
#include <fstream>
#include <iostream>
#include <string>

#include "sources/postgres_cdc/session.h"
#include "tests/integration/postgres_source_fixture.h"
#include "tests/support/tcp_proxy.h"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using sources::postgres::SessionSettings;

constexpr const char* kMarkers = "CREATE TABLE markers (id bigserial PRIMARY KEY, name text)";

// A fresh database with the table of markers.
struct Scene {
  PostgresServer& server;
  std::string name, url;
  PostgresSession session;
  SourceOptions options;

  Scene(PostgresServer& on, const std::string& database)
      : server(on), name(database), url(on.create_database(database)), session(url), options{.url = url, .pipeline = database} {
    session.query(kMarkers);
  }
  void mark(const std::string& text) { session.query("INSERT INTO markers (name) VALUES ('" + text + "')"); }
  std::string slot() const { return "'sluice_" + name + "'"; }
  std::string of_slot(const std::string& column) {
    return session.value("SELECT " + column + " FROM pg_replication_slots WHERE slot_name = " + slot());
  }
};

// The first error of read(), skipping transient ones unless `transient`.
Error first_error(SourceRun& run, bool transient = false, int seconds = 20) {
  std::optional<Error> error;
  eventually(
      [&] {
        const auto state = run.read();
        if (!state && (transient || state.error().kind() != ErrorKind::kTransient)) error = state.error();
        return error.has_value();
      },
      seconds);
  if (!error) throw std::runtime_error("read() gave no error");
  return *error;
}

void check_refused(const SourceOptions& options, ErrorKind kind, std::string_view code, const std::string& says = "") {
  SourceRun run(options);
  const Status opened = run.open();
  REQUIRE_FALSE(opened);
  INFO(opened.error().message());
  CHECK(opened.error().code() == code);
  CHECK(opened.error().kind() == kind);
  CHECK(opened.error().message().find(says) != std::string::npos);
}

// ---- the network -----------------------------------------------------------------------------------------------------------
TEST_CASE("a connection that falls silent without an end is given up and read on", "[postgres]") {
  PostgresServer* server = shared_server();
  if (server == nullptr) return;
  Scene scene(*server, "silent");
  TcpProxy proxy(server->url());
  scene.options.url = proxy.through(scene.url);
  scene.options.adjust = [](SessionSettings& settings) { settings.silence_limit = 2s; };
  SourceRun run(scene.options);
  REQUIRE(run.open());
  scene.mark("one");
  run.read_until_marker("one");
  proxy.freeze();
  scene.mark("two");
  const Error error = first_error(run, true);
  CHECK(error.code() == "connection_lost");
  CHECK(error.message().find("silent") != std::string::npos);
  CHECK(run.seen().size() == 1);
  proxy.thaw();
  run.read_until_marker("two");
  CHECK(run.seen().size() == 2);
}

// ---- passwords -------------------------------------------------------------------------------------------------------------
TEST_CASE("a password that is rotated is read anew; meanwhile the refusal is retried", "[postgres]") {
  PostgresServer* server = shared_server();
  if (server == nullptr) return;
  Scene scene(*server, "rotated");
  scene.session.query("CREATE ROLE rotating LOGIN REPLICATION SUPERUSER PASSWORD 'old'");
  const auto secret = std::make_shared<std::string>("old");
  scene.options.adjust = [&](SessionSettings& settings) {
    settings.connect.url = ConnectionUrl(server->url("rotated", "rotating", "old"), [server, secret]() -> Result<std::string> {
      if (secret->empty()) return Error(ErrorKind::kTransient, "secret_unreadable", "no file");
      return server->url("rotated", "rotating", *secret);
    });
  };
  SourceRun run(scene.options);
  REQUIRE(run.open());
  scene.mark("one");
  run.read_until_marker("one");
  scene.session.query("ALTER ROLE rotating PASSWORD 'new'");
  scene.session.query("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = 'sluice_rotated'");
  Error error = first_error(run, true);
  if (error.code() == "connection_lost") error = first_error(run, true);
  CHECK(error.code() == "auth_failed");
  CHECK(error.kind() == ErrorKind::kTransient);
  CHECK(error.retry_after() == 1000ms);
  secret->clear();
  CHECK(first_error(run, true).code() == "secret_unreadable");
  scene.mark("two");
  *secret = "new";
  run.read_until_marker("two");
  CHECK(run.seen().size() == 2);
}

// ---- the slot --------------------------------------------------------------------------------------------------------------
TEST_CASE("G11: a slot that was made anew under its old name is no continuation", "[postgres]") {
  PostgresServer* server = shared_server();
  if (server == nullptr) return;
  Scene scene(*server, "recreated");
  Checkpoint through;
  {
    SourceRun run(scene.options);
    REQUIRE(run.open());
    scene.mark("one");
    run.read_until_marker("one");
    through = run.through();
    REQUIRE(run.close());
  }
  scene.session.query("SELECT pg_drop_replication_slot(" + scene.slot() + ")");
  scene.mark("lost");
  scene.session.query("SELECT pg_create_logical_replication_slot(" + scene.slot() + ", 'pgoutput')");
  SourceRun run(scene.options);
  const Status opened = run.open(through);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code() == "position_lost");
  CHECK(opened.error().message().find("sluice resync") != std::string::npos);
}

TEST_CASE("a slot in use: who reads it is said; a session of our own that was left behind is ended", "[postgres]") {
  PostgresServer* server = shared_server();
  if (server == nullptr) return;
  Scene scene(*server, "taken");
  const auto named = [&](const std::string& application) {
    SourceOptions options = scene.options;
    options.adjust = [application](SessionSettings& settings) {
      settings.connect.application_name = application;
      settings.unique_application = true;
    };
    return options;
  };
  SourceRun holder(named("sluice 01234567 taken/pg"));
  REQUIRE(holder.open());
  scene.mark("one");
  holder.read_until_marker("one");
  SourceRun other(named("sluice 89abcdef taken/pg"));
  const Status refused = other.open(holder.through());
  REQUIRE_FALSE(refused);
  INFO(refused.error().message());
  CHECK(refused.error().code() == "slot_in_use");
  CHECK(refused.error().message().find("postgres (application \"sluice 01234567 taken/pg\", from 127.0.0.1)") != std::string::npos);
  SourceRun restarted(named("sluice 01234567 taken/pg"));
  scene.mark("two");
  REQUIRE(restarted.open(holder.through()));
  restarted.read_until_marker("two");
  CHECK(restarted.seen().size() == 1);
}

TEST_CASE("G11: a slot that the server gives up while it is read ends the stream as position_lost", "[postgres]") {
  if (!postgres_available()) return;
  PostgresServer server("max_slot_wal_keep_size = 1MB\nmin_wal_size = 32MB\nmax_wal_size = 32MB");
  Scene scene(server, "given_up");
  scene.options.adjust = [](SessionSettings& settings) { settings.monitor.every = 100ms; };
  SourceRun run(scene.options);
  REQUIRE(run.open());
  scene.mark("one");
  run.read_until_marker("one");
  // The pipeline stands still: nothing is acknowledged.
  const bool lost = eventually([&] {
    scene.session.query("CREATE TABLE IF NOT EXISTS filler (t text)");
    scene.session.query("INSERT INTO filler SELECT repeat('x', 1000) FROM generate_series(1, 1000)");
    scene.session.query("SELECT pg_switch_wal()");
    scene.session.query("CHECKPOINT");
    return scene.of_slot("wal_status") == "lost";
  });
  REQUIRE(lost);
  const Error error = first_error(run);
  INFO(error.message());
  CHECK(error.kind() == ErrorKind::kFatal);
  CHECK(error.code() == "position_lost");
  CHECK(error.message().find("max_slot_wal_keep_size") != std::string::npos);
  CHECK(eventually([&] { return run.metrics().value("sluice_postgres_wal_status", "lost") == 1; }));
  CHECK(run.metrics().value("sluice_postgres_wal_limit_used_ratio") == 1);
  CHECK(run.log().holds("slot_lost"));
}

TEST_CASE("slots and senders that are used up are waited for, with what mends it", "[postgres]") {
  if (!postgres_available()) return;
  PostgresServer server("max_replication_slots = 1\nmax_wal_senders = 1");
  Scene scene(server, "crowded");
  scene.session.query("SELECT pg_create_physical_replication_slot('other')");
  check_refused(scene.options, ErrorKind::kTransient, "no_free_slot", "max_replication_slots");
  scene.session.query("SELECT pg_drop_replication_slot('other')");
  SourceRun run(scene.options);
  REQUIRE(eventually([&] { return run.open().has_value(); }));  // the server may not be done with the sender before
  SourceOptions second = scene.options;
  second.pipeline = "second";
  check_refused(second, ErrorKind::kTransient, "no_free_sender", "max_wal_senders");
}

// ---- the publication -------------------------------------------------------------------------------------------------------
TEST_CASE("a publication that sends less than before ends the stream", "[postgres]") {
  PostgresServer* server = shared_server();
  if (server == nullptr) return;
  Scene scene(*server, "narrowed");
  scene.session.query("CREATE TABLE second (id int PRIMARY KEY); CREATE TABLE third (id int PRIMARY KEY)");
  scene.options.adjust = [](SessionSettings& settings) { settings.monitor.every = 50ms; };
  const auto started = [&](SourceRun& run, const std::string& marker) {
    scene.mark(marker);
    run.read_until_marker(marker);
    REQUIRE(eventually([&] { return run.metrics().value("sluice_postgres_slot_looked_at_timestamp_seconds") != 0; }));
    REQUIRE(run.read());
  };
  Checkpoint through;
  {
    SourceRun run(scene.options);
    REQUIRE(run.open());
    started(run, "one");
    scene.session.query("DROP TABLE third");  // no loss: there is nothing left to read
    CHECK_FALSE(eventually([&] { return !run.read(); }, 1));
    scene.session.query("ALTER PUBLICATION sluice_narrowed DROP TABLE second");
    const Error error = first_error(run);
    CHECK(error.code() == "publication_changed");
    CHECK(error.message().find("ALTER PUBLICATION \"sluice_narrowed\" ADD TABLE \"public\".\"second\"") != std::string::npos);
    scene.session.query("ALTER PUBLICATION sluice_narrowed ADD TABLE second");
    through = run.through();
    REQUIRE(run.close());
  }
  {
    SourceRun run(scene.options);
    REQUIRE(run.open(through));
    started(run, "two");
    scene.session.query("ALTER PUBLICATION sluice_narrowed SET (publish = 'insert')");
    CHECK(first_error(run).code() == "publication_changed");
    through = run.through();
    REQUIRE(run.close());
  }
  SourceRun run(scene.options);
  REQUIRE(run.open(through));
  started(run, "three");
  scene.session.query("DROP PUBLICATION sluice_narrowed");
  scene.mark("unread");
  const Error error = first_error(run);
  INFO(error.message());
  CHECK(error.code() == "publication_missing");
  CHECK(error.kind() == ErrorKind::kFatal);
}

TEST_CASE("a table that was taken out of the publication while the pipeline was stopped is not put back without a word", "[postgres]") {
  PostgresServer* server = shared_server();
  if (server == nullptr) return;
  Scene scene(*server, "meanwhile");
  const TemporaryDirectory folder;
  scene.options.state_directory = folder.path();
  scene.session.query("CREATE TABLE second (id int PRIMARY KEY); CREATE TABLE third (id int PRIMARY KEY)");
  Checkpoint through;
  {
    SourceRun run(scene.options);
    REQUIRE(run.open());
    scene.mark("one");
    run.read_until_marker("one");
    through = run.through();
    REQUIRE(run.close());
  }
  scene.session.query("ALTER PUBLICATION sluice_meanwhile DROP TABLE second");
  scene.session.query("INSERT INTO second VALUES (1)");  // never seen
  scene.session.query("DROP TABLE third");
  scene.session.query("CREATE TABLE fourth (id int PRIMARY KEY)");
  {
    const Status opened = SourceRun(scene.options).open(through);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code() == "publication_changed");
    CHECK(opened.error().message().find("public.second") != std::string::npos);
    CHECK(opened.error().message().find("third") == std::string::npos);
  }
  SourceOptions without = scene.options;
  without.tables = {"public.markers", "public.fourth"};  // no longer wanted: no loss
  CHECK(SourceRun(without).open(through));
  {
    SourceRun run(scene.options);
    REQUIRE(run.open(through));  // the note knows that it was given up
    REQUIRE(run.close());
  }
  scene.session.query("ALTER PUBLICATION sluice_meanwhile DROP TABLE fourth");
  CHECK(SourceRun(scene.options).open(through).error().code() == "publication_changed");
  scene.session.query("ALTER PUBLICATION sluice_meanwhile ADD TABLE fourth");
  SourceRun run(scene.options);
  CHECK(run.open(through));
}

TEST_CASE("PostgreSQL 18 goes on sending without the publication; the stream ends all the same", "[postgres]") {
  const std::string missing = postgres_unavailable("18");
  if (!missing.empty()) {
    std::cout << "SKIPPED: " << missing << '\n';
    return;
  }
  PostgresServer server("", "18");
  Scene scene(server, "silently");
  scene.options.adjust = [](SessionSettings& settings) { settings.monitor.every = 50ms; };
  SourceRun run(scene.options);
  REQUIRE(run.open());
  CHECK(scene.of_slot("failover") == "t");
  scene.mark("one");
  run.read_until_marker("one");
  REQUIRE(eventually([&] { return run.metrics().value("sluice_postgres_slot_looked_at_timestamp_seconds") != 0; }));
  scene.session.query("DROP PUBLICATION sluice_silently");
  scene.mark("unread");
  CHECK(first_error(run).code() == "publication_missing");
}

// ---- the server's settings -------------------------------------------------------------------------------------------------
TEST_CASE("output_plugin_libraries that blocks pgoutput is recognised, and its mend works", "[postgres]") {
  if (!postgres_available()) return;
  PostgresServer server;
  Scene scene(server, "blocked");
  if (scene.session.value("SELECT count(*) FROM pg_settings WHERE name = 'output_plugin_libraries'") == "0") {
    std::cout << "SKIPPED: this server has no output_plugin_libraries\n";
    return;
  }
  scene.session.query("ALTER SYSTEM SET output_plugin_libraries = 'pgoutput,wal2json'");  // one quoted name
  scene.session.query("SELECT pg_reload_conf()");
  REQUIRE(eventually([&] { return PostgresSession(scene.url).value("SHOW output_plugin_libraries") == "\"pgoutput,wal2json\""; }));
  check_refused(scene.options, ErrorKind::kFatal, "output_plugin_refused",
                "ALTER SYSTEM SET output_plugin_libraries TO pgoutput, test_decoding; SELECT pg_reload_conf();");
  scene.session.query("ALTER SYSTEM SET output_plugin_libraries TO pgoutput, test_decoding");
  scene.session.query("SELECT pg_reload_conf()");
  CHECK(eventually([&] { return SourceRun(scene.options).open().has_value(); }));
}

TEST_CASE("settings of the role that would end our sessions do not", "[postgres]") {
  PostgresServer* server = shared_server();
  if (server == nullptr) return;
  Scene scene(*server, "hasty");
  scene.session.query("CREATE ROLE hasty LOGIN SUPERUSER PASSWORD 'sluice'");
  for (const char* setting :
       {"statement_timeout = '20ms'", "lock_timeout = '1ms'", "idle_in_transaction_session_timeout = '1ms'",
        "idle_session_timeout = '100ms'", "client_min_messages = debug1", "default_transaction_isolation = serializable"})
    scene.session.query("ALTER ROLE hasty SET " + std::string(setting));
  scene.options.url = server->url("hasty", "hasty");
  scene.options.adjust = [](SessionSettings& settings) { settings.monitor.every = 500ms; };
  SourceRun run(scene.options);
  REQUIRE(run.open());
  const auto pids = [&] {
    return scene.session.value("SELECT string_agg(pid::text, ' ' ORDER BY pid) FROM pg_stat_activity WHERE usename = 'hasty'");
  };
  REQUIRE(eventually([&] { return pids().find(' ') != std::string::npos; }));  // the stream's and the monitor's
  const std::string before = pids();
  CHECK_FALSE(eventually([&] { return !run.read() || pids() != before; }, 1));
  scene.mark("one");
  run.read_until_marker("one");
  CHECK(run.transient_errors() == 0);
}

TEST_CASE("a server or a role that refuses writes is waited for", "[postgres]") {
  if (!postgres_available()) return;
  PostgresServer server;
  Scene scene(server, "frozen");
  scene.session.query("ALTER DATABASE frozen SET default_transaction_read_only = on");
  check_refused(scene.options, ErrorKind::kTransient, "server_read_only", "publication");
  scene.session.query("SET default_transaction_read_only = off");
  scene.session.query("ALTER DATABASE frozen RESET default_transaction_read_only");
  CHECK(SourceRun(scene.options).open());
  server.stop(PostgresServer::Stop::kFast);
  std::ofstream(server.data_directory() + "/standby.signal").close();
  server.start();
  check_refused(scene.options, ErrorKind::kTransient, "server_is_standby", "primary");
}

// ---- the log -------------------------------------------------------------------------------------------------------------
// Bytes of log that the slot holds back.
double retained(Scene& scene) { return std::stod(scene.of_slot("pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)")); }

TEST_CASE("G8: log of other tables and of other databases is not held, less than two segments", "[postgres]") {
  constexpr double kSegment = 16.0 * 1024 * 1024;
  const bool with_message = GENERATE(false, true);
  if (!postgres_available()) return;
  PostgresServer server("wal_sender_timeout = 4s\ncheckpoint_timeout = 30s");
  Scene scene(server, "quiet");
  const std::string elsewhere = server.create_database("elsewhere");
  PostgresSession other(elsewhere);
  other.query("CREATE TABLE filler (t text)");
  scene.session.query("CREATE TABLE unpublished (t text)");
  scene.options.tables = {"public.markers"};
  scene.options.adjust = [&](SessionSettings& settings) {
    settings.monitor.heartbeat_message = with_message;
    if (with_message) settings.messages = sources::postgres::MessageMode::kEmit;  // they become no records all the same
  };
  SourceRun run(scene.options);
  REQUIRE(run.open());
  for (PostgresSession* session : {&other, &scene.session}) {
    const std::string table = session == &other ? "filler" : "unpublished";
    for (int i = 0; i < 4; ++i) session->query("INSERT INTO " + table + " SELECT repeat('x', 1000) FROM generate_series(1, 12000)");
    CHECK(retained(scene) > kSegment);
    other.query("CHECKPOINT");  // the server names running transactions then, and every 15 s
    const bool released = eventually(
        [&] {
          static_cast<void>(run.read());
          run.acknowledge();
          return retained(scene) < 2 * kSegment;
        },
        30);
    CHECK(released);
  }
  CHECK(run.seen().empty());
  if (with_message) CHECK_FALSE(run.log().holds("heartbeat"));
}

TEST_CASE("lag, retained log and the budget are numbers while the pipeline stands still", "[postgres]") {
  PostgresServer* server = shared_server();
  if (server == nullptr) return;
  Scene scene(*server, "counted");
  scene.options.adjust = [](SessionSettings& settings) {
    settings.monitor.every = 100ms;
    settings.monitor.wal_budget = 1024 * 1024;
  };
  SourceRun run(scene.options);
  REQUIRE(run.open());
  scene.mark("one");
  run.read_until_marker("one");
  REQUIRE(run.read());
  CHECK(run.metrics().value("sluice_source_lag_seconds") == 0);
  CHECK(eventually([&] { return run.metrics().value("sluice_postgres_wal_status", "reserved") == 1; }));
  // Nobody reads: a sink blocks the pipeline.
  scene.session.query("INSERT INTO markers (name) SELECT repeat('x', 1000) FROM generate_series(1, 3000)");
  CHECK(eventually([&] { return run.metrics().value("sluice_postgres_wal_retained_bytes") > 2e6; }));
  CHECK(eventually([&] { return run.metrics().value("sluice_postgres_slot_lag_bytes") > 2e6; }));
  CHECK(eventually([&] { return run.metrics().value("sluice_postgres_wal_budget_exceeded") == 1; }));
  CHECK(run.log().holds("wal_budget"));
  CHECK(eventually([&] { return run.metrics().value("sluice_source_lag_seconds") > 3; }));
  scene.mark("end");
  run.read_until_marker("end");
  REQUIRE(run.read());
  run.acknowledge();
  CHECK(run.metrics().value("sluice_source_lag_seconds") == 0);
  CHECK(eventually([&] { return run.metrics().value("sluice_postgres_slot_lag_bytes") < 1e6; }));
}

}  // namespace
}  // namespace sluice::test
