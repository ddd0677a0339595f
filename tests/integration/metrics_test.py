"""The series of /metrics: all there from the start, those that the reference lists, and as Prometheus wants them."""

import json
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
# Only some sources know it.
SOME_SOURCES = {"sluice_source_lag_seconds"}


def described(work):
    """{name: (type, {label}, [who has it])}"""
    listed = json.loads(work.command("components", "--json").stdout)["metrics"]
    return {metric["name"]: (metric["type"], set(metric["labels"].split()), metric["of"].split()) for metric in listed}


def families(text):
    """{name: type}"""
    return dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE))


def labels_of(text, family):
    found = set()
    for (name, labels), _ in parse_metrics(text).items():
        if re.sub(r"_(bucket|sum|count)$", "", name) == family or name == family:
            found |= {label for label, _ in labels}
    return found - {"le"}


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
            cls.listed = described(work)
            daemon.terminate(expect=0)

    def test_every_series_is_there_from_the_start(self):
        new = set(parse_metrics(self.last)) - set(parse_metrics(self.first))
        self.assertEqual([], sorted(series for series in new if series[0] not in OPEN_LABELS))

    def test_what_is_listed_is_shown_and_nothing_else(self):
        shown = families(self.last)
        self.assertEqual([], sorted(set(shown) - set(self.listed)), "in daemon/metric_list.cc")
        everybody = {name for name, (_, _, of) in self.listed.items() if {"daemon", "pipeline", "source", "transform", "sink"} & set(of)}
        self.assertEqual([], sorted(everybody - set(shown) - SOME_SOURCES))
        for name, kind in shown.items():
            self.assertEqual((kind, labels_of(self.last, name)), self.listed[name][:2], name)

    def test_promtool_finds_nothing(self):
        promtool = os.environ.get("SLUICE_PROMTOOL") or shutil.which("promtool")
        if not promtool:
            self.skipTest("promtool is not installed (Debian's package prometheus)")
        done = subprocess.run([promtool, "check", "metrics"], input=self.last, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((0, "", ""), (done.returncode, done.stdout, done.stderr))


if __name__ == "__main__":
    testing.main()
