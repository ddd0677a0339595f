"""Debezium 3.5.0 still writes what is recorded in tests/data/debezium, which debezium_json is held against byte for byte.

`python3 tests/oracle/debezium_oracle_test.py --refresh` writes the recordings anew.
"""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import debezium  # noqa: E402
from support import testing  # noqa: E402
from support.postgres import Postgres  # noqa: E402


def record():
    debezium.libraries()
    with tempfile.TemporaryDirectory(prefix="sluice-oracle-") as folder:
        return debezium.record_all(Postgres, pathlib.Path(folder))


class Recordings(unittest.TestCase):
    def test_debezium_writes_what_is_recorded(self):
        for name, lines in record().items():
            path = debezium.RECORDED / f"{name}.jsonl"
            with self.subTest(name):
                self.assertEqual(path.read_text("utf-8").rstrip("\n").split("\n"), lines)


if __name__ == "__main__":
    if "--refresh" in sys.argv:
        debezium.RECORDED.mkdir(parents=True, exist_ok=True)
        for name, lines in record().items():
            (debezium.RECORDED / f"{name}.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    else:
        testing.main()
