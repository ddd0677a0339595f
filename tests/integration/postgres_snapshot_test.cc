// Snapshots in their modes and methods, and what can happen to a table while it is read (G13-G15, S1-S4).

#include <catch2/catch.hpp>
#include <map>
#include <string>

#include "sources/postgres_cdc/session.h"
#include "tests/integration/postgres_source_fixture.h"

namespace sluice::test {
namespace {

using sources::postgres::SessionSettings;
using sources::postgres::SnapshotMethod;
using sources::postgres::SnapshotMode;

constexpr int kRows = 2000;

// A database with the table `items`, read in chunks of 100 rows, and a source of "public.*".
struct Scene {
  std::string name, url;
  PostgresSession session;
  TemporaryDirectory folder;
  SourceOptions options;

  Scene(PostgresServer& on, const std::string& database, SnapshotMode mode = SnapshotMode::kInitial)
      : name(database), url(on.create_database(database)), session(url) {
    sql("CREATE TABLE items (id int PRIMARY KEY, name text); INSERT INTO items SELECT i, 'old ' || i FROM generate_series(1, " +
        std::to_string(kRows) + ") i");
    options = {.url = url, .pipeline = name, .snapshot = mode, .state_directory = folder.path()};
    options.adjust = [](SessionSettings& settings) { settings.snapshot_chunk_rows = 100; };
  }
  void sql(const std::string& text) { session.query(text); }
  // The first rows of `items` have come and most have not.
  void begin(SourceRun& run) {
    REQUIRE(run.open());
    run.read_until([&] { return !run.seen().empty(); });
    REQUIRE(run.seen().size() < 1500);
  }
  // The whole snapshot, and a change after it.
  void finish(SourceRun& run) {
    run.read_until([&] { return run.metrics().value("sluice_snapshot_progress_ratio") == 1; });
    sql("CREATE TABLE IF NOT EXISTS ends (id int PRIMARY KEY, name text)");
    const std::string text = "end " + std::to_string(run.seen().size());
    run.read_until([&] { return session.value("SELECT count(*) FROM pg_publication_tables WHERE tablename = 'ends'") == "1"; });
    sql("INSERT INTO ends SELECT coalesce(max(id), 0) + 1, '" + text + "' FROM ends");
    run.read_until([&] {
      return std::any_of(run.seen().begin(), run.seen().end(),
                         [&](const Seen& seen) { return seen.table == "ends" && seen.after[1] == text; });
    });
  }
  // What a sink that upserts holds of all tables of that name.
  static std::map<std::string, std::string> state(const SourceRun& run, const std::string& table) {
    std::map<std::string, std::string> rows;
    for (const Seen& seen : run.seen()) {
      if (seen.table != table) continue;
      if (seen.op == Op::kTruncate) rows.clear();
      if (seen.op == Op::kDelete) rows.erase(seen.key.at(0));
      if (seen.op != Op::kDelete && seen.op != Op::kTruncate) rows[seen.key.at(0)] = seen.after.at(1);
    }
    return rows;
  }
  std::map<std::string, std::string> table(const std::string& from) {
    std::map<std::string, std::string> rows;
    for (const auto& row : session.query("SELECT id, name FROM " + from)) rows[row[0]] = row[1];
    return rows;
  }
};

std::size_t reads(const SourceRun& run, const std::string& table = "items") {
  return static_cast<std::size_t>(
      std::count_if(run.seen().begin(), run.seen().end(), [&](const Seen& seen) { return seen.table == table && seen.op == Op::kRead; }));
}

TEST_CASE("snapshot only reads the rows, makes nothing at the server, and ends", "[postgres]") {
  PostgresServer* server = shared_server();
  if (server == nullptr) return;
  Scene scene(*server, "only_rows", SnapshotMode::kOnly);
  SourceRun run(scene.options);
  REQUIRE(run.open());
  SourceState state = SourceState::kMore;
  run.read_until([&] {
    const auto answer = run.read();
    if (answer) state = *answer;
    return state == SourceState::kFinished;
  });
  CHECK(Scene::state(run, "items") == scene.table("items"));
  CHECK(reads(run) == kRows);
  CHECK(scene.session.value("SELECT (SELECT count(*) FROM pg_publication) + (SELECT count(*) FROM pg_replication_slots WHERE database = "
                            "current_database())") == "0");
  const Status refused = run.request_snapshot({"public.items"});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == "not_supported");
  SourceRun again(scene.options);  // what was read is not read again
  REQUIRE(again.open(run.through()));
  const auto answer = again.read();
  REQUIRE(answer);
  CHECK(*answer == SourceState::kFinished);
  CHECK(again.seen().empty());
}

TEST_CASE("snapshot always reads the tables at every start, under a new name each time", "[postgres]") {
  PostgresServer* server = shared_server();
  if (server == nullptr) return;
  Scene scene(*server, "always_anew", SnapshotMode::kAlways);
  Checkpoint from;
  for (const std::size_t generation : {1, 2, 3}) {
    SourceRun run(scene.options);
    REQUIRE(run.open(from));
    run.read_until([&] { return run.metrics().value("sluice_snapshot_progress_ratio") == 1; });
    CHECK(reads(run) == kRows);
    CHECK(run.through().contains(generation == 1 ? "pg/snapshot/public.items"
                                                 : "pg/snapshot~" + std::to_string(generation) + "/public.items"));
    run.acknowledge();
    from.clear();
    for (const auto& [key, position] : run.through()) {
      if (!position.retired) from[key] = position;
    }
    REQUIRE(run.close());
  }
}

TEST_CASE("G14: blocks of a table with a key, by one worker and by several, under changes", "[postgres]") {
  for (const char* version : {"13", "18"}) {
    PostgresServer* server = shared_server(version);
    if (server == nullptr) continue;
    for (const unsigned workers : {1U, 3U}) {
      if (workers == 1 && version == std::string("13")) continue;  // reads no parts, by whatever number of workers
      INFO("PostgreSQL " << version << ", workers " << workers);
      Scene scene(*server, "blocks" + std::string(version) + '_' + std::to_string(workers));
      // 40 MB: more than two of the parts that workers take
      scene.sql(
          "CREATE TABLE wide (id int PRIMARY KEY, name text, filler text); ALTER TABLE wide ALTER filler SET STORAGE plain; "
          "INSERT INTO wide SELECT i, 'old', repeat('x', 2000) FROM generate_series(1, 18000) i; DELETE FROM wide WHERE id % 10 = 0");
      scene.options.adjust = [&](SessionSettings& settings) {
        settings.snapshot_method = SnapshotMethod::kBlocks;
        settings.snapshot_workers = workers;
        settings.snapshot_chunk_rows = 1000;
      };
      SourceRun run(scene.options);
      run.limits.records = 4000;
      run.limits.bytes = 16 * 1024 * 1024;
      REQUIRE(run.open());
      scene.sql("UPDATE wide SET name = 'changed' WHERE id % 100 = 1; DELETE FROM wide WHERE id % 100 = 2");
      run.read_until([&] { return reads(run, "wide") == 16200; });
      scene.finish(run);
      CHECK(Scene::state(run, "wide") == scene.table("wide"));
      CHECK(reads(run, "wide") == 16200);
    }
  }
}

TEST_CASE("S4: blocks that were not finished begin anew under another name", "[postgres]") {
  PostgresServer* server = shared_server();
  if (server == nullptr) return;
  Scene scene(*server, "blocks_anew");
  scene.options.adjust = [](SessionSettings& settings) {
    settings.snapshot_method = SnapshotMethod::kBlocks;
    settings.snapshot_chunk_rows = 100;
  };
  Checkpoint from;
  {
    SourceRun run(scene.options);
    scene.begin(run);
    run.read_until([&] { return run.seen().size() > 250; });
    from = run.through();
    run.acknowledge();
  }
  scene.sql("UPDATE items SET name = 'changed' WHERE id < 500");
  SourceRun run(scene.options);
  REQUIRE(run.open(from));
  scene.finish(run);
  CHECK(run.through().contains("pg/snapshot~2/public.items"));
  CHECK(Scene::state(run, "items") == scene.table("items"));
}

TEST_CASE("G15: an anchor that is lost while rows are read is replaced by another", "[postgres]") {
  PostgresServer* server = shared_server();
  if (server == nullptr) return;
  Scene scene(*server, "lost_anchor");
  SourceRun run(scene.options);
  scene.begin(run);
  const auto cut = [&] {
    scene.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '%snapshot' AND datname = current_database()");
  };
  cut();
  scene.sql("UPDATE items SET name = 'changed' WHERE id % 3 = 0; DELETE FROM items WHERE id % 3 = 1");
  const std::size_t before = run.seen().size();
  run.read_until([&] { return run.seen().size() > before + 150; });
  cut();
  scene.finish(run);
  CHECK(run.transient_errors() > 0);
  CHECK(Scene::state(run, "items") == scene.table("items"));
}

TEST_CASE("a table that is dropped while it is read ends there, and the others are read", "[postgres]") {
  PostgresServer* server = shared_server();
  if (server == nullptr) return;
  Scene scene(*server, "dropped");
  scene.sql("CREATE TABLE others (id int PRIMARY KEY, name text); INSERT INTO others VALUES (1, 'there')");
  SourceRun run(scene.options);
  scene.begin(run);
  scene.sql("DROP TABLE items");
  scene.finish(run);
  CHECK(Scene::state(run, "others") == scene.table("others"));
  // One of the same name is another table.
  scene.sql("CREATE TABLE items (id int PRIMARY KEY, name text); INSERT INTO items VALUES (5000, 'new')");
  run.read_until([&] { return Scene::state(run, "items").contains("5000"); });
  CHECK(run.through().contains("pg/snapshot~2/public.items"));
}

TEST_CASE("a table that is altered while it is read comes whole, with its new columns", "[postgres]") {
  PostgresServer* server = shared_server();
  if (server == nullptr) return;
  const auto check = [&](const std::string& database, const std::string& ddl) {
    INFO(ddl);
    Scene scene(*server, database);
    SourceRun run(scene.options);
    scene.begin(run);
    scene.sql(ddl);
    scene.sql("UPDATE items SET name = 'after' WHERE id % 7 = 0");
    scene.finish(run);
    CHECK(Scene::state(run, "items") == scene.table("items"));
  };
  check("altered_add", "ALTER TABLE items ADD COLUMN more text DEFAULT 'm'");
  check("altered_rewrite", "ALTER TABLE items ALTER COLUMN id TYPE bigint");
  check("altered_drop", "ALTER TABLE items ADD COLUMN more text; ALTER TABLE items DROP COLUMN more");
  check("altered_cluster", "CLUSTER items USING items_pkey");
}

TEST_CASE("a table that is truncated while it is read is empty in the end, and goes on", "[postgres]") {
  PostgresServer* server = shared_server();
  if (server == nullptr) return;
  Scene scene(*server, "truncated");
  SourceRun run(scene.options);
  scene.begin(run);
  scene.sql("TRUNCATE items; INSERT INTO items VALUES (1, 'new'), (9000, 'new')");
  scene.finish(run);
  CHECK(Scene::state(run, "items") == scene.table("items"));
}

TEST_CASE("a table that is renamed while it is read is read on under its new name", "[postgres]") {
  PostgresServer* server = shared_server();
  if (server == nullptr) return;
  Scene scene(*server, "renamed");
  SourceRun run(scene.options);
  scene.begin(run);
  scene.sql("ALTER TABLE items RENAME TO things");
  scene.sql("UPDATE things SET name = 'changed' WHERE id % 7 = 0");
  run.read_until([&] { return reads(run, "things") >= kRows; });
  scene.finish(run);
  CHECK(Scene::state(run, "things") == scene.table("things"));
}

}  // namespace
}  // namespace sluice::test
