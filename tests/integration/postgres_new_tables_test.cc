// Tables that join a running stream, and tables that are read again because somebody asks for it (G13, G15).

#include <catch2/catch.hpp>
#include <map>
#include <string>

#include "sources/postgres_cdc/publication.h"
#include "sources/postgres_cdc/session.h"
#include "tests/integration/postgres_source_fixture.h"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using sources::postgres::SessionSettings;
using sources::postgres::SnapshotMode;

// A database with one table, `first`, and a stream of "public.*" that has read it.
struct Scene {
  std::string name, url;
  PostgresSession session;
  TemporaryDirectory folder;
  SourceOptions options;

  Scene(PostgresServer& on, const std::string& database, SnapshotMode mode = SnapshotMode::kInitial)
      : name(database), url(on.create_database(database)), session(url) {
    sql("CREATE TABLE first (id int PRIMARY KEY, name text); INSERT INTO first VALUES (1, 'begin')");
    options = {.url = url, .pipeline = name, .snapshot = mode, .state_directory = folder.path()};
  }
  void sql(const std::string& text) { session.query(text); }
  bool is_published(const std::string& table) {
    return session.value("SELECT count(*) FROM pg_publication_tables WHERE pubname = 'sluice_" + name + "' AND tablename = '" + table +
                         "'") == "1";
  }
  // Through the stream, by its name.
  void mark(SourceRun& run, const std::string& text) {
    sql("INSERT INTO first VALUES ((SELECT max(id) + 1 FROM first), '" + text + "')");
    run.read_until([&] { return holds(run, "first", text); });
  }
  static bool holds(const SourceRun& run, const std::string& table, const std::string& name) { return count(run, table, name) != 0; }
  static std::size_t count(const SourceRun& run, const std::string& table, const std::string& name) {
    std::size_t found = 0;
    for (const Seen& seen : run.seen()) found += seen.table == table && seen.after.size() > 1 && seen.after[1] == name ? 1 : 0;
    return found;
  }
  // What a sink that upserts would hold: id and name.
  static std::map<std::string, std::string> state(const SourceRun& run, const std::string& table) {
    std::map<std::string, std::string> rows;
    for (const Seen& seen : run.seen()) {
      if (seen.table != table) continue;
      if (seen.op == Op::kDelete) rows.erase(seen.key.at(0));
      if (seen.op != Op::kDelete) rows[seen.key.at(0)] = seen.after.at(1);
    }
    return rows;
  }
  std::map<std::string, std::string> table(const std::string& table) {
    std::map<std::string, std::string> rows;
    for (const auto& row : session.query("SELECT id, name FROM " + table)) rows[row[0]] = row[1];
    return rows;
  }
};

std::size_t reads(const SourceRun& run, const std::string& table) {
  return static_cast<std::size_t>(
      std::count_if(run.seen().begin(), run.seen().end(), [&](const Seen& seen) { return seen.table == table && seen.op == Op::kRead; }));
}

void on_versions(const std::string& database, const std::function<void(PostgresServer&, const std::string&)>& test) {
  for (const char* version : {"13", "15", "18"}) {
    PostgresServer* server = shared_server(version);
    if (server == nullptr) continue;
    INFO("PostgreSQL " << version);
    test(*server, database + version);
  }
}

TEST_CASE("G15: a table made while the stream runs is published and read, with what its writers had begun before", "[postgres]") {
  on_versions("joins", [](PostgresServer& server, const std::string& database) {
    Scene scene(server, database);
    SourceRun run(scene.options);
    REQUIRE(run.open());
    run.read_until([&] { return Scene::holds(run, "first", "begin"); });

    scene.sql("CREATE TABLE second (id int PRIMARY KEY, name text); INSERT INTO second VALUES (1, 'before')");
    PostgresSession writer(scene.url);  // its row is written before the table is published, and committed long after
    writer.query("BEGIN");
    writer.query("INSERT INTO second VALUES (2, 'early')");
    run.read_until([&] { return scene.is_published("second"); });
    scene.mark(run, "the stream goes on");
    scene.sql("INSERT INTO second VALUES (3, 'streamed')");
    run.read_until([&] { return Scene::holds(run, "second", "streamed"); });
    CHECK(reads(run, "second") == 0);  // the snapshot waits for the writer
    writer.query("INSERT INTO second VALUES (4, 'late')");
    writer.query("COMMIT");
    run.read_until([&] { return Scene::state(run, "second").size() == 4; });
    CHECK(Scene::state(run, "second") == scene.table("second"));
    scene.mark(run, "after");
    // What the stream has of it besides depends on what else the server sent.
    CHECK(Scene::count(run, "second", "early") >= 1);
    REQUIRE(run.close());

    SourceRun again(scene.options);  // its rows are not read once more
    REQUIRE(again.open(run.through()));
    scene.mark(again, "again");
    CHECK(reads(again, "second") == 0);
  });
}

