"""kill -9 of `sluice dlq replay`: what was refused comes out exactly once in sqlite and file, and only in the lanes that lacked it.

G18, G19, G20, G1, G5, G22, G23.
"""

import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import outputs, testing  # noqa: E402
from support.daemon import Workspace, binary  # noqa: E402

PIPELINE = """
name: numbers
sources:
  feed:
    file: {paths: [input.jsonl], format: json, mode: once}
transforms:
  - name: convert
    from: feed
    set:
      value: %(value)s
sinks:
  raw:
    from: feed
    file: {path: raw/, format: json}
  lake:
    from: convert
    file: {path: lake/, format: json, rotate: {size: 16KiB}}
  table:
    from: convert
    sqlite: {path: out.db, table: numbers}
    transforms:
      - name: check
        set:
          checked: %(checked)s
checkpoint: {every: 5ms, records: 50}
retry: {initial: 10ms, max: 100ms}
"""
BROKEN = PIPELINE % {"value": "int(this.amount)", "checked": "int(this.other)"}
MENDED = PIPELINE % {"value": "'this.amount == \"bad\" ? 0 : int(this.amount)'", "checked": "'this.other == \"bad\" ? 0 : int(this.other)'"}
COUNT = 3000


def write_input(work, count):
    """Every third record is refused by the shared step, every fifth by the chain of the sink `table`."""
    with open(work.path / "input.jsonl", "w", encoding="ascii") as out:
        for n in range(count):
            out.write(json.dumps({"n": n, "amount": "bad" if n % 3 == 0 else str(n), "other": "bad" if n % 5 == 0 else str(n)}) + "\n")


def prepare(work, count):
    work.write("broken.yaml", BROKEN)
    work.write("mended.yaml", MENDED)
    write_input(work, count)
    work.run_to_end("broken.yaml")


def replay(work, *more, environment=None):
    return subprocess.Popen([binary(), "dlq", "replay", "numbers", "--all", "--yes", "--config", "mended.yaml", "--data-dir", str(work.data), *more],
                            cwd=work.path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env={**os.environ, **(environment or {})})


def finish(test, work):
    """The last replay is left alone; what it says is returned."""
    process = replay(work, "--json")
    out, err = process.communicate(timeout=120)
    test.assertEqual(0, process.returncode, err + out)
    return json.loads(out)


def check(test, work, count):
    everything = list(range(count))
    for name in ("raw", "lake"):
        records = outputs.lake_records(work.path / name)
        outputs.check_exactly_once(sorted(record["n"] for record in records), everything, name)
    lake = outputs.lake_records(work.path / "lake")
    test.assertTrue(all(record["value"] == (0 if record["n"] % 3 == 0 else record["n"]) for record in lake))
    ids = [record["_meta"]["id"] for record in outputs.lake_records(work.path / "raw")]
    test.assertEqual(sorted(ids), sorted(record["_meta"]["id"] for record in lake), "a replayed record keeps its name")
    rows = outputs.rows(work.path / "out.db", "select n, value, checked, _id from numbers")
    outputs.check_exactly_once(sorted(row[0] for row in rows), everything, "table")
    test.assertTrue(all(row[2] == (0 if row[0] % 5 == 0 else row[0]) for row in rows))
    test.assertEqual(sorted(ids), sorted(row[3] for row in rows))
    letters = [json.loads(line) for line in work.command("dlq", "list", "numbers", "--data-dir", work.data, "--all", "--json").stdout.splitlines()]
    test.assertEqual({"replayed"}, {letter["state"] for letter in letters})
    names = [(letter["stage"], *letter["ordinal"]) for letter in letters]
    test.assertEqual(len(set(names)), len(names), "a replay made a second letter (G18)")


class Replay(unittest.TestCase):
    def test_at_random_times(self):
        seed = testing.seed()
        print(f"seed {seed}")
        chance = random.Random(seed)
        wanted = min(testing.kills(), 40)
        killed = 0
        while killed < wanted:
            with Workspace() as work:
                prepare(work, COUNT)
                hits = 0
                for _ in range(12):
                    process = replay(work)
                    time.sleep(chance.uniform(0.0, 0.4))  # the moment of the kill, not a wait
                    if process.poll() is None:
                        process.send_signal(signal.SIGKILL)
                    process.communicate(timeout=60)
                    if process.returncode == 0:
                        break
                    hits += process.returncode == -9
                finish(self, work)
                check(self, work, COUNT)
                killed += max(1, hits)
        print(f"{killed} kills")

    def test_at_every_fault_point(self):
        plain = self.points()
        self.assertGreater(len(plain), 10)
        for point in sorted(plain):
            with self.subTest(point), Workspace() as work:
                prepare(work, 300)
                died = 0
                for passage in (1, 2):
                    process = replay(work, environment={"SLUICE_FAULT_POINT": f"{point}:{passage}"})
                    _, err = process.communicate(timeout=60)
                    self.assertIn(process.returncode, (0, -9), err)
                    died += process.returncode == -9
                finish(self, work)
                check(self, work, 300)
                self.assertGreater(died, 0)

    def points(self):
        with Workspace() as work:
            prepare(work, 300)
            environment, passed = work.traced()
            process = replay(work, environment=environment)
            _, err = process.communicate(timeout=60)
            self.assertEqual(0, process.returncode, err)
            check(self, work, 300)
            return passed()


if __name__ == "__main__":
    testing.main()
