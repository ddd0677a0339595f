"""Exit codes and what stands on the terminal: the contract of `sluice run` and `validate`."""

import json
import pathlib
import socket
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import outputs, testing  # noqa: E402
from support.daemon import Workspace  # noqa: E402

GOOD = """
name: good
source:
  generator: {dataset: orders, count: 1000, seed: 1}
sink:
  discard: {}
"""
ENDLESS = """
name: endless
source:
  generator: {dataset: orders, rate: 100/s}
sink:
  discard: {}
"""
BAD = """name: bad
source:
  generator: {datset: orders}
transforms:
  - filter: this.total >
sink:
  discard: {}
"""


class ExitCodes(unittest.TestCase):
    def test_until_done_ends_with_0(self):
        with Workspace() as work:
            work.write("p.yaml", GOOD)
            work.run_to_end("p.yaml", expect=0)

    def test_invalid_configuration_ends_with_2_and_nothing_starts(self):
        with Workspace() as work:
            work.write("good.yaml", GOOD.replace("discard: {}", "file: {path: out/, format: json}"))
            work.write("bad.yaml", BAD)
            daemon = work.run_to_end("good.yaml", "bad.yaml", expect=2)
            self.assertIn("bad.yaml:3:", daemon.log())
            self.assertIn("datset", daemon.log())
            self.assertIn("dataset", daemon.log(), "did you mean")
            self.assertIn("bad.yaml:5:", daemon.log(), "all errors at once")
            self.assertFalse((work.path / "out").exists(), "one bad file: nothing starts")

    def test_a_component_that_refuses_its_configuration_ends_with_2_and_is_named(self):
        with Workspace() as work:
            # The slot's name comes of the pipeline's, and only the component knows how long it may be.
            work.write("p.yaml", f"name: {'p' * 60}\nsource:\n  postgres_cdc: {{url: 'postgresql://127.0.0.1:1/x', tables: [public.a]}}\nsink:\n  discard: {{}}\n")
            daemon = work.launch("p.yaml")
            daemon.wait_exit(2, 20)
            self.assertIn("longer than 63 characters", daemon.log())
            self.assertIn("source postgres_cdc", daemon.log())
            self.assertNotIn("dead_letters", daemon.log())

    def test_validate_gives_places_as_json(self):
        with Workspace() as work:
            work.write("bad.yaml", BAD)
            done = work.command("validate", "bad.yaml", "--json")
            self.assertEqual(2, done.returncode)
            findings = json.loads(done.stdout)["findings"]
            unknown = [finding for finding in findings if finding["code"] == "unknown_key"]
            self.assertEqual([(3, 15)], [(finding["line"], finding["column"]) for finding in unknown])
            self.assertEqual("dataset", unknown[0]["suggestion"])
            self.assertIn("expression_syntax", [finding["code"] for finding in findings])

    def test_valid_file_validates(self):
        with Workspace() as work:
            work.write("p.yaml", GOOD)
            self.assertEqual(0, work.command("validate", "p.yaml").returncode)

    def test_one_daemon_per_data_directory(self):
        """G30: the second one ends with 3 and says why; the first goes on."""
        with Workspace() as work:
            work.write("p.yaml", ENDLESS)
            first = work.start("p.yaml")
            second = work.launch("p.yaml")
            second.wait_exit(expect=3)
            self.assertIn(str(work.data), second.log())
            self.assertIsNone(first.poll())
            first.kill()
            work.start("p.yaml").terminate(expect=0)

    def test_unusable_data_directory_ends_with_3(self):
        with Workspace() as work:
            work.write("p.yaml", GOOD)
            work.write("file", "no directory")
            work.launch("p.yaml", data=work.path / "file").wait_exit(expect=3)

    def test_port_in_use_ends_with_3(self):
        with Workspace() as work, socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            work.write("p.yaml", ENDLESS)
            daemon = work.launch("p.yaml", arguments=("--listen", f"127.0.0.1:{taken.getsockname()[1]}"))
            daemon.wait_exit(expect=3)
            self.assertIn(str(taken.getsockname()[1]), daemon.log())

    def test_until_done_refuses_a_source_without_end(self):
        with Workspace() as work:
            work.write("p.yaml", ENDLESS)
            work.run_to_end("p.yaml", expect=2)

    def test_dead_letters_end_with_4_when_asked(self):
        with Workspace() as work:
            work.write("p.yaml", GOOD.replace("seed: 1", "seed: 1, broken: 10%"))
            work.run_to_end("p.yaml", expect=4, arguments=("--fail-on-dead-letters",))

    def test_usage_ends_with_64(self):
        with Workspace() as work:
            self.assertEqual(64, work.command("run", "--no-such-option").returncode)

    def test_version(self):
        with Workspace() as work:
            done = work.command("version")
            self.assertEqual(0, done.returncode)
            self.assertIn("sluice", done.stdout)

    def test_explain_names_the_guarantee_of_each_sink(self):
        """G26"""
        with Workspace() as work:
            work.write("p.yaml", GOOD.replace("sink:\n  discard: {}", "sinks:\n  table:\n    sqlite: {path: a.db, table: t}\n  screen:\n    stdout: {}"))
            done = work.command("explain", "p.yaml")
            self.assertEqual(0, done.returncode, done.stderr)
            self.assertRegex(done.stdout, r"(?s)table.*exactly.once")
            self.assertRegex(done.stdout, r"(?s)screen.*at.least.once")


class Stdout(unittest.TestCase):
    def test_records_go_to_stdout_and_logs_do_not(self):
        with Workspace() as work:
            work.write("p.yaml", GOOD.replace("discard: {}", "stdout: {}"))
            done = work.command("run", "p.yaml", "--data-dir", work.data, "--listen", "127.0.0.1:0", "--until-done")
            self.assertEqual(0, done.returncode, done.stderr)
            self.assertEqual(1000, len([json.loads(line) for line in done.stdout.splitlines()]))


class SeveralPipelines(unittest.TestCase):
    def test_a_directory_of_files_is_a_daemons_work(self):
        with Workspace() as work:
            for name in ("one", "two"):
                work.write(f"pipelines/{name}.yaml", GOOD.replace("name: good", f"name: {name}").replace(
                    "discard: {}", "sqlite: {path: %s.db, table: t}" % (work.path / name)))
            work.run_to_end("pipelines")
            for name in ("one", "two"):
                self.assertEqual([(1000,)], outputs.rows(work.path / f"{name}.db", "select count(*) from t"))


if __name__ == "__main__":
    testing.main()
