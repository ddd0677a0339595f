"""The daemon writes debezium_json from PostgreSQL into a file: the values are those that Debezium wrote, topic by topic."""

import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "oracle"))
import debezium  # noqa: E402
from support import testing  # noqa: E402
from support.daemon import Workspace  # noqa: E402
from support.postgres import Postgres  # noqa: E402

PIPELINE = """
name: events
source:
  postgres_cdc: {url: "%s", tables: ["public.*", "sales-eu.*"], publication: oracle, messages: emit, snapshot: never}
sinks:
  screen:
    stdout: {format: {debezium_json: {topic_prefix: srv}}}
checkpoint: {every: 100ms}
"""
# Not followed: docs/formats/debezium.md.
DIFFERENT = {"different", "key_and_index", "last_record"}


def by_table(values):
    """{table: values in their order}"""
    tables = {}
    for value in values:
        source = json.loads(value)["source"]
        if source["table"] not in DIFFERENT:
            tables.setdefault((source["schema"], source["table"]), []).append(debezium.mask(value))
    return tables


class DebeziumJson(unittest.TestCase):
    def test_the_daemons_lines_are_debeziums_values(self):
        recorded = [json.loads(line) for line in (debezium.RECORDED / "default.jsonl").read_text("utf-8").rstrip("\n").split("\n")]
        wanted = by_table(record["value"] for record in recorded if record.get("value"))
        with Postgres() as server, Workspace() as work:
            server.sql(debezium.sql("schema.sql"))
            server.sql("CREATE PUBLICATION oracle FOR ALL TABLES")
            work.write("events.yaml", PIPELINE % server.url)
            lines = work.path / "lines"
            with open(lines, "wb") as out:
                work.launch("events.yaml", stdout=out)
                testing.wait_for(lambda: server.sql("SELECT 1 FROM pg_replication_slots WHERE active"), 60, "the stream")
                server.sql(debezium.sql("rows.sql"))
                server.sql(debezium.sql("changes.sql"))
                testing.wait_for(lambda: b'"table":"last_record"' in lines.read_bytes(), 60, "the last record")
            got = by_table(lines.read_text("utf-8").rstrip("\n").split("\n"))
        self.assertEqual(set(got), set(wanted))
        for table, values in wanted.items():
            with self.subTest(".".join(table)):
                self.assertEqual(got[table], values)


if __name__ == "__main__":
    testing.main()