TEST_CASE("G15: a prepared transaction that wrote to a new table is waited for", "[postgres]") {
  PostgresServer server("max_prepared_transactions = 3");
  Scene scene(server, "prepared");
  SourceRun run(scene.options);
  REQUIRE(run.open());
  scene.mark(run, "begun");
  scene.sql("CREATE TABLE second (id int PRIMARY KEY, name text)");
  PostgresSession writer(scene.url);
  writer.query("BEGIN");
  writer.query("INSERT INTO second VALUES (1, 'early')");
  run.read_until([&] { return scene.is_published("second"); });
  scene.sql("INSERT INTO second VALUES (2, 'streamed')");
  run.read_until([&] { return Scene::holds(run, "second", "streamed"); });
  writer.query("PREPARE TRANSACTION 'two'");
  scene.mark(run, "prepared");
  CHECK(reads(run, "second") == 0);
  writer.query("COMMIT PREPARED 'two'");
  run.read_until([&] { return Scene::holds(run, "second", "early"); });
  CHECK(Scene::state(run, "second") == scene.table("second"));
}

TEST_CASE("a table that joins while others are read does not come from the snapshot that is older than it", "[postgres]") {
  PostgresServer* server = shared_server();
  if (server == nullptr) return;
  Scene scene(*server, "joins_reading");
  scene.sql("INSERT INTO first SELECT i, 'old' FROM generate_series(2, 3000) i");
  scene.sql("CREATE TABLE aside (id int PRIMARY KEY, name text); INSERT INTO aside VALUES (1, 'as it was')");
  scene.options.rules = {{{"public", "first"}}, {{"public", "new*"}}};
  scene.options.adjust = [](SessionSettings& settings) { settings.snapshot_chunk_rows = 100; };
  SourceRun run(scene.options);
  REQUIRE(run.open());
  run.read_until([&] { return reads(run, "first") > 200; });
  // It was there when the slot was made, under a name that nobody wants; what changes now is not sent.
  scene.sql("UPDATE aside SET name = 'changed meanwhile'; ALTER TABLE aside RENAME TO news");
  run.read_until([&] { return scene.is_published("news") || reads(run, "first") == 3000; });
  run.read_until([&] { return Scene::holds(run, "news", "changed meanwhile"); });
  CHECK(Scene::count(run, "news", "as it was") == 0);
  CHECK(reads(run, "first") == 3000);
}

TEST_CASE("a new table that cannot be read is said once, and taken when it can be; snapshot never reads its changes only", "[postgres]") {
  PostgresServer* server = shared_server();
  if (server == nullptr) return;
  Scene scene(*server, "joins_late", SnapshotMode::kNever);
  SourceRun run(scene.options);
  REQUIRE(run.open());
  scene.sql("CREATE TABLE keyless (id int NOT NULL, name text); INSERT INTO keyless VALUES (1, 'before')");
  scene.sql("CREATE TABLE good (id int PRIMARY KEY, name text)");
  run.read_until([&] { return scene.is_published("good"); });
  CHECK_FALSE(scene.is_published("keyless"));
  CHECK(run.log().holds("table=public.keyless"));
  CHECK(run.log().holds("REPLICA IDENTITY FULL"));
  scene.sql("ALTER TABLE keyless ADD PRIMARY KEY (id)");
  run.read_until([&] { return scene.is_published("keyless"); });
  scene.sql("INSERT INTO keyless VALUES (2, 'streamed')");
  run.read_until([&] { return Scene::holds(run, "keyless", "streamed"); });
  CHECK(reads(run, "keyless") == 0);
}

