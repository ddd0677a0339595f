"""Reload (G28): what has not changed is not touched, what has drains and goes on, and a load that fails changes nothing."""

import json
import os
import pathlib
import signal
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import admin, outputs, testing  # noqa: E402
from support.daemon import Workspace  # noqa: E402

# `step` makes each version another configuration.
FOLLOW = """
name: follow
source:
  file: {paths: ["in/*.jsonl"], format: json, mode: follow}
transforms:
  - set: {step: "%d"}
sink:
  sqlite: {path: follow.db, table: lines, mode: append}
checkpoint: {every: 20ms}
"""
STEADY = """
name: steady
source:
  generator: {dataset: clicks, rate: 500/s, seed: 3}
sink:
  sqlite: {path: steady.db, table: clicks, mode: append}
checkpoint: {every: 20ms}
"""
OTHER = STEADY.replace("steady", "other")
RELOADS = 100
SECONDS = 30  # all of the reloads together; fewer are done on a machine that is too slow for a hundred


def plan_of(report):
    return {planned["name"]: planned["action"] for planned in report["pipelines"]}


class Reload(unittest.TestCase):
    def start(self, work):
        work.write("conf/follow.yaml", FOLLOW % 0)
        work.write("conf/steady.yaml", STEADY)
        work.write("in/a.jsonl", "")
        return work.start("conf")

    def test_a_plan_then_the_reload(self):
        with Workspace() as work:
            daemon = self.start(work)
            since = daemon.pipeline("steady")["since"]
            work.write("conf/follow.yaml", FOLLOW % 1 + "description: new\n")
            work.write("conf/other.yaml", OTHER)
            status, plan = admin.post(daemon, "/api/v1/reload?plan=true")
            self.assertEqual((200, False), (status, plan["applied"]))
            self.assertEqual({"follow": "change", "other": "start", "steady": "none"}, plan_of(plan))
            self.assertEqual(404, daemon.get("/api/v1/pipelines/other")[0], "a plan starts nothing")
            url = ("--admin", f"http://127.0.0.1:{daemon.port()}")
            shown = work.command("reload", "--plan", *url)
            self.assertEqual(0, shown.returncode, shown.stderr)
            self.assertIn("change  follow", shown.stdout)
            self.assertIn("keep    steady", shown.stdout)
            done = work.command("reload", "--yes", *url)
            self.assertEqual(0, done.returncode, done.stderr + daemon.log_tail())
            self.assertEqual(since, daemon.pipeline("steady")["since"], "unchanged: not touched")
            self.assertEqual(200, daemon.get("/api/v1/pipelines/other")[0])
            os.remove(work.path / "conf/other.yaml")
            status, report = admin.post(daemon, "/api/v1/reload")
            self.assertEqual({"follow": "none", "other": "stop", "steady": "none"}, plan_of(report))
            self.assertEqual(404, daemon.get("/api/v1/pipelines/other")[0])
            self.assertTrue((work.data / "other" / "checkpoint").exists(), "its positions stay")
            self.assertEqual(1, daemon.metrics()[("sluice_config_reload_success", ())])
            daemon.terminate(expect=0)

    def test_files_that_are_wrong_change_nothing(self):
        with Workspace() as work:
            daemon = self.start(work)
            since = [daemon.pipeline(name)["since"] for name in ("follow", "steady")]
            loaded = daemon.metrics()[("sluice_config_reload_timestamp_seconds", ())]
            self.assertLess(time.time() - loaded, 600)
            work.write("conf/follow.yaml", FOLLOW % 1)
            work.write("conf/steady.yaml", STEADY.replace("rate:", "rte:"))
            os.kill(daemon.pid, signal.SIGHUP)
            testing.wait_for(lambda: daemon.metrics()[("sluice_config_reload_success", ())] == 0, 20, "a failed reload")
            self.assertIn("steady.yaml:4", daemon.log())
            status, report = admin.post(daemon, "/api/v1/reload")
            self.assertEqual((422, "invalid_config"), (status, report["code"]))
            self.assertEqual(4, report["findings"][0]["line"])
            self.assertEqual(since, [daemon.pipeline(name)["since"] for name in ("follow", "steady")])
            self.assertEqual(loaded, daemon.metrics()[("sluice_config_reload_timestamp_seconds", ())])
            self.assertEqual(1, work.command("reload", "--yes", "--admin", f"http://127.0.0.1:{daemon.port()}").returncode)
            daemon.terminate(expect=0)

    def test_a_pipeline_that_refuses_its_new_configuration_gives_way_to_the_old_one(self):
        name = "p" * 60  # the slot's name comes of it, and only the component knows how long that may be
        with Workspace() as work:
            steady = STEADY.replace("name: steady", f"name: {name}")
            work.write("conf/p.yaml", steady)
            daemon = work.start("conf")
            refusing = "source:\n  postgres_cdc: {url: 'postgresql://127.0.0.1:1/x', tables: [public.a]}\n"
            work.write("conf/p.yaml", steady[:steady.index("source:")] + refusing + steady[steady.index("sink:"):])
            status, report = admin.post(daemon, "/api/v1/reload")
            self.assertEqual((409, "reload_refused"), (status, report.get("code")), report)
            self.assertIn("longer than 63 characters", report["problems"][0])
            admin.until_state(daemon, name, "running")
            before = len(outputs.rows(work.path / "steady.db", "select id from clicks"))
            testing.wait_for(lambda: len(outputs.rows(work.path / "steady.db", "select id from clicks")) > before, 20, "the old one's rows")
            self.assertEqual(0, daemon.metrics()[("sluice_config_reload_success", ())])
            daemon.terminate(expect=0)

    def test_a_hundred_reloads_under_load_lose_and_double_nothing(self):
        with Workspace() as work:
            daemon = self.start(work)
            deadline = time.monotonic() + SECONDS
            written, done = 0, 0
            with open(work.path / "in/a.jsonl", "a", encoding="utf-8") as lines:
                while done < RELOADS and (time.monotonic() < deadline or done < 10):
                    done += 1
                    for _ in range(50):
                        lines.write(json.dumps({"id": written}) + "\n")
                        written += 1
                    lines.flush()
                    work.write("conf/follow.yaml", FOLLOW % done)
                    status, report = admin.post(daemon, "/api/v1/reload")
                    self.assertEqual((200, "change", "none"), (status, *sorted(plan_of(report).values())), report)
            testing.wait_for(lambda: len(outputs.rows(work.path / "follow.db", "select id from lines")) >= written, 30, "all lines")
            self.assertEqual(1, daemon.metrics()[("sluice_config_reload_success", ())])
            daemon.terminate(expect=0)
            rows = outputs.rows(work.path / "follow.db", "select id, step from lines order by rowid")
            outputs.check_exactly_once([int(row[0]) for row in rows], list(range(written)), f"{done} reloads")
            self.assertGreater(len({row[1] for row in rows}), done // 3, "the new configurations were used")
            clicks = [row[0] for row in outputs.rows(work.path / "steady.db", "select id from clicks order by rowid")]
            self.assertEqual(len(set(clicks)), len(clicks))
            print(f"{done} reloads, {written} lines", file=sys.stderr)


if __name__ == "__main__":
    testing.main()
