"""The series of /metrics: all there from the start, described in docs/operations/metrics.md, and as Prometheus wants them."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import admin, testing  # noqa: E402
from support.daemon import Workspace, parse_metrics  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/operations/metrics.md"
PIPELINE = """
name: orders
source:
  generator: {dataset: orders, count: 3000, rate: 2000/s, seed: 3, broken: 3%}
transforms:
  - filter: this.status != "test"
sinks:
  table:
    sqlite: {path: out.db, table: orders, mode: append}
  lake:
    when: this.total > 50.0
    file: {path: lake/, format: json}
checkpoint: {every: 50ms}
"""
FILES = """
name: files
source:
  file: {paths: ["in/*.jsonl"], format: json, mode: follow}
sink:
  discard: {}
"""
# Its codes are those of the records that come.
OPEN_LABELS = {"sluice_dead_letters_total"}
ROW = re.compile(r"^\| `(sluice_\w+)` \| (counter|gauge|histogram) \| ([^|]*) \| ([^|]*) \|", re.MULTILINE)


def described():
    """{name: (type, {label}, always)}"""
    return {name: (kind, set(re.findall(r"`(\w+)`", labels)), not when.strip()) for name, kind, labels, when in ROW.findall(PAGE.read_text("utf-8"))}


def families(text):
    """{name: type}"""
    return dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE))


def labels_of(text, family):
    found = set()
    for (name, labels), _ in parse_metrics(text).items():
        if re.sub(r"_(bucket|sum|count)$", "", name) == family or name == family:
            found |= {label for label, _ in labels}
    return found - {"le"}


def registered():
    """Names of series in the source code."""
    names = set()
    for folder in ("core", "metrics", "storage", "dlq", "sources", "transforms", "sinks", "pipeline", "daemon"):
        for path in (ROOT / folder).rglob("*.[ch]*"):
            names |= set(re.findall(r'"(sluice_[a-z_]+(?:_total|_seconds|_bytes|_ratio|_messages|_stored|_success|_state|_info|_status|_exceeded|_flight'
                                    r'|_connected))"', path.read_text("utf-8")))
    return names


class Metrics(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with Workspace() as work:
            work.write("conf/orders.yaml", PIPELINE)
            work.write("conf/files.yaml", FILES)
            work.write("in/a.jsonl", '{"id": 1}\n')
            daemon = work.start("conf")
            cls.first = daemon.get("/metrics")[1]
            admin.until_state(daemon, "orders", "stopped")
            cls.last = daemon.get("/metrics")[1]
            daemon.terminate(expect=0)

    def test_every_series_is_there_from_the_start(self):
        new = set(parse_metrics(self.last)) - set(parse_metrics(self.first))
        self.assertEqual([], sorted(series for series in new if series[0] not in OPEN_LABELS))

    def test_what_is_shown_is_described_and_what_is_described_is_shown(self):
        pages = described()
        shown = families(self.last)
        self.assertEqual([], sorted(set(shown) - set(pages)), "in docs/operations/metrics.md")
        always = {name for name, (_, _, every) in pages.items() if every}
        self.assertEqual([], sorted(always - set(shown)))
        for name, kind in shown.items():
            self.assertEqual((kind, labels_of(self.last, name)), pages[name][:2], name)

    def test_the_page_names_what_the_code_registers_and_no_other(self):
        self.assertEqual([], sorted(registered() - set(described())))
        self.assertEqual([], sorted(set(described()) - registered()))

    def test_promtool_finds_nothing(self):
        promtool = os.environ.get("SLUICE_PROMTOOL") or shutil.which("promtool")
        if not promtool:
            self.skipTest("promtool is not installed (Debian's package prometheus)")
        done = subprocess.run([promtool, "check", "metrics"], input=self.last, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((0, "", ""), (done.returncode, done.stdout, done.stderr))


if __name__ == "__main__":
    testing.main()
