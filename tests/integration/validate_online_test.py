"""`validate --online`: expressions against the columns that PostgreSQL's catalogue has; and a renamed pipeline's slot.

CONFIG.md rules 8, 11, 17, 18; G11.
"""

import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import outputs, testing  # noqa: E402
from support.daemon import Workspace  # noqa: E402
from support.postgres import Postgres  # noqa: E402

PIPELINE = """name: %s
source:
  postgres_cdc: {url: "%s", tables: ["public.*"]}
"""
STEPS = """transforms:
  - filter: this.totl > 5
  - filter: this.total == "x"
    name: second
  - drop: [emial]
sink:
  file: {path: "out/${this.note}/", format: json}
"""
SCHEMA = """
create table orders (id bigint primary key, total numeric(10,2) not null, note text);
create table customers (id bigint primary key, email text not null, tags text[]);
"""


class Online(unittest.TestCase):
    def findings(self, work, *arguments):
        done = work.command("validate", "p.yaml", "--json", *arguments)
        return done.returncode, [(f["line"], f["code"], f.get("suggestion")) for f in json.loads(done.stdout)["findings"]]

    def test_columns_of_the_catalogue(self):
        with Postgres() as server, Workspace() as work:
            server.sql(SCHEMA)
            work.write("p.yaml", PIPELINE % ("shop", server.url) + STEPS)
            self.assertEqual((0, []), self.findings(work))  # nothing is known
            self.assertEqual((2, [(5, "expression_unknown_field", "total"), (6, "expression_type", None),
                                  (8, "expression_unknown_field", "email"), (10, "template_maybe_null", None)]),
                             self.findings(work, "--online"))
            server.sql("drop table orders, customers")
            code, missing = self.findings(work, "--online")
            self.assertEqual((0, [(3, "not_checked", None)]), (code, missing))
            work.write("p.yaml", (PIPELINE % ("shop", server.url)).replace(str(server.port), "1") + STEPS)
            self.assertEqual((0, [(3, "not_checked", None)]), self.findings(work, "--online"))

    def test_a_renamed_pipeline_keeps_its_slot(self):
        with Postgres() as server, Workspace() as work:
            server.sql(SCHEMA + "insert into orders select n, n, 'x' from generate_series(1, 20) n;")
            sink = "sink:\n  sqlite: {path: out.db, table: \"${meta.table}\", mode: append}\n"
            work.write("old.yaml", PIPELINE % ("old", server.url) + sink)
            work.write("new.yaml", PIPELINE % ("new", server.url) + sink)

            def count():
                return (work.path / "out.db").exists() and len(outputs.rows(work.path / "out.db", "select _id from orders"))

            daemon = work.start("old.yaml")
            testing.wait_for(lambda: count() == 20, 60, "the snapshot")
            daemon.terminate()
            server.sql("insert into orders select n, n, 'y' from generate_series(21, 30) n;")
            renamed = work.command("positions", "rename", "old", "new", "--data-dir", work.data)
            self.assertEqual(0, renamed.returncode, renamed.stderr)
            doctor = work.command("doctor", "new.yaml", "--data-dir", work.data)
            self.assertIn("sluice_old", doctor.stdout)
            daemon = work.start("new.yaml")
            testing.wait_for(lambda: count() == 30, 60, f"what came in between\n{daemon.log_tail()}")
            daemon.terminate()
            ids = [row[0] for row in outputs.rows(work.path / "out.db", "select id from orders order by id")]
            outputs.check_exactly_once([int(n) for n in ids], list(range(1, 31)), "the table")
            # Another slot under old positions cannot have what came in between.
            text = (work.path / "new.yaml").read_text("utf-8").replace('tables: ["public.*"]', 'tables: ["public.*"], slot: another')
            work.write("new.yaml", text)
            failed = work.launch("new.yaml")
            failed.wait_exit(1)
            self.assertIn("position_lost", failed.log())


if __name__ == "__main__":
    testing.main()
