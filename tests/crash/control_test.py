"""kill -9 at every durable step of a pause and of a change of positions: the wish is there whole or not at all, and is brought to its end."""

import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import admin, outputs, testing  # noqa: E402
from support.daemon import Workspace  # noqa: E402

COUNT = 300
PIPELINE = f"""
name: orders
source:
  generator: {{dataset: orders, count: {COUNT}, seed: 5}}
sinks:
  table:
    sqlite: {{path: out.db, table: orders, mode: append}}
  lake:
    file: {{path: lake/, format: json}}
checkpoint: {{every: 20ms}}
"""
ENDLESS = """
name: clicks
source:
  generator: {dataset: clicks, rate: 500/s, seed: 5}
sink:
  sqlite: {path: clicks.db, table: clicks, mode: append}
checkpoint: {every: 20ms}
"""
ONCE = list(range(1, COUNT + 1))


def delivered(work):
    table = [row[0] for row in outputs.rows(work.path / "out.db", "select id from orders order by rowid")]
    lake = [record["id"] for record in outputs.lake_records(work.path / "lake")]
    return table, lake


class Pause(unittest.TestCase):
    def test_killed_while_the_wish_is_written(self):
        for point in ("write", "fsync", "rename", "directory_sync"):
            for side in ("before", "after"):
                with self.subTest(f"{side} {point}"), Workspace() as work:
                    work.write("p.yaml", ENDLESS)
                    daemon = work.start("p.yaml", fault_point=f"desired_state.{side}_{point}:1")
                    with self.assertRaises(OSError):
                        admin.post(daemon, "/api/v1/pipelines/clicks/pause")
                    daemon.wait_exit(-9)
                    daemon = work.launch("p.yaml")
                    renamed = point == "directory_sync" or (point, side) == ("rename", "after")
                    admin.until_state(daemon, "clicks", "paused" if renamed else "running")
                    self.assertEqual(202, admin.post(daemon, "/api/v1/pipelines/clicks/resume")[0])
                    admin.until_state(daemon, "clicks", "running")
                    daemon.terminate(expect=0)
                    ids = [row[0] for row in outputs.rows(work.path / "clicks.db", "select id from clicks order by rowid")]
                    self.assertEqual(list(range(1, len(ids) + 1)), ids)


class Resync(unittest.TestCase):
    def resync(self, work, **environment):
        return work.command("resync", "orders", "--data-dir", work.data, "--config", "p.yaml", "--yes", environment=environment)

    def test_killed_at_every_step(self):
        with Workspace() as work:
            work.write("p.yaml", PIPELINE)
            work.run_to_end("p.yaml")
            environment, passed = work.traced()
            self.assertEqual(0, self.resync(work, **environment).returncode)
            points = sorted(passed())
            self.assertGreater(len([point for point in points if point.startswith("position_change.")]), 8, points)
            self.assertTrue(any(point.startswith("checkpoint_store.") for point in points), points)
        # What the sinks do inside of a commit has tests of its own.
        for point in [point for point in points if not point.startswith("file_sink_manifest.") and "seal" not in point]:
            with self.subTest(point), Workspace() as work:
                work.write("p.yaml", PIPELINE)
                work.run_to_end("p.yaml")
                killed = self.resync(work, SLUICE_FAULT_POINT=f"{point}:1")
                self.assertEqual(-9, killed.returncode, killed.stderr)
                work.run_to_end("p.yaml")
                table, lake = delivered(work)
                self.assertIn(table, (ONCE, ONCE + ONCE), "from the beginning, or as if nothing had been asked")
                self.assertEqual(table, lake, "both sinks alike")
                shown = json.loads(work.command("positions", "show", "orders", "--data-dir", work.data, "--json").stdout)
                self.assertEqual(2, len(shown["sinks"]))
                self.assertFalse((work.data / "orders" / "position_change").exists(), "nothing is left to be done")


if __name__ == "__main__":
    testing.main()
