"""A slow sink holds memory within its queue: queue_bytes x sinks + one batch + 20 %, above the idle daemon."""

import os
import pathlib
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import testing  # noqa: E402
from support.daemon import Workspace  # noqa: E402

MIB = 1024 * 1024
QUEUE = 8 * MIB
BATCH = 4 * MIB  # most bytes of one batch in the pipeline, its output in the sink included
PIPELINE = """
name: flood
source:
  file: {paths: [%s], format: json, mode: %s}
sinks:
  screen:
    stdout: {}
queue_bytes: 8MiB
"""
INPUT_MIB = 1024 if testing.is_long() else 96
SLOW_SECONDS = 480 if testing.is_long() else 8
END_SECONDS = 900 if testing.is_long() else 60  # 1 GB on a busy machine


class SlowReader(threading.Thread):
    """Reads the daemon's stdout at `bytes_per_second`, or as fast as it comes once told to hurry; counts lines."""

    def __init__(self, pipe, bytes_per_second):
        super().__init__(daemon=True)
        self.pipe, self.rate = pipe, bytes_per_second
        self.hurry = threading.Event()
        self.read_bytes = 0
        self.lines = 0

    def run(self):
        while chunk := os.read(self.pipe, 65536):
            self.read_bytes += len(chunk)
            self.lines += chunk.count(b"\n")
            self.hurry.wait(0 if self.hurry.is_set() else len(chunk) / self.rate)


def write_input(path, mib):
    line = b'{"id": %d, "name": "Ada Lovelace", "email": "ada@example.org", "text": "' + b"q" * 110 + b'", "total": 12.5}\n'
    count = mib * MIB // len(line % 1_000_000)
    with open(path, "wb") as out:
        for first in range(0, count, 10000):
            out.write(b"".join(line % n for n in range(1_000_000 + first, 1_000_000 + min(count, first + 10000))))
    return count


class SlowSink(unittest.TestCase):
    def test_memory_stays_within_the_queue(self):
        if "tsan" in os.environ.get("SLUICE_BINARY", "") or "asan" in os.environ.get("SLUICE_BINARY", ""):
            self.skipTest("a sanitizer's own memory would be measured")
        with Workspace() as work:
            count = write_input(work.path / "input.jsonl", INPUT_MIB)
            speed = self.full_speed(work, count)
            work.data = work.path / "slow"
            reader_end, writer_end = os.pipe()
            work.write("p.yaml", PIPELINE % ("input.jsonl", "once"))
            daemon = work.launch("p.yaml", arguments=("--until-done",), stdout=writer_end)
            os.close(writer_end)
            reader = SlowReader(reader_end, min(speed / 100, INPUT_MIB * MIB / 4 / SLOW_SECONDS))
            reader.start()
            deadline, peak = time.monotonic() + SLOW_SECONDS, 0
            while time.monotonic() < deadline:
                self.assertIsNone(daemon.poll(), "the sink is slow: it cannot be done\n" + daemon.log_tail())
                peak = max(peak, daemon.rss())
                time.sleep(0.05)
            self.assertLess(reader.read_bytes, INPUT_MIB * MIB / 2, "the reader was not slow")
            reader.hurry.set()
            daemon.wait_exit(expect=0, seconds=END_SECONDS)
            reader.join(30)
            os.close(reader_end)
            limit = self.idle_rss(work) + 1.2 * (QUEUE + BATCH)
            print(f"{INPUT_MIB} MiB, full speed {speed / MIB:.0f} MiB/s, peak while slow {peak / MIB:.1f} MiB, limit {limit / MIB:.1f} MiB")
            self.assertEqual(count, reader.lines, "every record exactly once on a run without a crash")
            self.assertLess(peak, limit)

    def full_speed(self, work, count):
        """Bytes per second into a reader that takes all."""
        work.write("p.yaml", PIPELINE % ("input.jsonl", "once"))
        work.data = work.path / "fast"
        reader_end, writer_end = os.pipe()
        started = time.monotonic()
        daemon = work.launch("p.yaml", arguments=("--until-done",), stdout=writer_end)
        os.close(writer_end)
        reader = SlowReader(reader_end, 1)
        reader.hurry.set()
        reader.start()
        daemon.wait_exit(expect=0, seconds=END_SECONDS)
        reader.join(30)
        os.close(reader_end)
        self.assertEqual(count, reader.lines)
        return reader.read_bytes / (time.monotonic() - started)

    def idle_rss(self, work):
        """Of the same pipeline with nothing to do."""
        work.data = work.path / "idle"
        work.write("p.yaml", PIPELINE % ("nothing-*.jsonl", "follow"))
        daemon = work.start("p.yaml")
        testing.wait_for(lambda: daemon.pipeline("flood")["state"] == "running", 20, "state running")
        rss = daemon.rss()
        daemon.terminate()
        return rss


if __name__ == "__main__":
    testing.main()
