"""Snapshots of PostgreSQL tables under write load, with kill -9 of the daemon at every durable step and at random: G13, G14, G15.

Tables and copy are equal.  In the order of a file sink no read row comes after a newer change of its key, nor before an older one: every
row carries a version that each change raises.
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

ROWS = 3000
TABLES = """
create sequence versions start 10;
create table items (id bigint primary key, version int not null, note text, big text);
alter table items alter column big set storage external;
create table pairs (name text collate "und-x-icu" not null, part int not null, version int not null, primary key (name, part));
create table notes (body text, version int not null);
alter table notes replica identity full;
create table nothing (id int primary key);
create table one (id int primary key, version int not null);
insert into items select i * 10, 1, 'n' || i, case when i % 3 = 0 then repeat('x', 3000) || i end from generate_series(1, %(rows)d) i;
insert into pairs select chr(65 + i %% 26) || chr(97 + i %% 7) || i / 50, i %% 50, 1 from generate_series(1, %(rows)d) i on conflict do nothing;
insert into notes select 'body ' || i, 1 from generate_series(1, 500) i;
insert into one values (1, 1);
""".replace("i % 3", "i %% 3")
PIPELINE = """
name: shop
source:
  postgres_cdc:
    url: "%(url)s"
    tables: [public.items, public.pairs, public.notes, public.nothing, public.one]
    heartbeat: 1s
    snapshot_workers: %(workers)d
    snapshot_chunk_rows: 250
sinks:
  copy:
    when: meta.table != "notes"
    sqlite: {path: copy.db, table: "${meta.table}", mode: upsert}
  lake:
    file: {path: lake/, format: json, rotate: {size: 1MiB}}
