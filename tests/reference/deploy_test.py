"""deploy/: the unit is one that systemd reads, and its settings file is one that sluice reads."""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import testing  # noqa: E402
from support.daemon import ROOT, Workspace  # noqa: E402


class Deploy(unittest.TestCase):
    def unit(self):
        lines = (ROOT / "deploy/sluice.service").read_text("utf-8").splitlines()
        return [line.split("=", 1) for line in lines if "=" in line and not line.startswith("#")]

    def test_the_unit_has_a_place_to_write_and_its_command_is_known(self):
        unit = dict(self.unit())
        self.assertEqual("sluice", unit["StateDirectory"])
        self.assertEqual("%S/sluice", unit["WorkingDirectory"], "relative paths of pipelines")
        with Workspace() as work:
            known = work.command("run", "--help").stdout
            for option in re.findall(r"--[a-z-]+", unit["ExecStart"]):
                self.assertIn(option, known)

    def test_systemd_reads_the_unit(self):
        if shutil.which("systemd-analyze") is None:
            self.skipTest("no systemd-analyze here")
        done = subprocess.run(["systemd-analyze", "verify", ROOT / "deploy/sluice.service"], capture_output=True, text=True)
        said = [line for line in done.stderr.splitlines() if "sluice.service" in line and "is not executable" not in line]
        self.assertEqual([], said)

    def test_the_settings_are_good_with_and_without_the_comments(self):
        text = (ROOT / "deploy/settings.yaml").read_text("utf-8")
        with Workspace() as work:
            pipeline = work.write("p.yaml", "source: {generator: {count: 1}}\nsink: {discard: {}}\n")
            self.assertEqual("", work.command("validate", pipeline, "--settings", ROOT / "deploy/settings.yaml").stderr)
            token, pem = work.write("token", "0" * 64 + "\n"), work.write("tls.pem", "x")
            whole = re.sub(r"(?m)^# (token_file|tls|connections|  )", r"\1", text)
            whole = whole.replace("/etc/sluice/token", str(token)).replace("/etc/sluice/tls.pem", str(pem)).replace("/etc/sluice/tls.key", str(pem))
            self.assertIn("\nconnections:", whole)
            settings = work.write("settings.yaml", whole)
            done = work.command("validate", pipeline, "--settings", settings, environment={"SHOP_DB_URL": "postgresql://localhost/x"})
            self.assertEqual((0, ""), (done.returncode, done.stderr))

    def test_the_dashboard_and_the_rules_are_read(self):
        dashboard = json.loads((ROOT / "deploy/grafana/sluice.json").read_text("utf-8"))
        self.assertGreater(len(dashboard["panels"]), 10)
        for panel in dashboard["panels"]:
            self.assertTrue(panel["targets"] and all(target["expr"] for target in panel["targets"]), panel["title"])
        rules = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yaml").read_text("utf-8"))["groups"][0]["rules"]
        self.assertEqual(len(rules), len({rule["alert"] for rule in rules}))
        for rule in rules:
            self.assertIn(rule["labels"]["severity"], ("page", "ticket"))
            self.assertTrue(rule["expr"] and rule["annotations"]["summary"])
        if shutil.which("promtool") is not None:
            subprocess.run(["promtool", "check", "rules", ROOT / "deploy/prometheus/alerts.yaml"], check=True, capture_output=True)


class Settings(unittest.TestCase):
    def test_flags_win_and_wrong_settings_are_located(self):
        with Workspace() as work:
            pipeline = work.write("p.yaml", "name: p\nsource: {generator: {count: 10}}\nsink: {discard: {}}\n")
            settings = work.write("s.yaml", f"data_dir: {work.path}/of-settings\nlisten: 127.0.0.1:1\nlog: {{format: json}}\n")
            daemon = work.run_to_end(pipeline, arguments=("--settings", settings, "--log-format", "text"))
            self.assertFalse((work.path / "of-settings").exists(), "--data-dir wins")
            self.assertNotIn('{"time"', daemon.log(), "--log-format wins")
            done = work.command("run", pipeline, "--settings", settings, "--listen", "127.0.0.1:0", "--until-done")
            self.assertEqual(0, done.returncode, done.stderr)
            self.assertTrue((work.path / "of-settings/p").exists())
            self.assertIn('{"time"', done.stderr)
            work.write("s.yaml", "lisen: 127.0.0.1:1\nlog: {level: loud}\n")
            done = work.command("run", pipeline, "--settings", settings, "--until-done")
            self.assertEqual(2, done.returncode)
            self.assertIn("s.yaml:1:1: error[unknown_key]", done.stderr)
            self.assertIn("s.yaml:2:14: error[bad_value]", done.stderr)
            self.assertFalse((work.path / "sluice-data").exists(), "nothing has started")

    def test_a_second_daemon_on_one_data_directory_gets_a_clear_answer(self):
        with Workspace() as work:
            pipeline = work.write("p.yaml", "name: p\nsource: {generator: {rate: 10/s}}\nsink: {discard: {}}\n")
            work.start(pipeline)
            done = work.command("run", pipeline, "--data-dir", work.data, "--listen", "127.0.0.1:0")
            self.assertEqual(3, done.returncode)
            self.assertIn("data_directory_in_use", done.stderr)
            self.assertIn("--data-dir", done.stderr)

    def test_the_token_of_the_settings_guards_the_api(self):
        with Workspace() as work:
            pipeline = work.write("p.yaml", "name: p\nsource: {generator: {rate: 10/s}}\nsink: {discard: {}}\n")
            token = work.write("token", "0123456789abcdef0123456789abcdef\n")
            token.chmod(0o600)
            settings = work.write("s.yaml", f"token_file: {token}\n")
            daemon = work.launch(pipeline, arguments=("--settings", settings))
            testing.wait_for(lambda: daemon.get("/healthz")[0] == 200, 20, "the daemon answers")
            self.assertEqual(401, daemon.get("/metrics")[0])

    def test_the_environment_file_of_the_settings_is_used_and_the_flag_replaces_it(self):
        with Workspace() as work:
            pipeline = work.write("p.yaml", "name: ${NAME_OF_IT}\nsource: {generator: {count: 1}}\nsink: {discard: {}}\n")
            work.write("one.env", "NAME_OF_IT=one\n")
            work.write("two.env", "NAME_OF_IT=two\n")
            settings = work.write("s.yaml", "env_file: one.env\n")
            self.assertIn("pipeline one is valid", work.command("validate", pipeline, "--settings", settings).stdout)
            self.assertIn("pipeline two is valid", work.command("validate", pipeline, "--settings", settings, "--env-file", "two.env").stdout)
            work.write("s.yaml", "env_file: none.env\n")
            done = work.command("validate", pipeline, "--settings", settings)
            self.assertEqual(2, done.returncode)
            self.assertIn("s.yaml:1:11: error[unreadable_file]", done.stderr)


if __name__ == "__main__":
    testing.main()
