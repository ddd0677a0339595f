"""Tables that are made while the pipeline runs and is written to, with kill -9 of the daemon at every durable step and at random: their rows
are read and merged with the stream without a gap (G13, G15), and the tables that were there go on meanwhile.

Each row carries a version that every change raises.  Copies are equal to the tables, and in the order of a file sink versions only rise.
Transactions that began to write to a table before it was published, and end after it, are part of the load.
"""

import pathlib
import random
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import outputs, testing  # noqa: E402
from support.daemon import Workspace  # noqa: E402
from support.postgres import Postgres  # noqa: E402

PIPELINE = """
name: shop
source:
  postgres_cdc:
    url: "%(url)s"
    tables: ["public.t*"]
    heartbeat: 200ms
    snapshot_chunk_rows: 100
sinks:
  copy:
    sqlite: {path: copy.db, table: "${meta.table}", mode: upsert}
  lake:
    file: {path: lake/, format: json, rotate: {size: 1MiB}}
checkpoint: {every: 30ms, records: 200}
retry: {initial: 20ms, max: 200ms}
"""
POINTS = ("postgres_cdc.before_table_published", "postgres_cdc.after_table_published", "postgres_cdc_publication.before_fsync",
          "postgres_cdc_publication.after_rename", "postgres_snapshot.before_chunk_end", "postgres_snapshot.after_rename",
          "postgres_snapshot.after_chunk_end", "lane.before_commit", "postgres_snapshot.before_table_end", "postgres_snapshot.after_table_end")


class Writer(threading.Thread):
    """Changes rows of all tables there are, often in transactions that stay open for a while."""

    def __init__(self, session, number, seed, tables):
        super().__init__(daemon=True)
        self.session, self.number, self.chance, self.tables = session, number, random.Random(seed), tables
        self.stop = threading.Event()
        self.error = None

    def run(self):
        try:
            while not self.stop.wait(0.005):
                self.session.execute("begin;")
                for _ in range(self.chance.choice((1, 2, 5))):
                    self.session.execute(self.change())
                    if self.chance.random() < 0.1:
                        self.stop.wait(self.chance.uniform(0, 0.3))
                self.session.execute("commit;")
        except Exception as error:  # noqa: BLE001 - shown by the test
            self.error = error
        finally:
            self.session.close()

    def change(self):
        # Two writers never change the same row, so that a transaction never waits for another, or fails.
        table, identity = self.chance.choice(self.tables), self.chance.randrange(1, 400) * 2 + self.number
        kind = self.chance.random()
        if kind < 0.5:
            return f"update {table} set version = nextval('versions') where id = {identity};"
        if kind < 0.85:
            return f"insert into {table} values ({identity}, nextval('versions')) on conflict do nothing;"
        return f"delete from {table} where id = {identity};"


class NewTables(unittest.TestCase):
    maxDiff = 2000

    def test_at_fault_points(self):
        with Postgres() as server, Workspace() as work:
            writers = self.prepare(server, work)
            died = []
            for point in POINTS:
                daemon = work.launch("p.yaml", fault_point=f"{point}:1")
                self.make_table(server)
                deadline = time.monotonic() + 4
                while daemon.poll() is None and time.monotonic() < deadline:
                    time.sleep(0.01)
                if daemon.poll() is None:
                    daemon.kill()
                    continue
                self.assertEqual(-9, daemon.returncode, daemon.log_tail())
                died.append(point)
            print(f"died at {died}")
            self.assertTrue({"postgres_cdc.before_table_published", "postgres_cdc.after_table_published"} & set(died), died)
            self.assertGreater(len(died), 5, died)
            self.finish(server, work, writers)

    def test_kill_minus_nine_at_random(self):
        seed = testing.seed()
        print(f"seed {seed}")
        chance = random.Random(seed)
        with Postgres() as server, Workspace() as work:
            writers = self.prepare(server, work)
            for _ in range(testing.kills(8)):
                daemon = work.launch("p.yaml")
                daemon.wait_ready()
                self.make_table(server)
                time.sleep(chance.uniform(0.1, 1.2))
                self.assertIsNone(daemon.poll(), daemon.log_tail())
                daemon.kill()
            self.finish(server, work, writers)

    def test_without_a_crash(self):
        with Postgres() as server, Workspace() as work:
            writers = self.prepare(server, work)
            daemon = work.start("p.yaml")
            for _ in range(4):
                self.make_table(server)
                # The others go on meanwhile.
                server.sql(f"insert into told values ({len(self.tables)}, 1);")
                testing.wait_for(lambda: [len(self.tables)] in self.copy(work, "told", "id"), 20, lambda: daemon.log_tail())
            self.check(server, work, daemon, writers, exact=True)

    # ---- steps -----------------------------------------------------------------------------------------------------
    def prepare(self, server, work):
        seed = testing.seed()
        server.sql("create sequence versions; create table told (id int primary key, version bigint);")
        self.tables = []
        self.make_table(server)
        work.write("p.yaml", PIPELINE % {"url": server.url})
        writers = [Writer(server.session(), number, seed + number, self.tables) for number in range(3)]
        for writer in writers:
            writer.start()
        return writers

    def make_table(self, server):
        table = f"t{len(self.tables)}"
        server.sql(f"create table {table} (id int primary key, version bigint not null);"
                   f"insert into {table} select i, nextval('versions') from generate_series(1, 300) i;")
        self.tables.append(table)

    def finish(self, server, work, writers):
        self.check(server, work, work.start("p.yaml"), writers, exact=False)

    def check(self, server, work, daemon, writers, exact):
        for writer in writers:
            writer.stop.set()
            writer.join(30)
            self.assertIsNone(writer.error)
        for table in self.tables:
            expected = self.numbers(server.sql(f"select id, version from {table};"))
            testing.wait_for(lambda t=table, e=expected: self.copy(work, t, "id, version") == e, 40,
                             lambda t=table, e=expected: f"{t}: {self.difference(e, self.copy(work, t, 'id, version'))}\n{daemon.log_tail()}")
        stored = sum(value for series, value in daemon.metrics().items() if series[0] == "sluice_dead_letters_stored")
        self.assertEqual(0, stored, "dead letters")
        self.assertEqual(0, daemon.terminate(), daemon.log_tail())
        self.check_lake(work, exact)

    def difference(self, expected, copy):
        return {"lost": [row for row in expected if row not in copy][:5], "strange": [row for row in copy if row not in expected][:5]}

    def numbers(self, rows):
        return sorted([int(value) for value in row] for row in rows)

    def copy(self, work, table, columns):
        try:
            return self.numbers(outputs.rows(work.path / "copy.db", f"select {columns} from {table}"))
        except Exception:  # noqa: BLE001 - no table yet
            return []

    def check_lake(self, work, exact):
        newest = {}
        for record in outputs.lake_records(work.path / "lake"):
            table, op = record["_meta"]["table"], record["_meta"]["op"]
            if op == "delete" or table == "told":
                continue
            key = table, record["id"]
            version, before = record["version"], newest.get(key, 0)
            # A row that was inserted beside its snapshot may be read as well.
            self.assertGreaterEqual(version, before, f"{key} ({op})")
            if exact and op != "read":
                self.assertGreater(version, before, f"{key} ({op})")
            newest[key] = version


if __name__ == "__main__":
    testing.main()
