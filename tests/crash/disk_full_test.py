"""No room for a sink, for the checkpoint store, for the dead letters: a clear error, nothing lost, and on it goes once there is room."""

import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import outputs, small_disk, testing  # noqa: E402
from support.daemon import Workspace  # noqa: E402

PIPELINE = """
name: numbers
source:
  file: {paths: [input.jsonl], format: json, mode: follow}
sinks:
  lake:
    file: {path: "%(lake)s/", format: json, rotate: {size: 1MiB}}
  table:
    sqlite: {path: "%(table)s/out.db", table: numbers}
checkpoint: {every: 20ms, records: 500}
retry: {initial: 20ms, max: 200ms}
"""
COUNT = 30000
NO_ROOM = ("No space left", "disk is full", "database or disk is full", "ENOSPC")


def write_input(work, count, broken_every=None):
    with open(work.path / "input.jsonl", "w", encoding="ascii") as out:
        for n in range(count):
            text = json.dumps({"n": n, "text": "z" * 200})
            out.write((text[:-20] if broken_every and n % broken_every == 0 else text) + "\n")


class DiskFull(unittest.TestCase):
    def test_file_sink(self):
        with Workspace() as work, small_disk.SmallDisk("2m") as disk:
            self.sink_runs_out(work, disk, lake=disk.path / "lake", table=work.path)

    def test_sqlite_sink(self):
        with Workspace() as work, small_disk.SmallDisk("2m") as disk:
            self.sink_runs_out(work, disk, lake=work.path / "lake", table=disk.path)

    def sink_runs_out(self, work, disk, lake, table):
        write_input(work, COUNT)
        work.write("p.yaml", PIPELINE % {"lake": lake, "table": table})
        daemon = work.start("p.yaml")
        self.wait_for_no_room(daemon)
        self.assertIsNone(daemon.poll(), "a full disk is no reason to end")
        daemon.kill()  # and a crash in this state changes nothing
        daemon = work.start("p.yaml")
        self.wait_for_no_room(daemon)
        disk.widen("64m")
        self.finish(work, daemon, lake, table)

    def test_checkpoint_store(self):
        with Workspace() as work, small_disk.SmallDisk("4m") as disk:
            work.data = disk.path / "data"
            write_input(work, 1000)
            work.write("p.yaml", PIPELINE % {"lake": work.path / "lake", "table": work.path})
            daemon = work.start("p.yaml")
            testing.wait_for(lambda: len(outputs.rows(work.path / "out.db", "select n from numbers")) == 1000, 30, "the first records")
            filler = disk.fill()
            with open(work.path / "input.jsonl", "a", encoding="ascii") as out:
                for n in range(1000, COUNT):
                    out.write(json.dumps({"n": n, "text": "z" * 200}) + "\n")
            self.wait_for_no_room(daemon)
            self.assertIsNone(daemon.poll())
            filler.unlink()
            self.finish(work, daemon, work.path / "lake", work.path)

    def test_dead_letter_store(self):
        """G18: a letter that cannot be stored holds the commit back; it is not dropped."""
        with Workspace() as work, small_disk.SmallDisk("2m") as disk:
            work.data = disk.path / "data"
            write_input(work, COUNT, broken_every=2)
            work.write("p.yaml", PIPELINE % {"lake": work.path / "lake", "table": work.path})
            daemon = work.start("p.yaml")
            self.wait_for_no_room(daemon)
            self.assertIsNone(daemon.poll())
            disk.widen("128m")
            odd = [n for n in range(COUNT) if n % 2]
            testing.wait_for(lambda: len(outputs.rows(work.path / "out.db", "select n from numbers")) == len(odd), 90, "every good record")
            daemon.terminate()
            outputs.check_exactly_once([record["n"] for record in outputs.lake_records(work.path / "lake")], odd, "file sink")
            letters = work.command("dlq", "list", "numbers", "--data-dir", work.data, "--limit", 10 * COUNT, "--json")
            self.assertEqual(COUNT - len(odd), len(letters.stdout.splitlines()), letters.stderr)

    # ---- checks ----------------------------------------------------------------------------------------------------
    def wait_for_no_room(self, daemon):
        """The API says which pipeline waits and why, and so does the log."""

        def told():
            self.assertIsNone(daemon.poll(), daemon.log_tail())
            error = daemon.pipeline("numbers")["last_error"]
            return error and any(words in error["message"] for words in NO_ROOM)

        testing.wait_for(told, 60, f"an error that says the disk is full\n{daemon.log_tail()}")
        self.assertTrue(any(words in daemon.log() for words in NO_ROOM), daemon.log_tail())

    def finish(self, work, daemon, lake, table):
        testing.wait_for(lambda: len(outputs.rows(table / "out.db", "select n from numbers")) >= COUNT, 90,
                         f"all records after there was room\n{daemon.log_tail()}")
        testing.wait_for(lambda: daemon.pipeline("numbers")["state"] == "running", 30, "state running")
        daemon.terminate()
        outputs.check_exactly_once([row[0] for row in outputs.rows(table / "out.db", "select n from numbers order by rowid")],
                                   list(range(COUNT)), "sqlite sink")
        outputs.check_exactly_once([record["n"] for record in outputs.lake_records(lake)], list(range(COUNT)), "file sink")


if __name__ == "__main__":
    small_disk.enter_namespace_if_needed()
    testing.main()
