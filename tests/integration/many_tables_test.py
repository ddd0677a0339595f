"""Ten thousand tables: how long the pipeline takes to start, to read them and to notice one more, and how much memory it has for them.

Only with SLUICE_TEST_LONG=1; SLUICE_TEST_TABLES says how many (10,000).
"""

import os
import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import testing  # noqa: E402
from support.daemon import Workspace  # noqa: E402
from support.postgres import Postgres  # noqa: E402

MIB = 1024 * 1024
TABLES = int(os.environ.get("SLUICE_TEST_TABLES", 10_000))
MEMORY = 256  # MiB
PIPELINE = """
name: many
source:
  postgres_cdc: {url: "%s", tables: ["public.t*"], heartbeat: 1s}
sink:
  file: {path: lake/, format: json}
"""


@unittest.skipUnless(testing.is_long() or "SLUICE_TEST_TABLES" in os.environ, "takes minutes (SLUICE_TEST_LONG=1)")
class ManyTables(unittest.TestCase):
    def test_start_snapshot_and_restart(self):
        with Postgres() as server, Workspace() as work:
            for first in range(0, TABLES, 500):  # each statement holds its locks to its end
                server.sql("".join(f"create table t{n} (id int primary key, name text); insert into t{n} values (1, 'a');"
                                   for n in range(first, min(TABLES, first + 500))))
            work.write("p.yaml", PIPELINE % server.url)
            began = time.monotonic()
            daemon = work.start("p.yaml")
            slot = "select 1 from pg_replication_slots where slot_name = 'sluice_many' and active"
            testing.wait_for(lambda: daemon.poll() is None and server.sql(slot), 300, daemon.log_tail)
            streaming = time.monotonic() - began
            testing.wait_for(lambda: self.progress(daemon) == 1, 1800, daemon.log_tail)
            read = time.monotonic() - began
            testing.wait_for(lambda: self.out(daemon) == TABLES, 60, lambda: f"{self.out(daemon)} rows\n{daemon.log_tail()}")
            testing.wait_for(lambda: server.sql(f"update t{TABLES // 2} set name = 'b' returning 1;") and self.out(daemon) > TABLES, 60, "a change")
            began = time.monotonic()
            server.sql("create table tnew (id int primary key, name text); insert into tnew values (1, 'a');")
            testing.wait_for(lambda: server.sql("select 1 from pg_publication_tables where tablename = 'tnew'"), 120, daemon.log_tail)
            joined = time.monotonic() - began
            peak = daemon.peak_rss()
            self.assertEqual(0, daemon.terminate(), daemon.log_tail())
            began = time.monotonic()
            daemon = work.start("p.yaml")
            testing.wait_for(lambda: daemon.poll() is None and server.sql(slot), 300, daemon.log_tail)
            again = time.monotonic() - began
            print(f"{TABLES} tables: streaming after {streaming:.1f} s, all read after {read:.1f} s, one more published after {joined:.1f} s, "
                  f"started again in {again:.1f} s; peak {peak / MIB:.0f} MiB")
            self.assertLess(peak, MEMORY * MIB)
            self.assertEqual(0, daemon.terminate(), daemon.log_tail())

    def progress(self, daemon):
        self.assertIsNone(daemon.poll(), daemon.log_tail())
        return next((value for series, value in daemon.metrics().items() if series[0] == "sluice_snapshot_progress_ratio"), 0)

    def out(self, daemon):
        return sum(lane["out"] for lane in daemon.books("many").values())


if __name__ == "__main__":
    testing.main()
