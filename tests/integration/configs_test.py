"""Every file in configs/ validates, those that need no server run, and every pipeline that README.md shows validates."""

import contextlib
import gzip
import json
import pathlib
import re
import sqlite3
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import testing  # noqa: E402
from support.daemon import ROOT, Workspace  # noqa: E402


class Configs(unittest.TestCase):
    def test_every_example_validates(self):
        examples = sorted((ROOT / "configs").glob("*.yaml"))
        self.assertTrue(examples)
        with Workspace() as work:
            for path in examples:
                with self.subTest(path.name):
                    done = work.command("validate", path, "--allow-unset")
                    self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def run_config(self, work, name, **environment):
        environment = {"OUT": str(work.path / "out"), "SAMPLES": str(ROOT / "configs/samples"), **environment}
        return work.run_to_end(ROOT / "configs" / name, environment=environment, expect=0)

    def lines(self, path):
        opened = gzip.open(path, "rt") if path.suffix == ".gz" else path.open(encoding="utf-8")
        with opened as file:
            return file.read().splitlines()

    def test_csv_to_sqlite(self):
        with Workspace() as work:
            for _ in range(2):  # again and again: the same rows
                self.run_config(work, "csv_to_sqlite.yaml")
            with contextlib.closing(sqlite3.connect(work.path / "out/orders.db")) as database:
                rows = database.execute("SELECT id, total, total_cents FROM orders").fetchall()
            self.assertGreater(len(rows), 100)
            self.assertEqual(len(rows), len({row[0] for row in rows}))
            self.assertTrue(all(round(float(total) * 100) == cents for _, total, cents in rows))

    def test_split_by_country(self):
        with Workspace() as work:
            self.run_config(work, "split_by_country.yaml")
            german = [json.loads(line) for path in (work.path / "out/germany").glob("*.json") for line in self.lines(path)]
            large = [json.loads(line) for path in (work.path / "out/large").glob("*.gz") for line in self.lines(path)]
            self.assertEqual({"DE"}, {row["country_code"] for row in german})
            self.assertGreaterEqual(min(float(row["total"]) for row in large), 500)
            self.assertNotIn("test", {row["status"] for row in german + large})

    def test_private_and_public(self):
        with Workspace() as work:
            self.run_config(work, "private_and_public.yaml")
            with contextlib.closing(sqlite3.connect(work.path / "out/audit.db")) as database:
                rows, mails = database.execute("SELECT count(*), count(email) FROM orders").fetchone()
            self.assertGreater(mails, 4000)
            files = list((work.path / "out/public").rglob("*.zst"))
            self.assertGreater(len(files), 3, "one folder per country")
            self.assertLess(rows, 5000, "the broken ones are dead letters")

    def test_archive_files(self):
        with Workspace() as work:
            work.write("inbox/a.jsonl", '{"id": 1}\n{"id": 2}\n')
            self.run_config(work, "archive_files.yaml", INBOX=str(work.path / "inbox"), DONE=str(work.path / "done/today"))
            self.assertEqual([], list((work.path / "inbox").iterdir()))
            self.assertEqual(["a.jsonl"], [path.name for path in (work.path / "done/today").iterdir()], "the folder was made")
            self.assertEqual(1, len(list((work.path / "out/archive").glob("*.zst"))))

    def test_customers_to_csv(self):
        with Workspace() as work:
            self.run_config(work, "customers_to_csv.yaml")
            lines = self.lines(work.path / "out/customers.csv")
            self.assertEqual("id;name;country_code;since", lines[0])
            self.assertRegex(lines[1], r"^\d+;[^;]+;(DE|AT|CH);\d{4}-\d\d-\d\d$")

    def test_a_directory_of_pipelines_with_settings(self):
        with Workspace() as work:
            folder = ROOT / "configs/with_settings"
            daemon = work.run_to_end(folder / "pipelines", arguments=("--settings", folder / "settings.yaml"), environment={"OUT": str(work.path / "out")})
            self.assertIn('"pipelines":"2"', daemon.log(), "the log is JSON, as the settings say")
            with contextlib.closing(sqlite3.connect(work.path / "out/warehouse.db")) as database:
                counts = [database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("customers", "orders")]
            self.assertEqual([200, 1000], counts)

    def test_pipelines_in_the_documents_validate(self):
        with Workspace() as work:
            for document in ("README.md", "CONTRIBUTING.md"):
                for index, text in enumerate(re.findall(r"```yaml\n(.*?)```", (ROOT / document).read_text("utf-8"), re.DOTALL)):
                    with self.subTest(f"{document} {index}"):
                        path = work.write(f"{document}-{index}.yaml", text)
                        done = work.command("validate", path, "--allow-unset")
                        self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def test_pipelines_of_the_guide_validate(self):
        blocks = re.findall(r"```yaml\n(name:.*?)```", (ROOT / "docs" / "pipelines.md").read_text("utf-8"), re.DOTALL)
        self.assertGreater(len(blocks), 2)
        with Workspace() as work:
            for index, text in enumerate(blocks):
                with self.subTest(index):
                    path = work.write(f"guide-{index}.yaml", text)
                    done = work.command("validate", path)
                    self.assertEqual((0, ""), (done.returncode, done.stderr))


if __name__ == "__main__":
    testing.main()
