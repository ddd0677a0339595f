"""The sinks that chaos runs write to: their part of the pipeline's file, and how a reader that knows nothing of sluice reads them."""

import gzip
import json
import sqlite3

from chaos import verdict
from chaos.workload import WATCHED
from support import outputs


class FileSink:
    """Every change in one order."""

    name = "lake"

    def __init__(self, scenario):
        self.folder = scenario.work.path / "lake"

    def config(self, chance):
        compression = chance.choice(("none", "none", "gzip"))
        return f"file: {{path: lake/, format: json, compression: {compression}, rotate: {{size: {chance.choice((16, 64, 1024))}KiB}}}}"

    def check(self, judge):
        records = []
        for path in outputs.lake_files(self.folder):
            with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as lines:
                records.extend(verdict.from_json_record(json.loads(line), "the lake") for line in lines)
        judge.check_changes(records, "file sink")
        return len(records)


class SqliteSink:
    """The last state of every table."""

    name = "copy"

    def __init__(self, scenario):
        self.path = scenario.work.path / "copy.db"

    def config(self, _):
        return "when: meta.table != 'journal'\n    sqlite: {path: copy.db, table: '${meta.table}', mode: upsert}"  # an upsert needs a key

    def check(self, judge):
        count = 0
        connection = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)
        connection.row_factory = sqlite3.Row
        try:
            for table in sorted(set(WATCHED) - {"journal"}):
                there = connection.execute("select 1 from sqlite_master where name = ?", (table,)).fetchone()
                rows = [dict(row) for row in connection.execute(f"select * from {table}")] if there else []
                judge.check_copy(table, rows, "sqlite sink")
                count += len(rows)
        finally:
            connection.close()
        return count


SINKS = {"file": FileSink, "sqlite": SqliteSink}
