"""kill -9 of the daemon while a route sends records to several sinks, one of which reads two outputs.

Every sink holds exactly its records, once and in order; what the route cannot judge is one dead letter: G1, G5, G8, G12, G18.
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
name: ways
source:
  file: {paths: [input.jsonl], format: json, mode: once}
transforms:
  - route:
      every:
        even: this.n % 2 == 0
        third: this.n % 3 == 0
      else: rest
  - set:
      note: '"third"'
    from: route.third
sinks:
  even:
    sqlite: {path: even.db, table: t}
    from: route.even
  third:
    file: {path: third/, format: json, rotate: {size: 64KiB}}
    from: set
  some:
    sqlite: {path: some.db, table: t}
    from: [route.third, route.rest]
  all:
    sqlite: {path: all.db, table: t}
    from: file
checkpoint: {every: 20ms, records: 300}
queue_bytes: 2MiB
retry: {initial: 10ms, max: 100ms}
"""
UNJUDGED_EVERY = 101  # a text instead of a number


def write_input(path, count):
    """Numbers that the route can judge, in order; how many lines it cannot."""
    numbers, unjudged = [], 0
    with open(path, "w", encoding="utf-8") as out:
        for n in range(count):
            if n % UNJUDGED_EVERY == 5:
                out.write(json.dumps({"n": f"no number {n}"}) + "\n")
                unjudged += 1
            else:
                out.write(json.dumps({"n": n}) + "\n")
                numbers.append(n)
    return numbers, unjudged


def check(test, work, numbers, unjudged):
    def numbers_in(database):
        return [int(n) for (n,) in outputs.rows(work.path / database, "select n from t order by rowid") if str(n).isdigit()]

    outputs.check_exactly_once(numbers_in("even.db"), [n for n in numbers if n % 2 == 0], "even")
    outputs.check_exactly_once(numbers_in("some.db"), [n for n in numbers if n % 3 == 0 or n % 2 != 0], "some")
    outputs.check_exactly_once(numbers_in("all.db"), numbers, "all")
    lake = outputs.lake_records(work.path / "third")
    outputs.check_exactly_once([record["n"] for record in lake], [n for n in numbers if n % 3 == 0], "third")
    test.assertTrue(all(record["note"] == "third" for record in lake))
    listed = work.command("dlq", "list", "ways", "--data-dir", work.data, "--stage", "route", "--limit", 10 * unjudged + 100, "--json")
    test.assertEqual(0, listed.returncode, listed.stderr)
    letters = [json.loads(line) for line in listed.stdout.splitlines()]
    test.assertEqual(unjudged, len({tuple(letter["ordinal"]) for letter in letters}))
    test.assertEqual(unjudged, len(letters), "a replay made a second letter (G18)")


class Route(unittest.TestCase):
    def test_kill_minus_nine_at_random_times(self):
        seed = testing.seed()
        print(f"seed {seed}")
        chance = random.Random(seed)
        wanted, killed, rounds = max(1, testing.kills() // 2), 0, 0
        while killed < wanted:
            rounds += 1
            with Workspace() as work:
                work.write("p.yaml", PIPELINE)
                numbers, unjudged = write_input(work.path / "input.jsonl", 40000)
                hits = 0
                while hits < 8 and start_until_killed(work, "p.yaml", lambda: chance.uniform(0, 0.1 if chance.random() < 0.3 else 0.5),
                                                      arguments=("--until-done",)):
                    hits += 1
                killed += hits
                work.run_to_end("p.yaml")
                check(self, work, numbers, unjudged)
            self.assertLess(rounds, 20 + wanted, "the kills never hit a working daemon")
        print(f"{killed} kills in {rounds} rounds")

    def test_the_books_balance(self):
        with Workspace() as work:
            work.write("p.yaml", PIPELINE.replace("mode: once", "mode: follow"))
            numbers, unjudged = write_input(work.path / "input.jsonl", 3000)
            daemon = work.start("p.yaml")
            testing.wait_for(lambda: all(lane["in"] == 3000 and lane["in_flight"] == 0 for lane in daemon.books("ways").values()), 30,
                             "the books of 3000 records")
            books = daemon.books("ways")
            daemon.terminate()
            for lane in books.values():
                self.assertEqual(lane["in"] + lane["created"],
                                 lane["filtered"] + lane["deduplicated"] + lane["dead_lettered"] + lane["skipped"] + lane["out"], lane)
            self.assertEqual(unjudged, books["even"]["dead_lettered"])
            self.assertEqual(0, books["all"]["dead_lettered"])
            self.assertEqual(len([n for n in numbers if n % 2 == 0]), books["even"]["out"])
            self.assertEqual(3000, books["all"]["out"])


if __name__ == "__main__":
    testing.main()
