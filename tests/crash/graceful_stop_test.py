"""SIGTERM under load: the daemon ends in time with 0, and the next start goes on without loss or repetition."""

import pathlib
import random
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import outputs, testing  # noqa: E402
from support.daemon import Workspace  # noqa: E402

PIPELINE = """
name: orders
source:
  generator: {dataset: orders, count: %d, rate: %d/s, seed: 7}
sinks:
  lake:
    file: {path: lake/, format: json}
  table:
    sqlite: {path: out.db, table: orders}
checkpoint: {every: 100ms}
"""
COUNT = 40000


class GracefulStop(unittest.TestCase):
    def test_stops_in_time_and_goes_on(self):
        chance = random.Random(testing.seed())
        with Workspace() as work:
            work.write("p.yaml", PIPELINE % (COUNT, 20000))
            for _ in range(4):
                daemon = work.start("p.yaml", arguments=("--until-done",))
                time.sleep(chance.uniform(0.05, 0.4))
                started = time.monotonic()
                daemon.terminate(expect=0)
                self.assertLess(time.monotonic() - started, 5, "the default deadline is 30 s; an unhindered stop takes a moment")
                # A reader meets whole files only, also between two runs (G22).
                lake = [record["id"] for record in outputs.lake_records(work.path / "lake")]
                table = [row[0] for row in outputs.rows(work.path / "out.db", "select id from orders order by rowid")]
                self.assertEqual(len(set(lake)), len(lake))
                self.assertEqual(table, lake, "what was read when the stop came reaches every sink")
                self.assertLess(0, len(lake))
            work.run_to_end("p.yaml")
            ids = [record["id"] for record in outputs.lake_records(work.path / "lake")]
            self.assertEqual(COUNT, len(ids))
            self.assertEqual(COUNT, len(set(ids)))
            outputs.check_exactly_once([row[0] for row in outputs.rows(work.path / "out.db", "select id from orders order by rowid")], ids,
                                       "sqlite next to the lake")

    def test_same_seed_same_records_with_and_without_stops(self):
        with Workspace() as stopped, Workspace() as straight:
            for work in (stopped, straight):
                work.write("p.yaml", PIPELINE % (5000, 10000))
            daemon = stopped.start("p.yaml", arguments=("--until-done",))
            time.sleep(0.1)
            daemon.terminate(expect=0)
            stopped.run_to_end("p.yaml")
            straight.run_to_end("p.yaml")
            without_meta = [[{k: v for k, v in record.items() if k != "_meta"} for record in outputs.lake_records(work.path / "lake")]
                            for work in (stopped, straight)]
            self.assertEqual(without_meta[1], without_meta[0])


if __name__ == "__main__":
    testing.main()
