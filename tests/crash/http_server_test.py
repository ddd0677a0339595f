"""kill -9 of the daemon while clients post: what was answered 200 is in every sink (G2, G4, G5, G8, G12, G26)."""

import json
import pathlib
import random
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import http_load, outputs, testing  # noqa: E402
from support.daemon import Workspace, balance  # noqa: E402

PIPELINE = """
name: web
source:
  http_server: {listen: "127.0.0.1:%(port)d", path: /events, format: json}
sinks:
  table:
    sqlite: {path: out.db, table: events}
  lake:
    file: {path: lake/, format: json, rotate: {size: 64KiB}}
"""


def sinks_hold(work):
    lake = [record["id"] for record in outputs.lake_records(work.path / "lake")]
    table = [n for (n,) in outputs.rows(work.path / "out.db", "select id from events")]
    return {"lake": lake, "table": table}


class KillMinusNine(unittest.TestCase):
    def test_what_was_answered_is_in_every_sink(self):
        seed = testing.seed()
        print(f"seed {seed}")
        chance = random.Random(seed)
        port = http_load.free_port()
        with Workspace() as work:
            work.write("p.yaml", PIPELINE % {"port": port})
            load = http_load.Load(port, clients=50, records=3).start()
            try:
                for _ in range(max(4, testing.kills(12) // 3)):
                    daemon = work.start("p.yaml")
                    before = len(load.answered)
                    testing.wait_for(lambda: len(load.answered) > before + 150, 30, f"answers\n{daemon.log_tail()}")
                    deadline = time.monotonic() + chance.uniform(0, 0.3)
                    testing.wait_for(lambda: time.monotonic() >= deadline, 5, "the moment to kill")
                    daemon.kill()
                daemon = work.start("p.yaml")
                before = len(load.answered)
                testing.wait_for(lambda: len(load.answered) > before + 150, 30, "answers of the last daemon")
            finally:
                load.stop()
            for lane in daemon.books("web").values():
                self.assertEqual(0, balance(lane), lane)
            committed = testing.wait_for(lambda: daemon.pipeline("web")["sinks"], 5, "positions")
            # Old boots are retired and forgotten (G4): of each sink's positions one or two are left, not one per start.
            for sink in committed:
                self.assertLessEqual(len(sink["committed"]), 2, sink)
            daemon.terminate()
            for name, seen in sinks_hold(work).items():
                lost = set(load.answered) - set(seen)
                self.assertEqual(set(), lost, f"{name} lacks what was answered 200")
            print(f"{len(load.answered)} records answered, statuses {load.statuses}")

    def test_at_durable_steps_of_the_sinks(self):
        for point in ("lane.before_commit", "lane.after_commit", "file_sink.before_manifest", "checkpoint_store.after_rename"):
            with self.subTest(point), Workspace() as work:
                port = http_load.free_port()
                work.write("p.yaml", PIPELINE % {"port": port})
                load = http_load.Load(port, clients=8, records=2).start()
                try:
                    daemon = work.launch("p.yaml", fault_point=f"{point}:9")
                    testing.wait_for(lambda: daemon.poll() is not None, 60, f"death at {point}")
                    self.assertEqual(-9, daemon.returncode, daemon.log_tail())
                    daemon = work.start("p.yaml")
                    before = len(load.answered)
                    testing.wait_for(lambda: len(load.answered) > before + 20, 30, "answers after the crash")
                finally:
                    load.stop()
                daemon.terminate()
                for name, seen in sinks_hold(work).items():
                    self.assertEqual(set(), set(load.answered) - set(seen), f"{name} lacks what was answered 200")


class Stopping(unittest.TestCase):
    def test_a_graceful_stop_answers_everybody_and_loses_nothing(self):
        port = http_load.free_port()
        with Workspace() as work:
            work.write("p.yaml", PIPELINE % {"port": port})
            daemon = work.start("p.yaml")
            load = http_load.Load(port, clients=30).start()
            try:
                testing.wait_for(lambda: len(load.answered) > 300, 30, "answers")
                daemon.terminate()
            finally:
                load.stop()
            self.assertLessEqual(set(load.statuses), {0, 200, 503}, load.statuses)
            for name, seen in sinks_hold(work).items():
                self.assertEqual(set(), set(load.answered) - set(seen), name)
                self.assertEqual(len(seen), len(set(seen)), f"{name} has records twice although nobody sent one twice")


if __name__ == "__main__":
    testing.main()
