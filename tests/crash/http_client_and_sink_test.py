"""kill -9 while http_client reads pages and the http sink writes batches.

http_client -> sqlite, file: each item exactly once in both, although the server gives other pages each time (G1, G2, G5, G13, G23).
file -> http: every record arrives, order kept but for what is sent again from the last commit on (G5, G25).
"""

import json
import pathlib
import random
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import http_load, outputs, testing  # noqa: E402
from support.daemon import Workspace, balance, start_until_killed  # noqa: E402

ITEMS = 3000
CLIENT = """
name: poll
source:
  http_client:
    url: http://127.0.0.1:%(port)d/items
    every: 20ms
    items: data
    pagination: {cursor: {from: next, parameter: mark}}
    cursor: {field: id, parameter: since}
sinks:
  table:
    sqlite: {path: out.db, table: items}
  lake:
    file: {path: lake/, format: json, rotate: {size: 16KiB}}
checkpoint: {every: 20ms, records: 50}
retry: {initial: 10ms, max: 100ms}
"""
SINK = """
name: push
source:
  file: {paths: [in.jsonl], format: json, mode: once}
sink:
  http:
    url: http://127.0.0.1:%(port)d/in
    batch: {records: 40}
    timeout: 1s
checkpoint: {every: 20ms, records: 200}
retry: {initial: 5ms, max: 50ms}
"""


class Shop:
    """Items 1, 2, 3 ... as time goes on, in pages of a size that changes with each request; now and then it is unwell."""

    def __init__(self, chance):
        self.chance, self.there, self.lock = chance, 0, threading.Lock()

    def answer(self, _method, target, _headers, _body):
        with self.lock:
            self.there = min(ITEMS, self.there + self.chance.randrange(12))
            query = dict(part.split("=") for part in target.partition("?")[2].split("&") if part)
            trouble = self.chance.random()
            if trouble < 0.02:
                return http_load.Answer(503, b"", {"Retry-After": "0"})
            if trouble < 0.04:
                return http_load.Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"data\": [{\"id\"")
            after = int(query.get("mark") or query.get("since") or 0)
            last = min(self.there, after + self.chance.randrange(1, 30))
            items = [{"id": n, "text": f"item {n}"} for n in range(after + 1, last + 1)]
            following = str(last) if last < self.there else None
            return http_load.Answer(200, json.dumps({"data": items, "next": following}).encode(), {"Content-Type": "application/json"})