TEST_CASE("a publication of the user's is not changed; a table that its owner adds is read", "[postgres]") {
  PostgresServer* server = shared_server();
  if (server == nullptr) return;
  Scene scene(*server, "joins_theirs");
  scene.sql("CREATE PUBLICATION theirs FOR TABLE first");
  scene.options.publication = "theirs";
  SourceRun run(scene.options);
  REQUIRE(run.open());
  scene.mark(run, "begun");
  scene.sql("CREATE TABLE second (id int PRIMARY KEY, name text); INSERT INTO second VALUES (1, 'before')");
  run.read_until([&] { return run.log().holds("ALTER PUBLICATION \"theirs\" ADD TABLE \"public\".\"second\";"); });
  scene.sql("ALTER PUBLICATION theirs ADD TABLE second");
  run.read_until([&] { return Scene::holds(run, "second", "before"); });
  scene.sql("INSERT INTO second VALUES (2, 'streamed')");
  run.read_until([&] { return Scene::holds(run, "second", "streamed"); });
  CHECK(reads(run, "second") == 1);
}

TEST_CASE("servers that pass over a table published beside its writers are known", "[postgres]") {
  using sources::postgres::passes_over_new_tables;
  CHECK(passes_over_new_tables(150012));
  CHECK_FALSE(passes_over_new_tables(150013));
  CHECK(passes_over_new_tables(130020));
  CHECK(passes_over_new_tables(170004));
  CHECK_FALSE(passes_over_new_tables(180000));
}

TEST_CASE("request_snapshot reads a table again, merged with the stream", "[postgres]") {
  on_versions("again", [](PostgresServer& server, const std::string& database) {
    Scene scene(server, database);
    scene.sql("CREATE TABLE second (id int PRIMARY KEY, name text); INSERT INTO second SELECT i, 'old' FROM generate_series(1, 500) i");
    scene.options.adjust = [](SessionSettings& settings) { settings.snapshot_chunk_rows = 100; };
    SourceRun run(scene.options);
    REQUIRE(run.open());
    run.read_until([&] { return reads(run, "second") == 500; });
    scene.mark(run, "read");
    const Status unknown = run.request_snapshot({"public.second", "public.third"});
    REQUIRE_FALSE(unknown);
    CHECK(unknown.error().code() == "unknown_table");
    CHECK(unknown.error().kind() == ErrorKind::kFatal);
    CHECK(unknown.error().message().find("public.second") != std::string::npos);
    scene.mark(run, "nothing is noted");
    CHECK(reads(run, "second") == 500);

    REQUIRE(run.request_snapshot({"public.second"}));
    scene.sql("UPDATE second SET name = 'changed' WHERE id % 5 = 0; DELETE FROM second WHERE id % 7 = 0");
    run.read_until([&] { return reads(run, "second") >= 500 + 500 - 71; });
    scene.mark(run, "read again");
    CHECK(Scene::state(run, "second") == scene.table("second"));
    CHECK(reads(run, "first") <= 2);  // the other is left alone
    CHECK(run.through().contains("pg/snapshot~2/public.second"));
  });
}

// Every place at which the process may die between the wish and its end: each checkpoint on the way is one that the sinks may have.
TEST_CASE("request_snapshot: once it is answered the wish survives kill -9", "[postgres]") {
  PostgresServer* server = shared_server();
  if (server == nullptr) return;
  Scene scene(*server, "again_crash");
  scene.sql("CREATE TABLE second (id int PRIMARY KEY, name text); INSERT INTO second SELECT i, 'old' FROM generate_series(1, 500) i");
  scene.options.adjust = [](SessionSettings& settings) { settings.snapshot_chunk_rows = 100; };
  Checkpoint from;
  {
    SourceRun run(scene.options);
    REQUIRE(run.open());
    run.read_until([&] { return reads(run, "second") == 500; });
    scene.mark(run, "read");
    from = run.through();
    run.acknowledge();
    REQUIRE(run.request_snapshot({"public.second"}));
  }  // nothing of it is committed
  std::size_t step = 0;
  std::size_t finished = 0;
  for (int round = 0; round < 12 && finished == 0; ++round) {
    INFO("round " << round);
    SourceRun run(scene.options);
    REQUIRE(run.open(from));
    const std::string marker = "round " + std::to_string(round);
    scene.sql("INSERT INTO first VALUES ((SELECT max(id) + 1 FROM first), '" + marker + "')");
    // Dies after one more chunk each time; the sinks have all of it or, every third time, nothing.
    ++step;
    run.read_until([&] { return reads(run, "second") >= 100 * (step % 3) || run.metrics().value("sluice_snapshot_progress_ratio") == 1; });
    if (run.metrics().value("sluice_snapshot_progress_ratio") == 1) finished = reads(run, "second");
    if (round % 3 != 0) from = run.through();
    if (round % 3 != 0) run.acknowledge();
    for (auto entry = from.begin(); entry != from.end();) entry = entry->second.retired ? from.erase(entry) : std::next(entry);
  }
  CHECK(from.contains("pg/snapshot~2/public.second"));
  REQUIRE(finished != 0);
  SourceRun run(scene.options);
  REQUIRE(run.open(from));
  scene.mark(run, "the end");
  CHECK(reads(run, "second") == 0);  // and it is granted once
}

