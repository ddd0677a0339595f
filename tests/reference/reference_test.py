"""docs/reference/ is what the program says of itself, and what it shows works."""

import json
import pathlib
import re
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import code_scan  # noqa: E402
from support import testing  # noqa: E402
from support.daemon import ROOT, Workspace, binary  # noqa: E402

# Of COMPONENTS.md: the findings that validate may have, also those that only come with types or --online.
CLOSED_LIST = """unknown_key unknown_component unknown_reference missing_key wrong_type bad_value out_of_range duplicate_key conflict
unset_variable unread_step cycle yaml_syntax yaml_limit yaml_trap expression_syntax expression_type expression_unknown_field
expression_unknown_function constant_condition template_maybe_null renamed_pipeline unreadable_file""".split()

SERIES = re.compile(r'"(sluice_[a-z0-9_]+)"\s*,\s*((?:"(?:[^"\\]|\\.)*"\s*)*)')
NO_SERIES = {"sluice_probe_of_filters"}  # a publication that is made and rolled back


def series_in_source():
    """name -> help texts (empty where the call names a constant)."""
    found = {}
    for path in code_scan.sources():
        if path.name == "metric_list.cc":
            continue
        for name, help_text in SERIES.findall(path.read_text("utf-8")):
            if name not in NO_SERIES:
                found.setdefault(name, set()).add("".join(re.findall(r'"((?:[^"\\]|\\.)*)"', help_text)))
    constant = re.search(r'kSourceLagName = "(\w+)";.*?kSourceLagHelp = "([^"]*)"', (ROOT / "core/metrics.h").read_text("utf-8"), re.DOTALL)
    found[constant.group(1)] = {constant.group(2)}
    return found


class Reference(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with Workspace() as work:
            cls.described = json.loads(work.command("components", "--json").stdout)
            cls.codes = json.loads(work.command("explain-error", "--json").stdout)["codes"]

    def test_the_pages_are_fresh(self):
        done = subprocess.run([sys.executable, ROOT / "dev.d/reference.py", "--binary", binary(), "--check"], capture_output=True, text=True)
        self.assertEqual(0, done.returncode, done.stderr)

    def test_links_in_the_pages_lead_somewhere(self):
        folder = ROOT / "docs/reference"
        for page in folder.glob("*.md"):
            for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
                self.assertTrue((folder / target).exists(), f"{page.name}: {target}")

    def test_every_example_validates_and_runs_where_it_needs_no_server(self):
        examples = sorted((ROOT / "docs/reference/examples").glob("*.yaml"))
        names = {f"{c['kind']}-{c['name']}" for c in self.described["components"] if c["kind"] != "file"}
        self.assertEqual(names, {path.stem for path in examples})
        ran = set()
        for path in examples:
            with self.subTest(path.name), Workspace() as work:
                environment = {"OUT": str(work.path / "out"), "SAMPLES": str(ROOT / "configs/samples")}
                done = work.command("validate", path, environment=environment)
                self.assertEqual(0, done.returncode, done.stderr)
                self.assertEqual("", done.stderr, "an example has no warnings")
                if not re.search(r"(?m)^  (kafka|postgres|mysql|http)\w*:", path.read_text("utf-8")):
                    daemon = work.run_to_end(path, environment=environment, expect=0)
                    self.assertNotIn("error", daemon.log().replace("last_error", ""), path.name)
                    ran.add(path.stem)
        self.assertLessEqual({"source-file", "transform-set", "sink-sqlite"}, ran)

    def test_every_code_in_the_source_is_explained(self):
        known = {code["code"] for code in self.codes}
        missing = {code: sorted(files) for code, files in code_scan.codes().items() if code not in known}
        self.assertEqual({}, missing, "add them to daemon/error_codes_*.cc")
        self.assertEqual([], [code for code in CLOSED_LIST if code not in known])

    def test_every_explained_code_is_in_the_source(self):
        text = "".join(path.read_text("utf-8") for path in code_scan.sources() if not path.name.startswith("error_codes_"))
        dead = [c["code"] for c in self.codes if f'"{c["code"]}"' not in text and c["code"] not in CLOSED_LIST]
        self.assertEqual([], dead, "nothing can have these codes")

    def test_every_code_says_what_to_do(self):
        for code in self.codes:
            for key in ("where", "meaning", "cause", "action"):
                self.assertTrue(code[key].strip(), f"{code['code']}: {key}")

    def test_the_list_of_series_is_that_of_the_source(self):
        listed = {metric["name"]: metric for metric in self.described["metrics"]}
        made = series_in_source()
        self.assertEqual(sorted(made), sorted(listed), "daemon/metric_list.cc")
        for name, help_texts in made.items():
            self.assertIn(listed[name]["help"], help_texts - {""}, name)

    def test_what_a_daemon_serves_is_in_the_list(self):
        listed = {metric["name"]: metric for metric in self.described["metrics"]}
        with Workspace() as work:
            work.write("p.yaml", "name: p\nsource: {generator: {dataset: orders, rate: 100/s, broken: 10%}}\n"
                                 "transforms: [{drop: [note]}]\nsink: {discard: {}}\n")
            daemon = work.start("p.yaml")
            types = dict(re.findall(r"(?m)^# TYPE (\w+) (\w+)", daemon.get("/metrics")[1]))
            for name, kind in types.items():
                self.assertEqual(kind, listed[name]["type"], name)
            for name in ("sluice_records_in_total", "sluice_step_cpu_seconds_total", "sluice_commits_total"):
                self.assertIn(name, types)

    def test_dashboards_and_alert_rules_use_series_that_exist(self):
        listed = {metric["name"]: metric for metric in self.described["metrics"]}
        files = [path for folder in ("grafana", "prometheus") for path in (ROOT / "deploy" / folder).glob("*") if path.suffix in (".json", ".yaml", ".yml")]
        self.assertGreaterEqual(len(files), 2)
        for path in files:
            for name in set(re.findall(r"\bsluice_[a-z0-9_]+\b", path.read_text("utf-8"))):
                base = re.sub(r"_(bucket|sum|count)$", "", name)
                histogram = base in listed and listed[base]["type"] == "histogram" and base != name
                self.assertTrue(name in listed or histogram, f"{path.name}: {name}")


class ExplainError(unittest.TestCase):
    def test_a_code_is_explained(self):
        with Workspace() as work:
            done = work.command("explain-error", "template_missing")
            self.assertEqual(0, done.returncode)
            for part in ("dead letter", "likely cause", "what to do"):
                self.assertIn(part, done.stdout)

    def test_an_unknown_code_gets_a_suggestion(self):
        with Workspace() as work:
            done = work.command("explain-error", "unknwon_key")
            self.assertEqual(64, done.returncode)
            self.assertIn('did you mean "unknown_key"?', done.stderr)


if __name__ == "__main__":
    testing.main()