unmatched: drop
checkpoint: {every: 30ms, records: 200}
retry: {initial: 20ms, max: 200ms}
"""
COPIED = {"items": "id, version, note, big", "pairs": "name, part, version", "one": "id, version"}


class Writer(threading.Thread):
    """Changes, moves and removes rows; every change of a row raises its version."""

    def __init__(self, session, number, seed):
        super().__init__(daemon=True)
        self.session, self.number, self.chance = session, number, random.Random(seed)
        self.stop = threading.Event()
        self.transactions = 0
        self.error = None

    def run(self):
        try:
            while not self.stop.wait(0.003):  # some 200 transactions a second: what a debug build keeps up with
                self.session.execute("\n".join(["begin;", *[self.change() for _ in range(self.chance.choice((1, 1, 3, 20)))], "commit;"]))
                self.transactions += 1
        except Exception as error:  # noqa: BLE001 - shown by the test
            self.error = error
        finally:
            self.session.close()

    def change(self):
        # Two writers never change the same row, so that a transaction never waits for another, or fails.
        identity = self.chance.randrange(1, ROWS + 1) * 20 + self.number * 10
        kind = self.chance.random()
        if kind < 0.55:
            return f"update items set version = nextval('versions'), note = 'u' where id = {identity};"
        if kind < 0.65:
            return f"insert into items values ({identity}, nextval('versions'), 'new', repeat('y', 3000)) on conflict do nothing;"
        if kind < 0.72:
            return f"delete from items where id = {identity};"
        if kind < 0.80:  # a new key, mostly far off: into what was read already, or from it (G17)
            free = self.chance.randrange(1, ROWS + 1) * 20 + self.number * 10 + self.chance.randrange(1, 9)
            return (f"update items set id = {free}, version = nextval('versions') where id = {identity} "
                    f"and not exists (select from items where id = {free});")
        if kind < 0.95:
            part = self.chance.randrange(25) * 2 + self.number
            return f"update pairs set version = nextval('versions') where part = {part} and name < '{self.chance.choice('ABCaz')}c1';"
        return f"insert into notes values ('more {self.number}', {self.transactions});"


class Snapshots(unittest.TestCase):
    maxDiff = 2000

    def test_kill_minus_nine_at_random(self):
        seed = testing.seed()
        print(f"seed {seed}")
        chance = random.Random(seed)
        with Postgres() as server, Workspace() as work:
            writers = self.prepare(server, work, chance.choice((1, 3)), seed)
            for _ in range(testing.kills(12)):
                daemon = work.launch("p.yaml")
                if chance.random() < 0.7:
                    daemon.wait_ready()
                time.sleep(chance.uniform(0, 0.4))
                self.assertIsNone(daemon.poll(), daemon.log_tail())
                daemon.kill()
            self.finish(server, work, writers)

    def test_at_fault_points(self):
        with Postgres() as server, Workspace() as work:
            writers = self.prepare(server, work, 1, testing.seed())
            died = []
            for point, passages in (("postgres_cdc.before_slot_creation", (1,)), ("postgres_cdc.before_snapshot_export", (1,)),
                                    ("postgres_snapshot.before_chunk_end", (1, 4)), ("postgres_snapshot.before_fsync", (2,)),
                                    ("postgres_snapshot.after_rename", (3,)), ("postgres_snapshot.after_chunk_end", (2,)),
                                    ("lane.before_commit", (2, 5)), ("lane.after_commit", (2,)),
                                    ("postgres_snapshot.before_table_end", (1,)), ("postgres_snapshot.after_table_end", (1,))):
                for passage in passages:
                    daemon = work.launch("p.yaml", fault_point=f"{point}:{passage}")
                    deadline = time.monotonic() + 2
                    while daemon.poll() is None and time.monotonic() < deadline:
                        time.sleep(0.01)
                    if daemon.poll() is None:
                        daemon.kill()
                        continue
                    self.assertEqual(-9, daemon.returncode, daemon.log_tail())
                    died.append(f"{point}:{passage}")
            self.finish(server, work, writers)
            print(f"died at {died}")
            self.assertTrue(any(point.startswith("postgres_snapshot") for point in died))

    def test_without_a_crash(self):
        for workers in (1, 3):
            with self.subTest(workers=workers), Postgres() as server, Workspace() as work:
                self.finish(server, work, self.prepare(server, work, workers, testing.seed()), exact=True)

    # ---- steps -----------------------------------------------------------------------------------------------------
    def prepare(self, server, work, workers, seed):
        server.sql(TABLES % {"rows": ROWS})
        work.write("p.yaml", PIPELINE % {"url": server.url, "workers": workers})
        writers = [Writer(server.session(), number, seed + number) for number in range(2)]
        for writer in writers:
            writer.start()
        return writers

    def finish(self, server, work, writers, exact=False):
        daemon = work.start("p.yaml")
        testing.wait_for(lambda: self.is_complete(daemon), 60, lambda: f"the end of the snapshot\n{daemon.log_tail()}")
        for writer in writers:
            writer.stop.set()
            writer.join(30)
            self.assertIsNone(writer.error)
        server.sql("insert into one values (2, 1);")
        testing.wait_for(lambda: self.copied(work, "one", "id") == ["1", "2"], 60, f"the last row\n{daemon.log_tail()}")
        stored = sum(value for series, value in daemon.metrics().items() if series[0] == "sluice_dead_letters_stored")
        self.assertEqual(0, stored, "dead letters")
        self.assertEqual(0, daemon.terminate(), daemon.log_tail())
        for table, columns in COPIED.items():
            expected = sorted(server.sql(f"select {columns} from {table};"))
            copy = sorted(self.copy(work, table, columns))
            lost, strange = [row[:3] for row in expected if row not in copy], [row[:3] for row in copy if row not in expected]
            self.assertEqual(([], []), (lost[:5], strange[:5]), f"{table}: {len(lost)} rows lost, {len(strange)} rows too many")
        self.check_lake(server, work, exact)

    def is_complete(self, daemon):
        self.assertIsNone(daemon.poll(), daemon.log_tail())
        return any(value == 1 for series, value in daemon.metrics().items() if series[0] == "sluice_snapshot_progress_ratio")

    def copy(self, work, table, columns):
        return [["" if value is None else str(value) for value in row] for row in outputs.rows(work.path / "copy.db", f"select {columns} from {table}")]

    def copied(self, work, table, column):
        try:
            return sorted(row[0] for row in self.copy(work, table, column))
        except Exception:  # noqa: BLE001 - no table yet
            return []

    def check_lake(self, server, work, exact):
        """Each key's versions only rise, read rows in their place among the changes."""
        state = {"items": {}, "pairs": {}, "one": {}}
        newest = {}
        notes = 0
        for record in outputs.lake_records(work.path / "lake"):
            table, op = record["_meta"]["table"], record["_meta"]["op"]
            if table == "notes":
                notes += 1
                continue
            columns = ("name", "part") if table == "pairs" else ("id",)
            key = tuple(record[column] for column in columns)
            if op == "delete":
                state[table].pop(key, None)
                continue
            version, before = record.get("version"), newest.get((table, key), 0)
            # After a crash a row may be read that an insert has brought already.
            self.assertTrue(version > before or (version == before and not exact), f"{table} {key}: version {version} ({op}) after {before}")
            newest[table, key] = version
            state[table].setdefault(key, {}).update({name: value for name, value in record.items() if name != "_meta"})
        self.assertEqual(len(server.sql("select * from pairs;")), len(state["pairs"]))
        if exact:
            self.assertEqual(len(server.sql("select * from notes;")), notes)


if __name__ == "__main__":
    testing.main()
