"""Transactions that the server streams while they still run (logical_decoding_work_mem = 64kB): kill -9, a full disk, far more than memory.

G1, G3, G5, G9 and T1-T4 of sources/postgres_cdc/streamed_transactions.h.
"""

import os
import pathlib
import random
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import outputs, small_disk, testing  # noqa: E402
from support.daemon import Workspace  # noqa: E402
from support.postgres import Postgres  # noqa: E402

MIB = 1024 * 1024
TABLES = "create table ops (op bigint primary key, writer int not null, text text);"
SETTINGS = "alter system set logical_decoding_work_mem = '64kB'; select pg_reload_conf();"
PIPELINE = """
name: large
source:
  postgres_cdc: {url: "%s", tables: [public.ops], snapshot: never, heartbeat: 1s}
sink:
  %s
checkpoint: {every: 100ms}
retry: {initial: 20ms, max: 200ms}
"""
KILL_WALSENDERS = "select pg_terminate_backend(active_pid) from pg_replication_slots where active;"
STREAMED = "select coalesce(sum(stream_txns), 0) from pg_stat_replication_slots"
LARGE_MIB = 5 * 1024 if testing.is_long() else 200
RSS_LIMIT = 256 * MIB


class Writer(threading.Thread):
    """Transactions of hundreds to thousands of numbered rows, each with savepoints, some rolled back."""

    def __init__(self, session, number, seed, transactions):
        super().__init__(daemon=True)
        self.session, self.chance, self.number, self.transactions = session, random.Random(seed), number, transactions
        self.next_op = number * 10_000_000
        self.error = None

    def run(self):
        try:
            for _ in range(self.transactions):
                self.transaction()
        except Exception as error:  # noqa: BLE001 - shown by the test
            self.error = error
        finally:
            self.session.close()

    def transaction(self):
        self.session.execute("begin;\n" + self.rows())
        for _ in range(self.chance.randrange(4)):
            end = self.chance.choice(("rollback to s", "release s"))
            self.session.execute(f"savepoint s;\n{self.rows()}\nsavepoint t;\n{self.rows()}\nrollback to t;\n{self.rows()}\n{end};")
        self.session.execute(self.rows() + self.chance.choice(("commit;", "commit;", "commit;", "rollback;")))

    def rows(self):
        first, count = self.next_op, self.chance.choice((1, 50, 800))
        self.next_op += count
        return f"insert into ops select i, {self.number}, repeat('x', i % 200) from generate_series({first}, {first + count - 1}) i;"


def start_slot(server, work):
    """The first start makes publication and slot; the load begins after it (no snapshot)."""
    server.sql(TABLES + SETTINGS)
    daemon = work.start("p.yaml")
    testing.wait_for(lambda: server.sql("select 1 from pg_replication_slots where confirmed_flush_lsn is not null"), 20, "the slot")
    return daemon


def delivered(daemon):
    return sum(lane["out"] for lane in daemon.books("large").values())


class Streaming(unittest.TestCase):
    def test_kill_minus_nine_amid_running_transactions(self):
        seed = testing.seed()
        print(f"seed {seed}")
        chance = random.Random(seed)
        with Postgres() as server, Workspace() as work:
            work.write("p.yaml", PIPELINE % (server.url, "sqlite: {path: out.db, table: changes, mode: append}"))
            start_slot(server, work).kill()
            kills = min(testing.kills(), 30)
            writers = [Writer(server.session(), number, seed + number, 6 * kills) for number in range(3)]
            for writer in writers:
                writer.start()
            for _ in range(kills):
                daemon = work.launch("p.yaml")
                deadline = time.monotonic() + chance.uniform(0.05, 0.8)
                while time.monotonic() < deadline:
                    if chance.random() < 0.1:
                        server.sql(KILL_WALSENDERS)
                    time.sleep(0.02)
                self.assertIsNone(daemon.poll(), daemon.log_tail())
                daemon.kill()
            for writer in writers:
                writer.join(120)
                self.assertIsNone(writer.error)
            ops = [(int(op), int(writer)) for op, writer in server.sql("select op, writer from ops order by op")]
            daemon = work.start("p.yaml")
            seen = "select op, writer from changes order by rowid"
            testing.wait_for(lambda: len(outputs.rows(work.path / "out.db", seen)) >= len(ops), 120, f"{len(ops)} changes")
            self.assertGreater(int(server.sql(STREAMED)[0][0]), 0, "nothing was streamed: the test tests nothing")
            daemon.terminate()
            seen = outputs.rows(work.path / "out.db", seen)
            print(f"{kills} kills, {len(ops)} rows of committed transactions")
            outputs.check_exactly_once(sorted(seen), ops, "append sink")
            for number in range(3):
                order = [op for op, who in seen if who == number]
                outputs.check_exactly_once(order, sorted(order), f"order of writer {number}")
            self.assertEqual([], list((work.data / "large" / "spool").rglob("*.changes")))

    def test_full_disk(self):
        """T4: no room for the spool: the error says so, and the transaction is read once it has committed."""
        with Postgres() as server, Workspace() as work, small_disk.SmallDisk("4m") as disk:
            work.data = disk.path / "data"
            work.write("p.yaml", PIPELINE % (server.url, f"sqlite: {{path: {work.path}/out.db, table: changes, mode: append}}"))
            daemon = start_slot(server, work)
            server.sql("insert into ops select i, 0, repeat('x', 1000) from generate_series(1, 45000) i;")
            testing.wait_for(lambda: outputs.rows(work.path / "out.db", "select count(*) from changes") == [(45000,)], 120, "all rows")
            self.assertIn("disk_full", daemon.log(), "the disk was not filled: the test tests nothing")
            self.assertEqual([], list((work.data / "large" / "spool").rglob("*.changes")))
            daemon.terminate()

    def test_far_more_than_memory(self):
        """One transaction of LARGE_MIB while the others go on: within RSS_LIMIT."""
        if "tsan" in os.environ.get("SLUICE_BINARY", "") or "asan" in os.environ.get("SLUICE_BINARY", ""):
            self.skipTest("a sanitizer's own memory would be measured")
        with Postgres() as server, Workspace() as work:
            work.write("p.yaml", PIPELINE % (server.url, "discard: {}"))
            daemon = start_slot(server, work)
            large = server.session()
            large.execute("begin;")
            for part in range(0, LARGE_MIB, 50):
                large.execute(f"insert into ops select i, 0, repeat('x', 1000) from generate_series({part * 1000 + 1}, {(part + 50) * 1000}) i;")
                server.sql(f"insert into ops values ({-part - 1}, 1, 'small');")
            small = -(-LARGE_MIB // 50)
            testing.wait_for(lambda: delivered(daemon) == small, 600, "the small transactions, while the large one runs")
            spooled = sum(path.stat().st_size for path in (work.data / "large" / "spool").rglob("*.changes"))
            self.assertGreater(spooled, (LARGE_MIB - 50) * MIB * 0.9, "it was not streamed while it ran")
            large.execute("commit;")
            large.close()
            rows = small * 50_000 + small
            testing.wait_for(lambda: delivered(daemon) == rows, 600, "the large transaction")
            print(f"{rows * 1000 / MIB:.0f} MiB in one transaction, peak RSS {daemon.peak_rss() / MIB:.0f} MiB")
            self.assertLess(daemon.peak_rss(), RSS_LIMIT)
            self.assertEqual([], list((work.data / "large" / "spool").rglob("*.changes")))
            daemon.terminate()


if __name__ == "__main__":
    small_disk.enter_namespace_if_needed()
    testing.main()
