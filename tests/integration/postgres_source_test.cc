// What a postgres_cdc source gives is what happened in the database: order, content, restarts, broken connections.

#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <string>
#include <thread>

#include "tests/integration/postgres_source_fixture.h"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;

constexpr const char* kTables = R"sql(
  CREATE TABLE items (id bigint PRIMARY KEY, name text, note text, total numeric(12,2));
  ALTER TABLE items ALTER COLUMN note SET STORAGE EXTERNAL;
  CREATE TABLE pairs (a int, name text, b int, PRIMARY KEY (a, b));
  CREATE TABLE logs (id bigserial, name text);
  ALTER TABLE logs REPLICA IDENTITY FULL;
  CREATE TABLE markers (id bigserial PRIMARY KEY, name text);
)sql";

// A copy of the tables, made from the records alone.
class Copy {
 public:
  void apply(const Seen& seen) {
    auto& table = tables_[seen.table];
    if (seen.op == Op::kTruncate) return table.clear();
    const std::vector<std::string> old = key_of(seen, seen.before.empty() ? seen.after : seen.before);
    if (seen.op == Op::kInsert) {
      REQUIRE(table.emplace(old, seen.after).second);
      return;
    }
    const auto found = table.find(old);
    REQUIRE(found != table.end());
    std::vector<std::string> row = found->second;
    table.erase(found);
    if (seen.op == Op::kDelete) return;
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (seen.after[i] != "<unchanged>") row[i] = seen.after[i];  // G16
    }
    REQUIRE(table.emplace(key_of(seen, seen.after), row).second);
  }

  // Sorted rows.
  PostgresRows rows(const std::string& table) const {
    PostgresRows result;
    if (const auto found = tables_.find(table); found != tables_.end()) {
      for (const auto& [key, row] : found->second) result.push_back(row);
    }
    std::sort(result.begin(), result.end());
    return result;
  }

 private:
  // A table without a key is addressed by the whole row.
  static std::vector<std::string> key_of(const Seen& seen, const std::vector<std::string>& row) {
    if (seen.key_slots.empty()) return row;
    std::vector<std::string> key;
    for (const std::uint32_t slot : seen.key_slots) key.push_back(row[slot]);
    return key;
  }

  std::map<std::string, std::map<std::vector<std::string>, std::vector<std::string>>> tables_;
};

// Transactions of all sorts.
class Writer {
 public:
  Writer(const std::string& url, unsigned seed) : session_(url), chance_(seed) {}

  void transaction() {
    session_.query("BEGIN");
    const int changes = pick(6) == 0 ? 60 : 1 + pick(5);
    for (int i = 0; i < changes; ++i) change();
    if (pick(8) == 0) {
      session_.query("SAVEPOINT s");
      change();
      session_.query(pick(2) == 0 ? "ROLLBACK TO s" : "RELEASE s");
    }
    if (pick(25) == 0) session_.query("TRUNCATE items, pairs");
    session_.query(pick(8) == 0 ? "ROLLBACK" : "COMMIT");
  }
  void marker(const std::string& text) { session_.query("INSERT INTO markers (name) VALUES ('" + text + "')"); }
  PostgresSession& session() { return session_; }

 private:
  int pick(int below) { return std::uniform_int_distribution<int>(0, below - 1)(chance_); }
  std::string id() { return std::to_string(pick(200)); }

  void change() {
    ++count_;
    const std::string n = std::to_string(count_);
    // Longer than a page allows inline: kept out of line, so later updates leave it out of the log.
    const std::string note = pick(3) == 0 ? "repeat('note " + n + " ', 500)" : "'n'";
    switch (pick(9)) {
      case 0:
      case 1:
      case 2:
        session_.query("INSERT INTO items VALUES (" + id() + ", 'i" + n + "', " + note + ", " + n +
                       ".5) ON CONFLICT (id) DO UPDATE SET name = 'c" + n + "'");
        break;
      case 3:
        session_.query("UPDATE items SET name = 'u" + n + "', total = total + 0.01 WHERE id % 7 = " + std::to_string(pick(7)) +
                       " AND id < 60");
        break;
      case 4: session_.query("UPDATE items SET id = 100000 + " + n + " WHERE id = " + id()); break;  // G17
      case 5: session_.query("DELETE FROM items WHERE id = " + id()); break;
      case 6:
        session_.query("INSERT INTO pairs VALUES (" + id() + ", 'p" + n + "', " + id() +
                       ") ON CONFLICT (a, b) DO UPDATE SET name = 'q', b = " + std::to_string(1000 + count_));
        break;
      case 7: session_.query("INSERT INTO logs (name) SELECT 'l' FROM generate_series(1, 3)"); break;
      default: session_.query("UPDATE logs SET name = name || 'x' WHERE id = (SELECT min(id) + " + std::to_string(pick(9)) + " FROM logs)");
    }
  }

