"""kill -9 of the daemon while it reads JSON lines and writes a lake of files and a SQLite table.

Both hold every record exactly once and in order, every broken line is one dead letter: G1, G5, G6, G18, G19, G22, G23, G29.
"""

import json
import pathlib
import random
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import outputs, testing  # noqa: E402
from support.daemon import Workspace, start_until_killed  # noqa: E402

PIPELINE = """
name: numbers
source:
  file: {paths: [input/*.jsonl], format: json, mode: once}
transforms:
  - filter: this.n %% 10 != 3
  - set:
      doubled: this.n * 2
sinks:
  lake:
    file: {path: lake/, format: json, rotate: {size: %(rotate)s}}
  table:
    sqlite: {path: out.db, table: numbers}
checkpoint: {every: 20ms, records: %(commit)d}
queue_bytes: 2MiB
retry: {initial: 10ms, max: 100ms}
"""
BROKEN_EVERY = 97  # every 97th line is no JSON


def write_input(folder, count, files=3):
    """`files` files with n = 0 .. count - 1 in order; returns (per file, n of the records that pass the filter; number of broken lines)."""
    folder.mkdir(parents=True)
    kept, broken = [], 0
    share = -(-count // files)
    for index in range(files):
        kept.append([])
        with open(folder / f"part-{index}.jsonl", "w", encoding="utf-8") as out:
            for n in range(index * share, min(count, (index + 1) * share)):
                out.write(json.dumps({"n": n, "text": f"record {n} " + "x" * (n % 60)}) + "\n")
                if n % 10 != 3:
                    kept[index].append(n)
                if n % BROKEN_EVERY == 0:
                    out.write('{"n": %d, "text": \n' % n)
                    broken += 1
    return kept, broken


def check_order(seen, kept, where):
    """Each input file is a partition with an order of its own; the files of a glob are read side by side."""
    outputs.check_exactly_once(sorted(seen), sum(kept, []), where)
    for part in kept:
        outputs.check_exactly_once([n for n in seen if part[0] <= n <= part[-1]], part, f"{where}, order of a file")


def check(test, work, kept, broken):
    lake = outputs.lake_records(work.path / "lake")
    check_order([record["n"] for record in lake], kept, "file sink")
    test.assertTrue(all(record["doubled"] == 2 * record["n"] for record in lake))
    table = outputs.rows(work.path / "out.db", "select n, doubled from numbers order by rowid")
    check_order([n for n, _ in table], kept, "sqlite sink")
    test.assertTrue(all(doubled == 2 * n for n, doubled in table))
    letters = work.command("dlq", "list", "numbers", "--data-dir", work.data, "--limit", 10 * broken + 100, "--json")
    test.assertEqual(0, letters.returncode, letters.stderr)
    identities = [(letter["partition"], *letter["ordinal"]) for letter in map(json.loads, letters.stdout.splitlines())]
    test.assertEqual(len(set(identities)), len(identities), "a replay made a second letter (G18)")
    test.assertEqual(broken, len(identities))


class KillMinusNine(unittest.TestCase):
    def test_at_random_times(self):
        """Rounds of a fresh input each, until the wanted number of kills hit a working daemon."""
        seed = testing.seed()
        print(f"seed {seed}")
        chance = random.Random(seed)
        killed = rounds = 0
        while killed < testing.kills():
            rounds += 1
            with Workspace() as work:
                work.write("p.yaml", PIPELINE % {"rotate": "256KiB", "commit": 500})
                kept, broken = write_input(work.path / "input", 60000)
                hits = 0
                # A third of the kills come while it starts and recovers, the others while it works.
                while hits < 12 and start_until_killed(work, "p.yaml", lambda: chance.uniform(0, 0.1 if chance.random() < 0.3 else 0.6),
                                                       arguments=("--until-done",)):
                    hits += 1
                killed += hits
                work.run_to_end("p.yaml")
                check(self, work, kept, broken)
            self.assertLess(rounds, 20 + testing.kills(), "the kills never hit a working daemon")
        print(f"{killed} kills in {rounds} rounds")

    def test_at_every_fault_point(self):
        """SIGKILL at the first and at a later passage of each durable step that a run passes; the recoveries die there too."""
        self.plain = self.points_of_a_plain_run()
        waiting, done = sorted(self.plain), set()
        self.assertGreater(len(waiting), 10, "the daemon names few durable steps")
        while waiting:
            point = waiting.pop(0)
            done.add(point)
            with self.subTest(point):
                waiting.extend(sorted(self.die_at(point) - done - set(waiting)))
        print(f"{len(done)} points: {' '.join(sorted(done))}")

    def points_of_a_plain_run(self):
        with Workspace() as work:
            self.prepare(work)
            environment, passed = work.traced()
            work.run_to_end("p.yaml", environment=environment)
            return passed()

    def prepare(self, work):
        work.write("p.yaml", PIPELINE % {"rotate": "32KiB", "commit": 400})
        return write_input(work.path / "input", 3000)

    def die_at(self, point):
        """Returns the points that the recoveries passed."""
        with Workspace() as work:
            kept, broken = self.prepare(work)
            environment, passed = work.traced()
            died = 0
            for passage in (1, 4, 1, 2):
                daemon = work.launch("p.yaml", arguments=("--until-done",), fault_point=f"{point}:{passage}", environment=environment)
                daemon.wait_exit()
                self.assertIn(daemon.returncode, (0, -9), daemon.log_tail())
                died += daemon.returncode == -9
            work.run_to_end("p.yaml", environment=environment)
            check(self, work, kept, broken)
            self.assertGreater(died + (point not in self.plain), 0, "the daemon passed the point and did not die")
            return passed()


if __name__ == "__main__":
    testing.main()
