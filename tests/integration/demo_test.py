"""`./dev demo --once` ends by itself and finds its own result right; `./dev demo` ends cleanly on Ctrl-C."""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import postgres, testing  # noqa: E402
from support.daemon import ROOT, binary  # noqa: E402


class Demo(unittest.TestCase):
    def setUp(self):
        self.environment = {**os.environ, "SLUICE_BINARY": binary()}
        postgres.server_folder()  # skips without a server

    def test_once(self):
        done = subprocess.run([ROOT / "dev", "demo", "--once"], cwd="/", env=self.environment, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=240, check=False)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertNotIn("WRONG", done.stdout)

    def test_ends_cleanly_on_ctrl_c(self):
        with tempfile.TemporaryFile("w+") as output:
            process = subprocess.Popen([ROOT / "dev", "demo"], cwd="/", env=self.environment, stdin=subprocess.DEVNULL, stdout=output,
                                       stderr=subprocess.STDOUT, start_new_session=True,
                                       preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))

            def said():
                output.seek(0)
                return output.read()

            try:
                testing.wait_for(lambda: "Ctrl-C" in said() or process.poll() is not None, 90, "the demo to say what to look at")
                os.killpg(process.pid, signal.SIGINT)  # as a terminal does
                process.wait(60)
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
            self.assertEqual(0, process.returncode, said())
            self.assertIn("the daemon ended with 0", said())


if __name__ == "__main__":
    testing.main()