  PostgresSession session_;
  std::mt19937 chance_;
  std::int64_t count_ = 0;
};

void check_copy(const std::vector<Seen>& seen, PostgresSession& session) {
  Copy copy;
  for (const Seen& record : seen) copy.apply(record);
  for (const std::string table : {"items", "pairs", "logs", "markers"}) {
    PostgresRows truth = session.query("SELECT * FROM " + table);
    std::sort(truth.begin(), truth.end());
    INFO(table);
    CHECK(copy.rows(table) == truth);
  }
}

void check_order(const std::vector<Seen>& seen) {
  for (std::size_t i = 1; i < seen.size(); ++i) REQUIRE(seen[i - 1].ordinal < seen[i].ordinal);
}

TEST_CASE("G1, G3: order and content are those of the database, and a restart from any checkpoint gives the same again", "[postgres]") {
  PostgresServer* server = shared_server();
  if (server == nullptr) return;
  const std::string url = server->create_database("replayed");
  Writer writer(url, 7);
  writer.session().query(kTables);
  const SourceOptions options{.url = url, .pipeline = "replayed"};
  SourceRun first(options);
  REQUIRE(first.open());
  for (int i = 0; i < 70; ++i) writer.transaction();
  writer.marker("end");
  first.read_until_marker("end");
  REQUIRE(first.read());  // so that the last checkpoint is there too
  check_order(first.seen());
  check_copy(first.seen(), writer.session());
  REQUIRE(first.close());

  std::size_t inside = 0;
  std::map<Ordinal, std::string> resumes;
  for (const auto& [count, checkpoint] : first.steps()) {
    const Position& from = checkpoint.begin()->second;
    inside += from.done.minor != Ordinal::kEnd ? 1 : 0;
    CHECK(resumes.emplace(from.done, from.resume).first->second == from.resume);  // G3: equal `done` means equal `resume`
    const std::vector<Seen> rest(first.seen().begin() + static_cast<std::ptrdiff_t>(count), first.seen().end());
    SourceRun again(options);
    Status opened;
    // The server lets go of the slot a moment after the connection before has ended; the runner tries again, too.
    eventually([&] {
      opened = again.open(checkpoint);
      return opened || opened.error().code() != "slot_in_use";
    });
    INFO((opened ? "" : opened.error().message()));
    REQUIRE(opened);
    again.limits.records = 1000;
    if (!rest.empty()) again.read_until_marker("end");
    REQUIRE(again.seen() == rest);
    REQUIRE(again.close());
  }
  CHECK(first.steps().size() > 30);
  CHECK(inside > 10);  // checkpoints inside a transaction were among them
}

TEST_CASE("G5, G9: broken connections lose nothing and double nothing", "[postgres]") {
  PostgresServer* server = shared_server();
  if (server == nullptr) return;
  const std::string url = server->create_database("broken");
  Writer writer(url, 11);
  writer.session().query(kTables);
  SourceRun run({.url = url, .pipeline = "broken"});
  REQUIRE(run.open());
  {
    std::jthread writing([&](std::stop_token) {
      for (int i = 0; i < 400; ++i) writer.transaction();
      writer.marker("end");
    });
    std::jthread killing([&](std::stop_token stop) {
      PostgresSession session(url);
      std::mt19937 chance(3);
      while (!stop.stop_requested()) {
        session.query("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = 'sluice_broken' AND active");
        std::this_thread::sleep_for(std::chrono::milliseconds(chance() % 120));  // the moment is random, that is the test
      }
    });
    std::mt19937 chance(5);
    run.read_until([&] {
      if (chance() % 3 == 0) run.acknowledge();
      return !run.seen().empty() && run.seen().back().table == "markers";
    });
  }
  CHECK(run.transient_errors() > 3);
  check_order(run.seen());
  check_copy(run.seen(), writer.session());
}

TEST_CASE("a server that shuts down is let go at once, and read on when it is back", "[postgres]") {
  if (!postgres_available()) return;
  PostgresServer server;
  PostgresSession(server.url()).query(kTables);
  SourceRun run({.url = server.url(), .heartbeat = 1h});
  REQUIRE(run.open());
  PostgresSession(server.url()).query("INSERT INTO markers (name) VALUES ('one')");
  run.read_until_marker("one");
  // Log that is none of our tables': the server does not end before it is confirmed.
  PostgresSession(server.url()).query("CREATE TABLE other AS SELECT i FROM generate_series(1, 10000) i");
  server.request_stop(PostgresServer::Stop::kFast);
  bool stopped = false;
  run.read_until(
      [&] {
        run.acknowledge();
        return stopped = server.wait_stopped(0);
      },
      20);
  CHECK(run.commit_wanted());
  server.start();
  PostgresSession(server.url()).query("INSERT INTO markers (name) VALUES ('two')");
  run.read_until_marker("two");
  CHECK(run.seen().size() == 2);
  server.stop(PostgresServer::Stop::kImmediate);  // a crash
  server.start();
  PostgresSession(server.url()).query("INSERT INTO markers (name) VALUES ('three')");
  run.read_until_marker("three");
  CHECK(run.seen().size() == 3);
}

