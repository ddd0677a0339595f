"""Some seeds of ./dev chaos, new ones in each run (SLUICE_TEST_SEED fixes the first): G1-G9, G12-G17, G22-G24.

SLUICE_CHAOS_SEEDS says how many; `./dev chaos --seeds 1 --seed S` repeats one.
"""

import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from chaos.run import play  # noqa: E402
from chaos.scenario import Options  # noqa: E402
from support import testing  # noqa: E402


class Chaos(unittest.TestCase):
    def test_stream_into_files_and_sqlite(self):
        self.play(Options(sinks=("file", "sqlite"), transactions=40), 3)

    def test_stream_into_kafka(self):
        self.play(Options(sinks=("kafka",), transactions=40), 3)

    def test_stream_into_debezium_events(self):
        self.play(Options(sinks=("debezium",), transactions=40), 2)

    def test_snapshot_and_stream_into_kafka(self):
        self.play(Options(sinks=("kafka",), snapshot="initial", transactions=40), 3)

    def play(self, options, count):
        count = int(os.environ.get("SLUICE_CHAOS_SEEDS", 20 * count if testing.is_long() else count))
        first = testing.seed()
        total, failures = play(range(first, first + count), options)
        print(f"{count} seeds from {first}: {total}")
        self.assertFalse(failures, "\n".join(text for _, text in failures))
        self.assertGreaterEqual(total.kills + total.fault_points, count)


if __name__ == "__main__":
    testing.main()
