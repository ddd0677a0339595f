"""`sluice positions rename`: positions, dead letters and the sinks' own progress go on under the new name, whatever crashes on the way.

CONFIG.md rule 18; G1, G11, G18, G22, G23, G29.
"""

import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import outputs, testing  # noqa: E402
from support.daemon import Workspace  # noqa: E402

PIPELINE = """
name: %s
source:
  file: {paths: [in/*.jsonl], format: json, mode: once}
sinks:
  table:
    sqlite: {path: out.db, table: t}
  lake:
    file: {path: lake/, format: json}
"""


class Rename(unittest.TestCase):
    def first_run(self, work):
        work.write("in/a.jsonl", "".join(json.dumps({"n": n}) + "\n" for n in range(50)) + "no json\n")
        work.write("old.yaml", PIPELINE % "old")
        work.write("new.yaml", PIPELINE % "new")
        work.run_to_end("old.yaml")

    def second_run(self, work):
        with open(work.path / "in/a.jsonl", "a", encoding="utf-8") as out:
            out.write("".join(json.dumps({"n": n}) + "\n" for n in range(50, 80)) + "no json either\n")
        return work.run_to_end("new.yaml")

    def check(self, work):
        numbers = [n for (n,) in outputs.rows(work.path / "out.db", "select n from t order by rowid")]
        outputs.check_exactly_once(numbers, list(range(80)), "sqlite")
        outputs.check_exactly_once(sorted(record["n"] for record in outputs.lake_records(work.path / "lake")), list(range(80)), "file")
        listed = work.command("dlq", "list", "new", "--data-dir", work.data, "--json")
        letters = [json.loads(line) for line in listed.stdout.splitlines()]
        self.assertEqual(["new", "new"], [letter["pipeline"] for letter in letters], listed.stderr)

    def rename(self, work, fault_point=None):
        environment = {"SLUICE_FAULT_POINT": fault_point} if fault_point else None
        return work.command("positions", "rename", "old", "new", "--data-dir", work.data, environment=environment)

    def test_everything_goes_on(self):
        with Workspace() as work:
            self.first_run(work)
            warned = work.command("validate", "new.yaml", "--data-dir", work.data, "--json")
            self.assertEqual(0, warned.returncode)
            findings = json.loads(warned.stdout)["findings"]
            self.assertEqual(["renamed_pipeline"], [finding["code"] for finding in findings])
            self.assertEqual((2, 7), (findings[0]["line"], findings[0]["column"]))
            self.assertIn("sluice positions rename old new", findings[0]["hint"])
            done = self.rename(work)
            self.assertEqual(0, done.returncode, done.stderr)
            self.assertIn('know it as "old"', done.stdout)
            quiet = work.command("validate", "new.yaml", "--data-dir", work.data, "--json")
            self.assertEqual([], json.loads(quiet.stdout)["findings"])
            self.second_run(work)
            self.check(work)
            # The old name is still taken outside.
            refused = work.command("validate", "old.yaml", "--data-dir", work.data)
            self.assertEqual(2, refused.returncode)
            self.assertIn('was once called "old"', refused.stderr)
            work.launch("old.yaml", arguments=("--until-done",)).wait_exit(2)
            # And back.
            back = work.command("positions", "rename", "new", "old", "--data-dir", work.data)
            self.assertEqual(0, back.returncode, back.stderr)
            work.run_to_end("old.yaml")
            self.assertEqual(80, len(outputs.rows(work.path / "out.db", "select n from t")))

    def test_killed_at_each_step_and_done_again(self):
        points = ["identity.before_write", "identity.after_rename", "positions_rename.before_letters", "positions_rename.before_move",
                  "positions_rename.after_move", "identity.before_rename:2"]
        for point in points:
            with self.subTest(point), Workspace() as work:
                self.first_run(work)
                died = self.rename(work, point if ":" in point else point + ":1")
                self.assertEqual(-9, died.returncode, died.stderr)
                halfway = work.launch("old.yaml", arguments=("--until-done",))
                if (work.data / "old").is_dir() and "renaming_to" in (work.data / "old/identity").read_text():
                    halfway.wait_exit(1)
                    self.assertIn("rename_unfinished", halfway.log())
                else:
                    halfway.kill()
                done = self.rename(work)
                self.assertEqual(0, done.returncode, done.stderr)
                self.second_run(work)
                self.check(work)

    def test_refusals(self):
        with Workspace() as work:
            self.first_run(work)
            work.write("other.yaml", PIPELINE.replace("out.db", "other.db").replace("lake/", "other/") % "other")
            work.run_to_end("other.yaml")
            for arguments, code, words in ((("none", "new"), 1, 'knows no pipeline "none"'),
                                           (("old", "other"), 1, "of its own"),
                                           (("old", "Old"), 64, "is no name"),
                                           (("old", "replay"), 64, "cannot be called"),
                                           (("old", "old"), 64, "the same")):
                with self.subTest(arguments):
                    done = work.command("positions", "rename", *arguments, "--data-dir", work.data)
                    self.assertEqual(code, done.returncode, done.stderr)
                    self.assertIn(words, done.stderr)
            missing = work.command("positions", "rename", "old", "new", "--data-dir", work.path / "nowhere")
            self.assertEqual(3, missing.returncode)
            work.write("tail.yaml", PIPELINE.replace("mode: once", "mode: follow") % "old")
            daemon = work.start("tail.yaml")
            held = self.rename(work)
            self.assertEqual(3, held.returncode)
            self.assertIn("another daemon", held.stderr)
            self.assertIn("positions_left_behind", daemon.log())  # of `other`, which no file describes now
            daemon.terminate()


if __name__ == "__main__":
    testing.main()
