"""`sluice completion`: bash's script in a real bash; zsh's and fish's are at least read by their shells where there are any."""

import pathlib
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import testing  # noqa: E402
from support.daemon import Workspace  # noqa: E402

ASK = """
set -u
source "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
COMPREPLY=()
_sluice
printf '%s\\n' "${COMPREPLY[@]-}"
"""


class Completion(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.work = Workspace().__enter__()
        cls.script = cls.work.write("completion.bash", cls.work.command("completion", "bash").stdout)

    @classmethod
    def tearDownClass(cls):
        cls.work.__exit__(None, None, None)

    def complete(self, *words):
        done = subprocess.run(["bash", "--norc", "-c", ASK, "bash", self.script, *words], capture_output=True, text=True, check=True)
        self.assertEqual("", done.stderr)
        return done.stdout.split()

    def test_commands(self):
        found = self.complete("sluice", "")
        for command in ("run", "validate", "explain", "components", "schema", "init", "dlq", "explain-error", "completion"):
            self.assertIn(command, found)
        self.assertEqual(["validate"], self.complete("sluice", "va"))

    def test_commands_of_commands(self):
        self.assertIn("list", self.complete("sluice", "dlq", ""))

    def test_options(self):
        found = self.complete("sluice", "run", "--")
        for option in ("--data-dir", "--listen", "--settings", "--env-file", "--until-done"):
            self.assertIn(option, found)
        self.assertNotIn("--limit", found, "of another command")
        self.assertIn("--limit", self.complete("sluice", "dlq", "list", "--li"))

    def test_values_of_options(self):
        self.assertEqual(["text", "json"], self.complete("sluice", "run", "--log-format", ""))
        self.assertEqual(["json"], self.complete("sluice", "run", "p.yaml", "--log-format", "j"))
        self.assertIn("generator", self.complete("sluice", "init", "--source", ""))
        self.assertIn("sqlite", self.complete("sluice", "init", "--source", "file", "--sink", "s"))

    def test_names_and_codes(self):
        self.assertIn("filter", self.complete("sluice", "components", "f"))
        self.assertIn("unknown_key", self.complete("sluice", "explain-error", "unknown_"))
        self.assertEqual(["bash"], self.complete("sluice", "completion", "b"))

    def test_files_are_left_to_the_shell(self):
        self.assertEqual([], self.complete("sluice", "run", ""))
        self.assertEqual([], self.complete("sluice", "run", "--settings", ""))
        done = subprocess.run(["bash", "--norc", "-c", f"source {self.script}; complete -p sluice"], capture_output=True, text=True, check=True)
        self.assertIn("-o default", done.stdout)

    def test_other_shells_read_theirs(self):
        for shell, check in (("zsh", ["zsh", "-n"]), ("fish", ["fish", "--no-execute"])):
            with self.subTest(shell):
                text = self.work.command("completion", shell).stdout
                self.assertIn("explain-error", text)
                if shutil.which(shell) is None:
                    continue
                path = self.work.write(f"completion.{shell}", text)
                done = subprocess.run([*check, path], capture_output=True, text=True)
                self.assertEqual((0, ""), (done.returncode, done.stderr))


if __name__ == "__main__":
    testing.main()