TEST_CASE("request_snapshot with snapshot never reads what was asked for and nothing else", "[postgres]") {
  PostgresServer* server = shared_server();
  if (server == nullptr) return;
  Scene scene(*server, "again_never", SnapshotMode::kNever);
  scene.sql("CREATE TABLE second (id int PRIMARY KEY, name text); INSERT INTO second VALUES (1, 'old')");
  Checkpoint from;
  {
    SourceRun run(scene.options);
    REQUIRE(run.open());
    scene.mark(run, "begun");
    from = run.through();
    REQUIRE(run.request_snapshot({"public.sec*"}));
  }
  SourceRun run(scene.options);
  REQUIRE(run.open(from));
  run.read_until([&] { return Scene::holds(run, "second", "old"); });
  scene.mark(run, "end");
  CHECK(reads(run, "first") == 0);
  REQUIRE(run.request_snapshot({"public.second"}));
  run.read_until([&] { return reads(run, "second") == 2; });
}

TEST_CASE("cleanup drops what the pipeline made and nothing else", "[postgres]") {
  PostgresServer* server = shared_server();
  if (server == nullptr) return;
  Scene scene(*server, "cleaned");
  const auto left = [&] {
    return scene.session.value(
        "SELECT (SELECT count(*) FROM pg_replication_slots WHERE slot_name LIKE '%cleaned') || ' ' || "
        "(SELECT count(*) FROM pg_publication)");
  };
  {
    SourceRun run(scene.options);
    REQUIRE(run.open());
    scene.mark(run, "begun");
    SourceRun other(scene.options);
    const auto busy = other.cleanup();
    REQUIRE_FALSE(busy);
    CHECK(busy.error().code() == "slot_in_use");
    REQUIRE(run.close());
  }
  CHECK(left() == "1 1");
  for (const char* point :
       {"postgres_cdc.before_cleanup_slot", "postgres_cdc.after_cleanup_slot", "postgres_cdc.after_cleanup_publication"}) {
    SourceRun run(scene.options);
    run.faults.point = point;
    CHECK_THROWS_AS(run.cleanup(), SimulatedCrash);
  }
  CHECK(left() == "0 0");
  SourceRun run(scene.options);
  const auto again = run.cleanup();
  REQUIRE(again);
  CHECK(again->empty());
  REQUIRE(run.open());  // and the pipeline begins anew
  scene.mark(run, "anew");
  REQUIRE(run.close());
  const auto lines = run.cleanup();
  REQUIRE(lines);
  CHECK(*lines ==
        std::vector<std::string>{"dropped the replication slot \"sluice_cleaned\"", "dropped the publication \"sluice_cleaned\""});
}

TEST_CASE("cleanup leaves a slot that was adopted and a publication of the user's", "[postgres]") {
  PostgresServer* server = shared_server();
  if (server == nullptr) return;
  Scene scene(*server, "adopted", SnapshotMode::kNever);
  scene.sql("CREATE PUBLICATION theirs FOR TABLE first");
  scene.sql("SELECT pg_create_logical_replication_slot('sluice_adopted', 'pgoutput')");
  scene.options.publication = "theirs";
  scene.options.adopt = true;
  SourceRun run(scene.options);
  REQUIRE(run.open());
  scene.mark(run, "begun");
  REQUIRE(run.close());
  const auto lines = run.cleanup();
  REQUIRE(lines);
  REQUIRE(lines->size() == 2);
  CHECK(lines->front().starts_with("left the replication slot \"sluice_adopted\""));
  CHECK(lines->back().starts_with("left the publication \"theirs\""));
  CHECK(scene.session.value("SELECT count(*) FROM pg_replication_slots WHERE slot_name = 'sluice_adopted'") == "1");
  scene.sql("SELECT pg_drop_replication_slot('sluice_adopted')");
}

}  // namespace
}  // namespace sluice::test
