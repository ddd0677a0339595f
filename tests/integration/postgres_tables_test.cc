// Which tables, columns and rows are read, under which key, with which schema: on every version of the server that is supported.

#include <catch2/catch.hpp>
#include <functional>
#include <string>

#include "tests/integration/postgres_source_fixture.h"

namespace sluice::test {
namespace {

using Rows = std::vector<std::vector<std::string>>;

// One test on one server: a database of its own and a session in it.
struct Place {
  PostgresServer& server;
  std::string name;
  std::string url;
  PostgresSession session;
  int version;

  Place(PostgresServer& on, const std::string& database)
      : server(on), name(database), url(on.create_database(database)), session(url), version(std::stoi(session.value("SHOW server_version_num")) / 10000) {}
  void sql(const std::string& text) { session.query(text); }
  SourceOptions options() const { return {.url = url, .pipeline = name}; }
};

void on_each_version(const std::string& database, const std::function<void(Place&)>& test) {
  for (const char* version : {"13", "15", "16", "18"}) {
    PostgresServer* server = shared_server(version);
    if (server == nullptr) continue;
    Place place(*server, database + version);
    INFO("PostgreSQL " << version);
    test(place);
  }
}

void check_refused(const SourceOptions& options, std::string_view code, std::string_view mend) {
  SourceRun run(options);
  const Status opened = run.open();
  REQUIRE_FALSE(opened);
  INFO(opened.error().code() << ": " << opened.error().message());
  CHECK(opened.error().code() == code);
  CHECK(opened.error().kind() == ErrorKind::kFatal);
  CHECK(opened.error().message().find(mend) != std::string::npos);
}

void read_rows(SourceRun& run, std::size_t rows) {
  run.read_until([&] { return run.seen().size() >= rows; }, 20);
  CHECK(run.seen().size() == rows);
}

Rows afters(const SourceRun& run) {
  Rows rows;
  for (const Seen& seen : run.seen()) rows.push_back(seen.after);
  return rows;
}

TEST_CASE("the catalogue adds to the log's columns what it knows of them", "[postgres]") {
  on_each_version("described", [](Place& place) {
    place.sql(R"sql(
      CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
      CREATE DOMAIN price AS numeric(10,2) CHECK (VALUE >= 0);
      CREATE DOMAIN best_price AS price;
      CREATE TABLE described (b int NOT NULL, a bigserial, code varchar(8) DEFAULT 'x' NOT NULL, m mood DEFAULT 'ok', ms mood[], p best_price,
        ps price[], n numeric(6,1)[] DEFAULT '{}', plain text, PRIMARY KEY (code, b)))sql");
    SourceRun run(place.options());
    REQUIRE(run.open());
    place.sql("INSERT INTO described (b, p, ps) VALUES (1, 2.5, '{3.5,4}')");
    read_rows(run, 1);
    const SchemaSpec& spec = run.schema("described");
    const auto& f = spec.fields;
    REQUIRE(f.size() == 9);
    CHECK(f[0] == Field{"b", Value::Type::kInt64, false, "integer", "", "", {}});
    CHECK(f[1] == Field{"a", Value::Type::kInt64, false, "bigint", "", "nextval('described_a_seq'::regclass)", {}});
    CHECK(f[2] == Field{"code", Value::Type::kString, false, "character varying(8)", "", "'x'::character varying", {}});
    CHECK(f[3] == Field{"m", Value::Type::kString, true, "mood", "", "'ok'::mood", {"sad", "ok", "happy"}});
    CHECK(f[4] == Field{"ms", Value::Type::kList, true, "mood[]", "", "", {"sad", "ok", "happy"}});
    CHECK(f[5] == Field{"p", Value::Type::kDecimal, true, "best_price", "numeric(10,2)", "", {}});
    CHECK(f[6] == Field{"ps", Value::Type::kList, true, "price[]", "numeric(10,2)[]", "", {}});
    CHECK(f[7] == Field{"n", Value::Type::kList, true, "numeric(6,1)[]", "", "'{}'::numeric[]", {}});
    CHECK(spec.key == std::vector<std::uint32_t>{2, 0});  // in the order of the primary key
    CHECK(run.seen()[0].key == std::vector<std::string>{"x", "1"});
    CHECK(run.seen()[0].after[5] == "2.50");
    CHECK(run.seen()[0].after[6] == "[3.50 4.00]");
  });
}

TEST_CASE("G16 and G17: key and before image under each replica identity", "[postgres]") {
  on_each_version("identities", [](Place& place) {
    place.sql(R"sql(
      CREATE TABLE d (id int PRIMARY KEY, u int NOT NULL UNIQUE, v text);
      CREATE TABLE f (id int PRIMARY KEY, u int NOT NULL UNIQUE, v text); ALTER TABLE f REPLICA IDENTITY FULL;
      CREATE TABLE i (id int PRIMARY KEY, u int NOT NULL UNIQUE, v text); ALTER TABLE i REPLICA IDENTITY USING INDEX i_u_key;
      CREATE TABLE k (id int, u int, v text); ALTER TABLE k REPLICA IDENTITY FULL)sql");
    SourceRun run(place.options());
    REQUIRE(run.open());
    for (const std::string table : {"d", "f", "i", "k"}) {
      place.sql("INSERT INTO " + table + " VALUES (1, 10, 'a')");
      place.sql("UPDATE " + table + " SET v = 'b' WHERE id = 1");
      place.sql("UPDATE " + table + " SET id = 2, u = 20 WHERE id = 1");
      place.sql("DELETE FROM " + table + " WHERE id = 2");
    }
    read_rows(run, 16);
    using Row = std::vector<std::string>;
    const auto check = [&](std::size_t first, const std::vector<std::uint32_t>& key, const Rows& before, const Rows& keys) {
      for (std::size_t n = 0; n < 4; ++n) {
        INFO("change " << first + n);
        CHECK(run.seen()[first + n].key_slots == key);
        CHECK(run.seen()[first + n].before == before[n]);
        CHECK(run.seen()[first + n].key == keys[n]);
      }
    };
    const std::string u = "<unchanged>";
    check(0, {0}, {{}, {}, Row{"1", u, u}, Row{"2", u, u}}, {{"1"}, {"1"}, {"2"}, {"2"}});
    const Rows whole = {{}, {"1", "10", "a"}, {"1", "10", "b"}, {"2", "20", "b"}};
    check(4, {0}, whole, {{"1"}, {"1"}, {"2"}, {"2"}});
    check(8, {1}, {{}, {}, Row{u, "10", u}, Row{u, "20", u}}, {{"10"}, {"10"}, {"20"}, {"20"}});
    check(12, {}, whole, {{}, {}, {}, {}});
  });
}

TEST_CASE("a table of columns, rows and key of the user's choice", "[postgres]") {
  on_each_version("narrowed", [](Place& place) {
    place.sql(R"sql(
      CREATE TABLE orders (id int PRIMARY KEY, "Total" int, secret text, note text);
      CREATE TABLE full_rows (id int, code text NOT NULL, v int); ALTER TABLE full_rows REPLICA IDENTITY FULL)sql");
    SourceOptions options = place.options();
    options.rules = {{{"public", "orders"}, {"id", "Total"}, "", {}}, {{"public", "full_*"}, {}, "", {"code"}}};
    const bool server_filters = place.version >= 15;
    if (server_filters) {
      options.rules[0].where = "id < 100 -- small ones";
      options.rules[1].where = "v > 0 AND code <> 'none'";
    }
    SourceRun run(options);
    REQUIRE(run.open());
    place.sql("INSERT INTO orders VALUES (1, 5, 'geheim', 'n')");
    if (server_filters) place.sql("INSERT INTO orders VALUES (100, 5, 'geheim', 'n')");
    place.sql("UPDATE orders SET secret = 'x', \"Total\" = 6 WHERE id = 1");
    place.sql("UPDATE orders SET id = 7 WHERE id = 1");
    place.sql("DELETE FROM orders WHERE id = 7");
    read_rows(run, 4);
    CHECK(afters(run) == Rows{{"1", "5"}, {"1", "6"}, {"7", "6"}, {}});
    CHECK(run.seen()[2].before == std::vector<std::string>{"1", "<unchanged>"});
    CHECK(run.seen()[3].before == std::vector<std::string>{"7", "<unchanged>"});
    place.sql("INSERT INTO full_rows VALUES (1, 'a', 1)");
    place.sql("DELETE FROM full_rows");
    read_rows(run, 6);
    CHECK(run.seen()[4].key_slots == std::vector<std::uint32_t>{1});
    CHECK(run.seen()[5].key == std::vector<std::string>{"a"});
    if (!server_filters) return;
    // Rows that enter and leave are inserted and deleted.
    place.sql("INSERT INTO full_rows VALUES (2, 'b', 0)");
    place.sql("UPDATE full_rows SET v = 1");
    place.sql("UPDATE full_rows SET v = 0");
    read_rows(run, 8);
    CHECK(run.seen()[6].op == Op::kInsert);
    CHECK(run.seen()[7].op == Op::kDelete);
  });
}

TEST_CASE("what is changed in the file is changed in the publication of the pipeline's own", "[postgres]") {
  on_each_version("changed", [](Place& place) {
    place.sql("CREATE TABLE a (id int PRIMARY KEY, x int, y int); CREATE TABLE b (id int PRIMARY KEY, x int)");
    SourceOptions options = place.options();
    options.rules = {{{"public", "*"}}};
    Checkpoint through;
    const auto next = [&](const std::string& sql, std::size_t rows) {
      SourceRun run(options);
      REQUIRE(run.open(through));
      place.sql(sql);
      read_rows(run, rows);
      REQUIRE(run.read());
      through = run.through();
      REQUIRE(run.close());
      return afters(run);
    };
    CHECK(next("INSERT INTO a VALUES (1, 1, 1); INSERT INTO b VALUES (1, 1)", 2) == Rows{{"1", "1", "1"}, {"1", "1"}});
    // A new table matches.
    place.sql("CREATE TABLE c (id int PRIMARY KEY)");
    CHECK(next("INSERT INTO c VALUES (5)", 1) == Rows{{"5"}});
    // Fewer columns, and one table less.
    options.rules = {{{"public", "a"}, {"id", "y"}, "", {}}, {{"public", "c"}}};
    CHECK(next("INSERT INTO a VALUES (2, 3, 4); INSERT INTO b VALUES (2, 2)", 1) == Rows{{"2", "4"}});
    CHECK(place.session.value("SELECT string_agg(tablename, ',' ORDER BY 1) FROM pg_publication_tables") == "a,c");
    if (place.version < 15) return;
    // The same again is not changed: the entry stays the row of the catalogue that it was.
    const char* entry = "SELECT oid FROM pg_publication_rel WHERE prrelid = 'a'::regclass";
    const std::string narrowed = place.session.value(entry);
    CHECK(next("INSERT INTO a VALUES (5, 5, 5)", 1) == Rows{{"5", "5"}});
    CHECK(place.session.value(entry) == narrowed);
    options.rules[0] = {{"public", "a"}, {}, "id % 2 = 0", {}};
    CHECK(next("INSERT INTO a VALUES (3, 3, 3), (4, 4, 4)", 1) == Rows{{"4", "4", "4"}});
    const std::string before = place.session.value(entry);
    CHECK(next("INSERT INTO a VALUES (6, 6, 6)", 1) == Rows{{"6", "6", "6"}});
    CHECK(place.session.value(entry) == before);
  });
}

TEST_CASE("partitioned tables come as their root", "[postgres]") {
  on_each_version("rooted", [](Place& place) {
    place.sql(R"sql(
      CREATE TABLE events (id int, day date, v text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
      CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
      CREATE TABLE events_2 (v text, day date NOT NULL, id int NOT NULL, PRIMARY KEY (id, day));
      ALTER TABLE events ATTACH PARTITION events_2 FOR VALUES FROM ('2026-02-01') TO ('2026-03-01'))sql");
    SourceRun run(place.options());
    REQUIRE(run.open());
    place.sql("INSERT INTO events VALUES (1, '2026-01-05', 'a'), (2, '2026-02-05', 'b')");
    place.sql("UPDATE events SET v = 'c' WHERE id = 2");
    place.sql("CREATE TABLE events_3 PARTITION OF events FOR VALUES FROM ('2026-03-01') TO ('2026-04-01')");
    place.sql("INSERT INTO events VALUES (3, '2026-03-05', 'd')");
    place.sql("DELETE FROM events WHERE id = 2");
    read_rows(run, 5);
    for (const Seen& seen : run.seen()) CHECK(seen.table == "events");
    CHECK(run.seen()[1].after == std::vector<std::string>{"2", "2026-02-05", "b"});
    CHECK(run.seen()[4].key == std::vector<std::string>{"2", "2026-02-05"});
    place.sql("ALTER TABLE events REPLICA IDENTITY FULL");
    SourceOptions again = place.options();
    again.pipeline += "_again";
    check_refused(again, "partition_identity_differs", "ALTER TABLE \"public\".\"events_1\" REPLICA IDENTITY FULL;");
    SourceOptions theirs = place.options();
    theirs.pipeline += "_theirs";
    theirs.publication = "theirs";
    place.sql("ALTER TABLE events REPLICA IDENTITY DEFAULT; CREATE PUBLICATION theirs FOR TABLE events");
    check_refused(theirs, "publication_without_root", "publish_via_partition_root = true");
  });
}

TEST_CASE("a table that cannot be read as asked is refused with what mends it", "[postgres]") {
  on_each_version("refused", [](Place& place) {
    place.sql(R"sql(
      CREATE TABLE good (id int PRIMARY KEY, v int, g int GENERATED ALWAYS AS (v + 1) STORED);
      CREATE UNLOGGED TABLE quick (id int PRIMARY KEY);
      CREATE VIEW seen AS SELECT 1 AS id;
      CREATE TABLE nothing (id int PRIMARY KEY); ALTER TABLE nothing REPLICA IDENTITY NOTHING;
      CREATE TABLE keyless (v int))sql");
    const auto refused = [&](const sources::postgres::TableRule& rule, std::string_view code, std::string_view mend) {
      SourceOptions options = place.options();
      options.rules = {rule};
      check_refused(options, code, mend);
    };
    refused({{"public", "quick"}}, "table_not_logged", "ALTER TABLE \"public\".\"quick\" SET LOGGED;");
    refused({{"public", "seen"}}, "not_a_table", "take it out of `tables`");
    refused({{"public", "nothing"}}, "no_replica_identity", "ALTER TABLE \"public\".\"nothing\" REPLICA IDENTITY FULL;");
    refused({{"public", "keyless"}}, "no_replica_identity", "REPLICA IDENTITY FULL;");
    refused({{"public", "absent"}}, "table_missing", "");
    refused({{"public", "good"}, {"id", "w"}}, "column_missing", "\"w\"");
    refused({{"public", "good"}, {"v"}}, "columns_lack_identity", "add it to `columns`");
    refused({{"public", "good"}, {}, "", {"v"}}, "key_not_in_identity", "REPLICA IDENTITY");
    if (place.version < 18) refused({{"public", "good"}, {"id", "g"}}, "column_generated", "PostgreSQL 18");
    if (place.version < 15) return refused({{"public", "good"}, {}, "v > 0", {}}, "where_unsupported", "PostgreSQL 15");
    refused({{"public", "good"}, {}, "v > 0", {}}, "filter_outside_identity", "ALTER TABLE \"public\".\"good\" REPLICA IDENTITY FULL;");
    refused({{"public", "good"}, {}, "id >", {}}, "where_invalid", "syntax error");
    refused({{"public", "good"}, {}, "nope = 1", {}}, "where_invalid", "nope");
    CHECK(place.session.value("SELECT count(*) FROM pg_publication") == "0");
  });
}

TEST_CASE("DDL in the stream gives later rows another schema, also within one transaction", "[postgres]") {
  on_each_version("altered", [](Place& place) {
    place.sql("CREATE TABLE t (id int PRIMARY KEY, a int, b text)");
    SourceRun run(place.options());
    REQUIRE(run.open());
    place.sql(R"sql(BEGIN;
      INSERT INTO t VALUES (1, 1, 'x');
      ALTER TABLE t ADD COLUMN c numeric(5,1) NOT NULL DEFAULT 7;
      INSERT INTO t VALUES (2, 2, 'y', 8);
      ALTER TABLE t DROP COLUMN a;
      ALTER TABLE t RENAME COLUMN b TO z;
      INSERT INTO t VALUES (3, 'z', 9);
      ALTER TABLE t ALTER COLUMN z TYPE bytea USING '\x41';
      INSERT INTO t VALUES (4, '\x42', 10);
      COMMIT)sql");
    read_rows(run, 4);  // the change of a type rewrites the table; the server sends nothing of that
    CHECK(afters(run) == Rows{{"1", "1", "x"}, {"2", "2", "y", "8.0"}, {"3", "z", "9.0"}, {"4", "B", "10.0"}});
    CHECK(run.schema_changes() == 3);
    CHECK(run.schema("t").fields[1] == Field{"z", Value::Type::kBytes, true, "bytea", "", "", {}});
    CHECK(run.schema("t").fields[2] == Field{"c", Value::Type::kDecimal, false, "numeric(5,1)", "", "7", {}});
  });
}

TEST_CASE("old rows are read after later DDL, with the columns they were written with", "[postgres]") {
  on_each_version("replayed", [](Place& place) {
    place.sql(R"sql(
      CREATE TYPE mood AS ENUM ('sad', 'happy');
      CREATE TABLE t (id int PRIMARY KEY, a int NOT NULL, b text, m mood);
      CREATE TABLE gone (id int PRIMARY KEY, v numeric(4,1)))sql");
    Checkpoint from;
    {
      SourceRun run(place.options());
      REQUIRE(run.open());
      place.sql("INSERT INTO t VALUES (0, 0, 'now', 'sad')");
      read_rows(run, 1);
      REQUIRE(run.read());
      from = run.through();
      REQUIRE(run.close());
    }
    place.sql("INSERT INTO t VALUES (1, 10, 'old', 'happy')");
    place.sql("INSERT INTO gone VALUES (1, 2.5)");
    place.sql("ALTER TABLE t DROP COLUMN m; DROP TYPE mood; ALTER TABLE t ALTER COLUMN a TYPE text; ALTER TABLE t ADD COLUMN b2 int NOT NULL DEFAULT 3");
    place.sql("ALTER TABLE t RENAME COLUMN b TO renamed; DROP TABLE gone");
    place.sql("INSERT INTO t VALUES (2, 'eleven', 'new', 4)");
    SourceRun run(place.options());
    REQUIRE(run.open(from));
    read_rows(run, 3);
    CHECK(afters(run) == Rows{{"1", "10", "old", "happy"}, {"1", "2.5"}, {"2", "eleven", "new", "4"}});
    CHECK(run.schema("gone").fields[1].origin_type == "numeric(4,1)");
    CHECK(run.schema("t").fields[3].default_expression == "3");
    CHECK(run.schema_changes() == 1);
  });
}

}  // namespace
}  // namespace sluice::test
