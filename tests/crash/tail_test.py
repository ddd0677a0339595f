"""`file` in follow mode under a writer that rotates, truncates and leaves half lines, with kill -9: every line once (G1, G2, G4)."""

import json
import os
import pathlib
import random
import shutil
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import outputs, testing  # noqa: E402
from support.daemon import Workspace  # noqa: E402

PIPELINE = """
name: tail
source:
  file: {paths: [%s], format: json, mode: follow}
sinks:
  table:
    sqlite: {path: out.db, table: lines}
  lake:
    file: {path: lake/, format: json, rotate: {size: 64KiB}}
checkpoint: {every: 20ms, records: 300}
"""
LINES = "select n, text from lines order by rowid"


class Log(threading.Thread):
    """Writes numbered lines in pieces that end anywhere, and renames the file now and then."""

    def __init__(self, path, seed, rotate_every):
        super().__init__(daemon=True)
        self.path, self.chance, self.rotate_every = path, random.Random(seed), rotate_every
        self.stop = threading.Event()
        self.written = 0
        self.rotations = 0
        self.out = open(path, "ab", buffering=0)

    def line(self):
        # The text tells lines apart even where a number would do, and has lengths of every kind.
        text = json.dumps({"n": self.written, "text": f"{self.written}-" + "y" * self.chance.randrange(200)}) + "\n"
        self.written += 1
        return text.encode()

    def run(self):
        while not self.stop.is_set():
            pending = b"".join(self.line() for _ in range(self.chance.randrange(1, 20)))
            while pending:
                cut = self.chance.randrange(1, len(pending) + 1)
                self.out.write(pending[:cut])
                pending = pending[cut:]
                time.sleep(0.001)
            if self.rotate_every and self.out.tell() > self.rotate_every:
                self.rotate()
        self.out.close()

    def rotate(self):
        """As logrotate does by default: the file gets a number, a new one takes its name."""
        self.rotations += 1
        self.out.close()
        os.rename(self.path, f"{self.path}.{self.rotations}")
        self.out = open(self.path, "ab", buffering=0)


class Follow(unittest.TestCase):
    def test_rename_rotation_under_kill_minus_nine(self):
        seed = testing.seed()
        print(f"seed {seed}")
        chance = random.Random(seed)
        with Workspace() as work:
            (work.path / "logs").mkdir()
            work.write("p.yaml", PIPELINE % "logs/app.log*")
            log = Log(work.path / "logs" / "app.log", seed, rotate_every=40_000)
            log.start()
            for _ in range(max(10, testing.kills() // 2)):
                daemon = work.launch("p.yaml")
                time.sleep(chance.uniform(0, 0.5))
                self.assertIsNone(daemon.poll(), daemon.log_tail())
                daemon.kill()
            daemon = work.start("p.yaml")
            log.stop.set()
            log.join(30)
            self.assertGreater(log.rotations, 3)
            self.wait_for_lines(work, log.written)
            daemon.terminate()
            self.check(work, range(log.written))
            print(f"{log.written} lines, {log.rotations} rotations")

    def test_copytruncate(self):
        """The file is copied and cut to nothing; what is written next is new, also when it is longer than what was read before."""
        chance = random.Random(testing.seed())
        with Workspace() as work:
            (work.path / "logs").mkdir()
            path = work.path / "logs" / "app.log"
            work.write("p.yaml", PIPELINE % "logs/app.log")
            written, running = 0, None
            for generation in range(8):
                daemon, running = running or work.start("p.yaml"), None
                # Growing: each generation is longer than the one before, which no comparison of sizes notices.
                with open(path, "ab", buffering=0) as out:
                    for _ in range(200 + 150 * generation):
                        out.write(json.dumps({"n": written, "text": f"{written}-{generation}"}).encode() + b"\n")
                        written += 1
                self.wait_for_lines(work, written, daemon)  # copytruncate loses what was not committed before the cut, with any reader
                # Dead at the cut, dead after it, stopped after it, or running on through the next generation.
                fate = chance.choice(("dead at the cut", "dead after the cut", "stopped", "running"))
                if fate == "dead at the cut":
                    daemon.kill()
                shutil.copy(path, work.path / f"old-{generation}")
                os.truncate(path, 0)
                if fate == "dead after the cut":
                    daemon.kill()
                elif fate == "stopped":
                    daemon.terminate()
                elif fate == "running":
                    running = daemon
            (running or work.start("p.yaml")).terminate()
            self.check(work, range(written))

    def test_half_written_last_line_waits_for_its_end(self):
        with Workspace() as work:
            (work.path / "logs").mkdir()
            path = work.path / "logs" / "app.log"
            work.write("p.yaml", PIPELINE % "logs/app.log")
            path.write_bytes(b'{"n": 0, "text": "0-"}\n{"n": 1, "te')
            daemon = work.start("p.yaml")
            self.wait_for_lines(work, 1)
            daemon.kill()
            daemon = work.start("p.yaml")
            with open(path, "ab") as out:
                out.write(b'xt": "1-"}\n')
            self.wait_for_lines(work, 2)
            daemon.terminate()
            self.check(work, range(2))

    def test_deleted_and_recreated_with_the_same_inode_number(self):
        """G2: a number that the file system gives again names another file."""
        with Workspace() as work:
            (work.path / "logs").mkdir()
            path = work.path / "logs" / "app.log"
            work.write("p.yaml", PIPELINE % "logs/*.log")
            written, reused, inode = 0, 0, None
            for _ in range(5):
                path.write_text("".join(json.dumps({"n": n, "text": f"{n}-"}) + "\n" for n in range(written, written + 50)), "ascii")
                reused += path.stat().st_ino == inode
                inode = path.stat().st_ino
                written += 50
                daemon = work.start("p.yaml")
                self.wait_for_lines(work, written, daemon)
                daemon.kill()
                path.unlink()
            work.start("p.yaml").terminate()
            self.check(work, range(written))
            print(f"the inode number came again {reused} times")

    # ---- checks ----------------------------------------------------------------------------------------------------
    def wait_for_lines(self, work, count, daemon=None):
        """Until the table has `count` lines and, given the daemon, every sink has committed them."""
        if daemon:
            testing.wait_for(lambda: len(outputs.rows(work.path / "out.db", "select n from lines")) >= count
                             and all(lane["in_flight"] == 0 for lane in daemon.books("tail").values()), 60, f"{count} lines in both sinks")
        testing.wait_for(lambda: len(outputs.rows(work.path / "out.db", "select n from lines")) >= count, 60, f"{count} lines in the table")

    def check(self, work, numbers):
        table = outputs.rows(work.path / "out.db", LINES)
        self.assertTrue(all(text.startswith(f"{n}-") for n, text in table))
        # Several files are several partitions: order holds within each, so the whole is compared as a set with counts.
        outputs.check_exactly_once(sorted(n for n, _ in table), list(numbers), "sqlite sink")
        outputs.check_exactly_once(sorted(record["n"] for record in outputs.lake_records(work.path / "lake")), list(numbers), "file sink")


if __name__ == "__main__":
    testing.main()