TEST_CASE("G9: a pipeline that does not read keeps its connection", "[postgres]") {
  PostgresServer* server = shared_server();  // wal_sender_timeout is 2 s
  if (server == nullptr) return;
  const std::string url = server->create_database("stalled");
  PostgresSession session(url);
  session.query(kTables);
  const TemporaryDirectory folder;
  SourceRun run({.url = url, .pipeline = "stalled", .heartbeat = 1h, .state_directory = folder.path()});
  REQUIRE(run.open());
  // More than the reader buffers, so that the server is blocked in its send.
  session.query("INSERT INTO logs (name) SELECT repeat('x', 1000) FROM generate_series(1, 60000)");
  session.query("INSERT INTO markers (name) VALUES ('end')");
  const std::string pid_query = "SELECT active_pid FROM pg_replication_slots WHERE slot_name = 'sluice_stalled'";
  const std::string pid = session.value(pid_query);
  REQUIRE(pid != "<null>");
  CHECK_FALSE(eventually([&] { return session.value(pid_query) != pid; }, 10));
  run.limits = {5000, 8 * 1024 * 1024, 100ms};
  run.read_until_marker("end");
  CHECK(run.seen().size() == 60001);
  CHECK(run.transient_errors() == 0);
}

TEST_CASE("G8: an idle database holds no log, and nothing is confirmed before it is acknowledged", "[postgres]") {
  PostgresServer* server = shared_server();
  if (server == nullptr) return;
  const std::string url = server->create_database("idle");
  PostgresSession session(url);
  session.query(kTables);
  SourceRun run({.url = url, .tables = {"public.markers"}, .pipeline = "idle"});
  REQUIRE(run.open());
  const auto confirmed = [&] {
    return session.value("SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = 'sluice_idle'");
  };
  const auto behind = [&](const std::string& lsn) {
    return session.value("SELECT confirmed_flush_lsn < '" + lsn + "' FROM pg_replication_slots WHERE slot_name = 'sluice_idle'") == "t";
  };
  const std::string at_start = confirmed();
  session.query("INSERT INTO items SELECT i, repeat('x', 100) FROM generate_series(1, 5000) i");  // not our table
  const std::string written = session.value("SELECT pg_current_wal_lsn()");
  const auto passed = [&] {
    const std::string resume = run.position().resume;  // "pg1 <lsn> ..."
    const std::string lsn = resume.substr(4, resume.find(' ', 4) - 4);
    return session.value("SELECT '" + lsn + "'::pg_lsn >= '" + written + "'::pg_lsn") == "t";
  };
  REQUIRE(run.read());
  run.read_until(passed, 10);
  CHECK(run.seen().empty());
  CHECK(confirmed() == at_start);
  run.acknowledge();
  CHECK(eventually([&] { return !behind(written); }, 10));
  // Never ahead of what was acknowledged.
  const std::string resume = run.position().resume;
  CHECK(session.value("SELECT confirmed_flush_lsn <= '" + resume.substr(4, resume.find(' ', 4) - 4) +
                      "' FROM pg_replication_slots WHERE slot_name = 'sluice_idle'") == "t");
  // And a restart goes on from there.
  REQUIRE(run.close());
  session.query("INSERT INTO markers (name) VALUES ('end')");
  SourceRun again({.url = url, .tables = {"public.markers"}, .pipeline = "idle"});
  REQUIRE(again.open(run.through()));
  again.read_until_marker("end");
  CHECK(again.seen().size() == 1);
}

TEST_CASE("a stop request ends a read that waits", "[postgres]") {
  PostgresServer* server = shared_server();
  if (server == nullptr) return;
  const std::string url = server->create_database("waiting");
  PostgresSession(url).query(kTables);
  SourceRun run({.url = url, .pipeline = "waiting"});
  REQUIRE(run.open());
  run.limits.linger = 1h;
  const auto begun = std::chrono::steady_clock::now();
  std::jthread stopping([&] { run.request_stop(); });
  REQUIRE(run.read());
  CHECK(std::chrono::steady_clock::now() - begun < 1s);
  REQUIRE(run.close());
  REQUIRE(run.close());
}

}  // namespace
}  // namespace sluice::test
