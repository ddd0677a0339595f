"""What validates, boots: every accepted configuration of the corpus is run (CONFIG.md rule 17)."""

import json
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import testing  # noqa: E402
from support.daemon import ROOT, Workspace  # noqa: E402
from support.testing import wait_for  # noqa: E402

CORPUS = ROOT / "tests" / "config"
EXPECT = "# expect: "
# Of corpus.cc; nothing listens on port 1, so pipelines with a server go no further than connecting.
VARIABLES = {"SHOP_DB_URL": "postgresql://shop:pw@127.0.0.1:1/shop", "WAREHOUSE": "out/warehouse.db", "TOPIC": "orders", "REGION": "eu",
             "COUNT": "12", "EVERY": "5s", "EMPTY": "", "STRUCTURE": "x, mode: [upsert]}\n- ${COUNT}", "WORD": "seven"}
SECRETS = "/run/secrets/"


def accepted():
    """{name: text} of the good configurations and of the wrong ones that only give warnings."""
    texts = {path.stem: path.read_text("utf-8") for path in sorted((CORPUS / "good").glob("*.yaml"))}
    for path in sorted((CORPUS / "wrong").glob("*.yaml")):
        if path.with_suffix(".expect").exists():
            continue
        lines = path.read_text("utf-8").splitlines(keepends=True)
        expected = [line for line in lines if line.startswith(EXPECT)]
        if expected and all(" warning " in line for line in expected):
            texts["doubtful-" + path.stem] = "".join(line for line in lines if not line.startswith(EXPECT))
    return texts


class Boot(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.work = Workspace()
        self.addCleanup(self.work.__exit__)
        (self.work.path / "secrets").mkdir()
        for name in ("password", "mode"):
            (self.work.path / "secrets" / name).write_text("s3cret", "utf-8")
        self.environment = dict(VARIABLES)

    def write_all(self):
        texts = accepted()
        self.assertGreaterEqual(len(texts), 22)
        for name, text in texts.items():
            # one directory for all: a name that is given stays, the file's name does for the others
            self.work.write(f"pipelines/{name}.yaml", text.replace(SECRETS, str(self.work.path / "secrets") + "/"))
        return texts

    def test_what_validates_boots(self):
        texts = self.write_all()
        checked = self.work.command("validate", "pipelines", environment=self.environment)
        self.assertEqual(0, checked.returncode, checked.stderr)
        daemon = self.work.launch("pipelines", environment=self.environment)

        def pipelines():
            status, text = daemon.get("/api/v1/pipelines")
            return json.loads(text) if status == 200 else None

        def all_started():
            known = pipelines()
            return known is not None and len(known) == len(texts) and all(one["state"] != "starting" for one in known) and known

        states = {one["name"]: one for one in wait_for(all_started, 60, "every pipeline past its start")}
        failed = {name: one["last_error"] for name, one in states.items() if one["state"] == "failed"}
        self.assertEqual({}, failed)
        daemon.terminate(expect=0, seconds=60)

    def test_the_wrong_ones_start_nothing(self):
        """`run` refuses with 2, and makes no data directory."""
        wrong = sorted((CORPUS / "wrong").glob("frame-*.yaml"))[:10] + sorted((CORPUS / "wrong").glob("yaml-*.yaml"))[:10]
        for path in wrong:
            with self.subTest(path.name):
                done = self.work.command("run", path, "--data-dir", self.work.path / "never", "--listen", "127.0.0.1:0",
                                         environment=self.environment)
                self.assertEqual(2, done.returncode, done.stderr)
                self.assertIn(f"{path}:", done.stderr)
        self.assertFalse(os.path.exists(self.work.path / "never"))


if __name__ == "__main__":
    testing.main()
