"""`sluice init`: what it writes validates, for every source and sink; it asks on a terminal; it never writes over a file."""

import json
import os
import pathlib
import pty
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import testing  # noqa: E402
from support.daemon import Workspace, binary  # noqa: E402


class Init(unittest.TestCase):
    def test_every_source_with_every_sink_validates(self):
        with Workspace() as work:
            described = json.loads(work.command("components", "--json").stdout)["components"]
            names = {kind: [c["name"] for c in described if c["kind"] == kind] for kind in ("source", "sink")}
            paths = []
            for source in names["source"]:
                for sink in names["sink"]:
                    paths.append(work.path / f"{source}_to_{sink}.yaml")
                    done = work.command("init", "--source", source, "--sink", sink)
                    self.assertEqual(0, done.returncode, done.stderr)
            done = work.command("validate", *paths)
            self.assertEqual((0, ""), (done.returncode, done.stderr))

    def test_every_field_is_there_with_its_default(self):
        with Workspace() as work:
            text = work.command("init", "--source", "file", "--sink", "sqlite", "--output", "-").stdout
            for field in json.loads(work.command("components", "file", "--json").stdout)["components"][0]["fields"]:
                self.assertRegex(text, rf"(?m)^    (# )?{field['name']}: ")
            self.assertIn("# max_record: 1MiB", text)

    def test_what_it_writes_runs(self):
        with Workspace() as work:
            self.assertEqual(0, work.command("init", "--source", "generator", "--sink", "file", "--name", "first", "--output", "p.yaml").returncode)
            text = (work.path / "p.yaml").read_text("utf-8").replace("rate: 100/s", "# rate: 100/s").replace('rate: "100/s"', "# rate")
            work.write("p.yaml", text)
            work.run_to_end("p.yaml", expect=0)

    def test_a_file_is_not_written_over(self):
        with Workspace() as work:
            work.write("a.yaml", "mine")
            done = work.command("init", "--source", "file", "--sink", "stdout", "--name", "a")
            self.assertEqual(64, done.returncode)
            self.assertIn("--force", done.stderr)
            self.assertEqual("mine", (work.path / "a.yaml").read_text("utf-8"))
            self.assertEqual(0, work.command("init", "--source", "file", "--sink", "stdout", "--name", "a", "--force").returncode)

    def test_wrong_words_are_answered(self):
        with Workspace() as work:
            done = work.command("init", "--source", "fiel", "--sink", "stdout")
            self.assertEqual(64, done.returncode)
            self.assertIn('did you mean "file"?', done.stderr)
            self.assertEqual(64, work.command("init", "--source", "file", "--sink", "stdout", "--name", "A b").returncode)
            done = work.command("init", "--sink", "stdout")
            self.assertEqual(64, done.returncode)
            self.assertIn("--source", done.stderr, "without a terminal nobody is asked")

    def test_it_asks_on_a_terminal(self):
        with Workspace() as work:
            ours, theirs = pty.openpty()
            try:
                process = subprocess.Popen([binary(), "init"], cwd=work.path, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                os.write(ours, b"genrator\ngenerator\nsqlite\nasked\n")
                _, said = process.communicate(timeout=20)
            finally:
                os.close(ours)
                os.close(theirs)
            self.assertEqual(0, process.returncode, said)
            self.assertIn('did you mean "generator"?', said)
            self.assertIn("name: asked\n", (work.path / "asked.yaml").read_text("utf-8"))
            self.assertEqual(0, work.command("validate", "asked.yaml").returncode)


if __name__ == "__main__":
    testing.main()
