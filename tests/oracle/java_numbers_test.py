"""Doubles and floats are written as Java writes them: 200,000 random numbers against Java itself."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import debezium  # noqa: E402
from support import testing  # noqa: E402

COUNT = 5_000_000 if testing.is_long() else 100_000
ROOT = pathlib.Path(__file__).resolve().parents[2]


class JavaNumbers(unittest.TestCase):
    def test_numbers_are_javas(self):
        libraries = debezium.libraries()
        program = pathlib.Path(os.environ.get("SLUICE_BUILD_DIR", ROOT / "build" / "debug")) / "tests" / "test_formats"
        if not program.exists():
            self.skipTest(f"{program} is not built")
        with tempfile.NamedTemporaryFile(suffix=".txt") as numbers:
            java = subprocess.run(["java", "-cp", f"{libraries}/*", debezium.HERE / "JavaNumbers.java", str(COUNT), "1"], stdout=numbers,
                                  stderr=subprocess.PIPE, timeout=300, check=True, text=True)
            done = subprocess.run([program, "[java_numbers]"], env={**os.environ, "SLUICE_JAVA_NUMBERS": numbers.name}, timeout=300,
                                  capture_output=True, text=True, check=False)
        print(java.stderr.strip(), file=sys.stderr)
        self.assertEqual(done.returncode, 0, done.stdout[-3000:])
        self.assertIn("All tests passed", done.stdout)


if __name__ == "__main__":
    testing.main()