class Client(unittest.TestCase):
    def test_each_item_once_in_every_sink(self):
        seed = testing.seed()
        print(f"seed {seed}")
        chance = random.Random(seed)
        shop = Shop(random.Random(seed))
        with http_load.Server(shop.answer) as server, Workspace() as work:
            work.write("p.yaml", CLIENT % {"port": server.port})
            for _ in range(max(5, testing.kills(20) // 2)):
                start_until_killed(work, "p.yaml", lambda: chance.uniform(0.05, 0.8))
            shop.there = ITEMS
            daemon = work.start("p.yaml")

            def both():
                return all(lane["out"] + lane["skipped"] > 0 for lane in daemon.books("poll").values()) and self.count(work) >= ITEMS

            testing.wait_for(both, 60, f"all items\n{daemon.log_tail()}")
            for lane in daemon.books("poll").values():
                self.assertEqual(0, balance(lane), lane)
            left = testing.wait_for(lambda: not self.spooled(work), 10, "pages leave the spool once every sink has them")
            self.assertTrue(left)
            daemon.terminate()
            expected = list(range(1, ITEMS + 1))
            outputs.check_exactly_once([n for (n,) in outputs.rows(work.path / "out.db", "select id from items order by rowid")], expected, "sqlite")
            outputs.check_exactly_once([record["id"] for record in outputs.lake_records(work.path / "lake")], expected, "file")

    @staticmethod
    def count(work):
        rows = outputs.rows(work.path / "out.db", "select count(*) from items")
        return rows[0][0] if rows else 0

    @staticmethod
    def spooled(work):
        return [path for path in (work.data / "poll" / "spool").rglob("page-*") if not path.name.endswith(".tmp")]

    def test_at_every_step_of_the_spool(self):
        points = ["http_client_spool." + when + step for when in ("before_", "after_") for step in ("write", "fsync", "rename", "directory_sync")]
        for point in points + ["lane.before_commit", "lane.after_commit"]:
            with self.subTest(point):
                shop = Shop(random.Random(7))
                with http_load.Server(shop.answer) as server, Workspace() as work:
                    work.write("p.yaml", CLIENT % {"port": server.port})
                    for passage in (2,):
                        daemon = work.launch("p.yaml", fault_point=f"{point}:{passage}")
                        testing.wait_for(lambda: daemon.poll() is not None, 30, f"death at {point}")
                        self.assertEqual(-9, daemon.returncode, daemon.log_tail())
                    shop.there = 300
                    daemon = work.start("p.yaml")
                    testing.wait_for(lambda: self.count(work) >= 300, 30, f"items\n{daemon.log_tail()}")
                    daemon.terminate()
                    seen = [n for (n,) in outputs.rows(work.path / "out.db", "select id from items order by rowid")]
                    outputs.check_exactly_once(seen, list(range(1, len(seen) + 1)), "sqlite")
                    outputs.check_exactly_once([r["id"] for r in outputs.lake_records(work.path / "lake")], seen, "file")


class Sink(unittest.TestCase):
    def test_nothing_is_lost_and_order_is_kept(self):
        seed = testing.seed()
        print(f"seed {seed}")
        chance, trouble = random.Random(seed), random.Random(seed)
        total, taken, lock = 20000, [], threading.Lock()

        def answer(_method, _target, headers, body):
            with lock:
                records = [json.loads(line) for line in body.splitlines()]
                if any(record["n"] % 1999 == 1998 for record in records):
                    return http_load.Answer(422, b"unlucky")
                kind = trouble.random()
                if kind < 0.01:
                    return http_load.Answer(503, b"", {"Retry-After": "0"})
                if kind < 0.02:
                    return http_load.Answer(raw=b"")  # not taken, no answer
                taken.extend(record["n"] for record in records)
                if kind < 0.03:
                    return http_load.Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Le")  # taken, and half an answer
                assert headers["idempotency-key"]
                return http_load.Answer(200)

        with http_load.Server(answer) as server, Workspace() as work:
            work.write("p.yaml", SINK % {"port": server.port})
            with open(work.path / "in.jsonl", "w", encoding="ascii") as out:
                out.writelines(json.dumps({"n": n, "text": "x" * (n % 50)}) + "\n" for n in range(total))
            hits = 0
            while hits < 12 and start_until_killed(work, "p.yaml", lambda: chance.uniform(0.05, 0.5), arguments=("--until-done",)):
                hits += 1
            work.run_to_end("p.yaml")
            expected = [n for n in range(total) if n % 1999 != 1998]
            self.assertEqual(set(), set(expected) - set(taken), "lost")
            first = list(dict.fromkeys(taken))
            self.assertEqual(expected, first, "the first arrival of each record is in order")
            # What comes again comes from a place on, in order: never a jump ahead of what was there.
            highest = -1
            for before, n in zip([-1] + taken, taken):
                self.assertTrue(n <= highest or all(k % 1999 == 1998 for k in range(highest + 1, n)), (before, n))
                highest = max(highest, n)
            letters = work.command("dlq", "list", "push", "--data-dir", work.data, "--limit", 1000, "--json")
            codes = [json.loads(line)["code"] for line in letters.stdout.splitlines()]
            self.assertEqual(["http_rejected"] * (total - len(expected)), codes)
            print(f"{hits} kills, {len(taken) - len(expected)} records sent again")


if __name__ == "__main__":
    testing.main()
